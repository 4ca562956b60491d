"""The public log at a million entries, and under SIGKILL.

Appends (batched, single, and how long one takes to be on disk), receipts, proofs of inclusion and of consistency at
full size, a whole audit, memory, size on disk; each in a fresh process. Then a writer is killed with SIGKILL at random
moments, mid-append: no entry that it had acknowledged may be lost, and what it left must audit and be consistent with
what was before. Run: python -P benchmarks/ledger.py --out out/bench (--quick: 50,000 entries, 20 kills)
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from assay.eval.checkout import commit
from assay.provenance.ledger import Receipt, ensure_ledger
from assay.provenance.merkle import EMPTY, holds_consistency, holds_inclusion, leaf_hash

BATCH, ENTRY = 1000, 200  # entries of a batch, bytes of an entry
SEED = 20261122

_WRITER = """
import sys
from pathlib import Path
from assay.provenance.ledger import ensure_ledger
ledger = ensure_ledger(Path(sys.argv[1]))
number = len(ledger)
while True:
    ledger.append([b"entry %d" % (number + step) for step in range(int(sys.argv[2]))])
    number += int(sys.argv[2])
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def entry(number: int) -> bytes:
    """Return entry `number`: 200 bytes that no other has."""
    return (b"entry %d " % number).ljust(ENTRY, b"x")


def peak_mib() -> float:
    """Return the most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(folder: Path, size: int) -> dict[str, Any]:
    """Append up to `size` entries in batches; memory is looked at on the way."""
    ledger, memory = ensure_ledger(folder), []
    begun = time.perf_counter()
    for first in range(0, size, BATCH):
        ledger.append([entry(number) for number in range(first, first + BATCH)])
        if first % (size // 10) == 0:
            memory.append(round(peak_mib(), 1))
    return {"batched_per_s": size / (time.perf_counter() - begun), "peak_mib_on_the_way": memory}


def single(folder: Path, count: int) -> dict[str, Any]:
    """Append one entry at a time, with and without a receipt; each is on disk before the next."""
    ledger, begun = ensure_ledger(folder), time.perf_counter()
    for number in range(count):
        ledger.append([b"single %d" % number])
    plain = count / (time.perf_counter() - begun)
    begun = time.perf_counter()
    for number in range(count):
        ledger.add(b"with receipt %d" % number)
    return {"single_per_s": plain, "single_with_receipt_per_s": count / (time.perf_counter() - begun)}


def proofs(folder: Path, count: int) -> dict[str, Any]:
    """Make and check proofs at random places."""
    ledger, rng = ensure_ledger(folder), np.random.default_rng(SEED)
    size = len(ledger)
    tree = ledger.root()
    taken: dict[str, list[float]] = {"inclusion_ms": [], "consistency_ms": [], "receipt_ms": [], "receipt_check_ms": []}
    for _ in range(count):
        index, old = int(rng.integers(size)), int(rng.integers(1, size))
        begun = time.perf_counter()
        path = ledger.inclusion(index)
        taken["inclusion_ms"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        grown = ledger.consistency(old)
        taken["consistency_ms"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        text = ledger.receipt(index).to_text()
        taken["receipt_ms"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        Receipt.parse(text).verify(ledger.key)
        taken["receipt_check_ms"].append(time.perf_counter() - begun)
        holds = holds_inclusion(leaf_hash(ledger.entry(index)), index, size, path, tree)
        if not holds or not holds_consistency((old, size), (ledger.root(old), tree), grown):
            sys.exit(f"a proof does not hold: {index}, {old}")
    spread = {name: (statistics.median(all_), sorted(all_)[len(all_) * 99 // 100]) for name, all_ in taken.items()}
    return {name: {"median": 1e3 * middle, "p99": 1e3 * high} for name, (middle, high) in spread.items()}


def audit(folder: Path, _: int) -> dict[str, Any]:
    """Compute every hash anew."""
    begun = time.perf_counter()
    count = ensure_ledger(folder).audit()
    return {"audited": count, "audit_s": time.perf_counter() - begun}


STAGES = {"fill": fill, "single": single, "proofs": proofs, "audit": audit}


def staged(stage: str, folder: Path, count: int) -> dict[str, Any]:
    """Return what a stage measures in a process of its own, with the most memory that it had."""
    command = [sys.executable, "-P", __file__, "--out", "-", "--stage", stage, "--folder", str(folder), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{stage}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def killed(folder: Path, kills: int) -> dict[str, Any]:
    """Kill a writer at random moments and hold what it left against what it acknowledged."""
    ledger, rng = ensure_ledger(folder), np.random.default_rng(SEED)
    size, tree, lost, broken, unseen = 0, EMPTY, 0, 0, 0
    for _ in range(kills):
        told = max(_write_and_kill(folder, rng), size)
        now, count = ensure_ledger(folder), len(ledger)
        lost += count < told or (told > 0 and now.entry(told - 1) != b"entry %d" % (told - 1))
        unseen += count > told
        if now.audit() != count or not holds_consistency((size, count), (tree, now.root()), now.consistency(size)):
            broken += 1
        if count:
            now.receipt(int(rng.integers(count))).verify(now.key)
        size, tree = count, now.root()
    return {"kills": kills, "entries": size, "lost": lost, "broken": broken, "left_whole_but_untold": unseen}


def _write_and_kill(folder: Path, rng: np.random.Generator) -> int:
    """Start a writer, kill it after its first word and a random while; return the last number it acknowledged."""
    batch = int(rng.choice((1, 1, 7, 60, 500)))
    command = [sys.executable, "-P", "-c", _WRITER, str(folder), str(batch)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        if writer.stdout is None:
            return 0
        select.select([writer.stdout], [], [], 60)
        time.sleep(rng.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        lines = writer.stdout.read().split(b"\n")
    return max((int(line) for line in lines[:-1] if line), default=0)


def measured(size: int, kills: int) -> dict[str, Any]:
    """Return all figures."""
    result: dict[str, Any] = {"entries": size, "batch": BATCH, "entry_bytes": ENTRY, "seed": SEED}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "log"
        counts = {"fill": size, "single": 200, "proofs": 500, "audit": 0}
        for stage, count in counts.items():
            result[stage] = staged(stage, folder, count)
        held = sum(path.stat().st_size for path in folder.iterdir())
        result["mb_on_disk"] = held / 1e6
        result["killed"] = killed(Path(name) / "killed", kills)
    return result


def main() -> int:
    """Measure and write out/bench/ledger.json; 1 if a goal of the log is missed (loss, breakage)."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options.add_argument("count", type=int, nargs="?", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.stage:
        found = STAGES[given.stage](given.folder, given.count)
        print(json.dumps({**found, "peak_mib": peak_mib()}))
        return 0
    load = os.getloadavg()
    result = measured(50_000, 20) if given.quick else measured(1_000_000, 200)
    result |= {
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_before": load,
        "load_after": os.getloadavg(),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "ledger.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))
    return 1 if result["killed"]["lost"] or result["killed"]["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
