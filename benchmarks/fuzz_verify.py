"""Damages files with manifests, seeded, and gives each mutant to `verify` and to the second opinion.

Nothing may come but a state or an error of ours, within five seconds and little memory. Run with
`python -P benchmarks/fuzz_verify.py --out out/bench`; what broke is written beside the figures.
"""

from __future__ import annotations

import argparse
import collections
import json
import platform
import random
import resource
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from assay.media.errors import AssayError
from assay.provenance.second_opinion import disagreements, second_opinion
from assay.provenance.second_opinion.jumbf import STORE_MARK
from assay.provenance.verify import verify

SHARED = Path(__file__).resolve().parents[2] / "shared" / "media" / "c2pa"
SEED = 20261122
SLOW_SECONDS = 5.0
LARGEST = 700_000  # bytes of a file to damage: larger ones hold no other structures
NUMBERS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1", b"\x80\0\0\0", b"\0\0\0\x08")
CBOR_HEADS = bytes([0x9F, 0xBF, 0x5F, 0xFF, 0x9B, 0xBB, 0x5B, 0xDB, 0xC1, 0xF9, 0xFB, 0x1B, 0x3B, 0x81, 0xA1])


def mutant(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Return a damaged copy: one to four changes, most of them inside the manifest store, if there is one."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        rng.choice(CHANGES)(rng, made, other)
        if not made:
            return b""
    return bytes(made)


def place(rng: random.Random, data: bytearray) -> int:
    """Return an offset: three times in four one within the 40,000 bytes behind the store's beginning."""
    start = data.find(STORE_MARK)
    if start < 0 or rng.random() < 0.25:
        return rng.randrange(len(data))
    return min(len(data) - 1, start + int(rng.random() ** 2 * 40_000))


def flip(rng: random.Random, data: bytearray, _: bytes) -> None:
    """Set some bytes, near each other, to anything."""
    at = place(rng, data)
    for _step in range(rng.choice((1, 1, 3, 16))):
        data[min(len(data) - 1, at + rng.randrange(32))] = rng.randrange(256)


def number(rng: random.Random, data: bytearray, _: bytes) -> None:
    """Write a number that a length field could be, over four bytes."""
    at = place(rng, data)
    data[at : at + 4] = rng.choice(NUMBERS)


def head(rng: random.Random, data: bytearray, _: bytes) -> None:
    """Write the head of a CBOR item: endless, huge, tagged, nested."""
    data[place(rng, data)] = rng.choice(CBOR_HEADS)


def nest(rng: random.Random, data: bytearray, _: bytes) -> None:
    """Write many nested heads, or many empty boxes."""
    at = place(rng, data)
    data[at : at + 400] = rng.choice((b"\x81" * 400, b"\xd8\x18" * 200, b"\0\0\0\x08free" * 50, b"\0\0\1\x90jumb" * 50))


def cut(rng: random.Random, data: bytearray, _: bytes) -> None:
    """Cut the end off."""
    del data[place(rng, data) :]


def drop(rng: random.Random, data: bytearray, _: bytes) -> None:
    """Take a piece out."""
    at = place(rng, data)
    del data[at : at + rng.choice((1, 4, 8, 100, 5000))]


def double(rng: random.Random, data: bytearray, _: bytes) -> None:
    """Repeat a piece."""
    at = place(rng, data)
    data[at:at] = data[at : at + rng.choice((1, 8, 100, 20_000))]


def splice(rng: random.Random, data: bytearray, other: bytes) -> None:
    """Write a piece of another file over a piece of this one."""
    at, start = place(rng, data), rng.randrange(max(1, len(other)))
    size = rng.choice((4, 64, 4096))
    data[at : at + size] = other[start : start + size]


CHANGES: tuple[Callable[[random.Random, bytearray, bytes], None], ...] = (
    flip,
    flip,
    number,
    head,
    nest,
    cut,
    drop,
    double,
    splice,
)


def mutants(files: list[Path], *, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and bytes of `count` mutants; those with a manifest are damaged twice as often."""
    rng = random.Random(seed)  # noqa: S311 - damage, not secrets
    contents = [path.read_bytes() for path in files]
    weights = [2 if STORE_MARK in data else 1 for data in contents]
    for _ in range(count):
        [at], other = rng.choices(range(len(files)), weights), rng.choice(contents)
        yield files[at].name, mutant(rng, contents[at], other)


def outcome(call: Callable[[Path], Any], path: Path) -> tuple[str, float, Any, str]:
    """Return the state or the error's name, the seconds, what came back, and a traceback if it was no error of ours."""
    begun = time.monotonic()
    trace, result = "", None
    try:
        result = call(path)
        word = str(result.state) if result.state is not None else "no opinion"
    except AssayError as error:
        word = type(error).__name__
    except Exception as error:  # noqa: BLE001 - what must never come is what is looked for
        word, trace = f"crash: {type(error).__name__}", traceback.format_exc()
    return word, time.monotonic() - begun, result, trace


def peak_mib() -> dict[str, float]:
    """Return the peak resident memory of this process and of the largest of its children, in MiB."""
    children = []
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    children.append(int(line.split()[1]) / 1024)
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"own": round(own, 1), "largest_child": round(max(children, default=0.0), 1)}


def run(files: list[Path], *, count: int, seed: int, keep: Path | None = None) -> dict[str, Any]:
    """Give `count` mutants to both readers and return the figures; `keep` is where what broke is written."""
    words: dict[str, collections.Counter[str]] = {"verify": collections.Counter(), "second": collections.Counter()}
    slowest = {"verify": (0.0, ""), "second": (0.0, "")}
    broken, differing = [], collections.Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        for index, (name, data) in enumerate(mutants(files, count=count, seed=seed)):
            path = Path(folder) / f"mutant{Path(name).suffix}"
            path.write_bytes(data)
            found = {}
            for reader, call in (("verify", verify), ("second", second_opinion)):
                word, seconds, found[reader], trace = outcome(call, path)
                words[reader][word] += 1
                slowest[reader] = max(slowest[reader], (round(seconds, 3), f"{name} #{index}"))
                if trace or seconds > SLOW_SECONDS:
                    broken.append({"reader": reader, "of": name, "number": index, "seconds": seconds, "trace": trace})
                    if keep is not None:
                        (keep / f"crash-{index}-{name}").write_bytes(data)
            if found["verify"] is not None and found["second"] is not None and found["second"].state is not None:
                states = f"{found['verify'].state} / {found['second'].state}"
                kind = "codes" if disagreements(found["verify"], found["second"]) else "none"
                differing[f"{states}: {kind}"] += 1
    return {
        "mutants": count,
        "files": len(files),
        "seed": seed,
        "outcomes": {reader: dict(counter.most_common()) for reader, counter in words.items()},
        "slowest_seconds": slowest,
        "differences": dict(differing.most_common()),
        "broken": broken,
        "peak_mib": peak_mib(),
    }


def main() -> int:
    """Run the benchmark, print and write its figures; 1 if anything broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    if not SHARED.is_dir():
        print("the shared files are not here: nothing to damage")
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    files = [path for path in sorted(SHARED.rglob("*.*")) if path.suffix != ".csv" and path.stat().st_size <= LARGEST]
    begun = time.monotonic()
    figures = run(files, count=options.count, seed=options.seed, keep=options.out)
    figures |= {"seconds": round(time.monotonic() - begun, 1), "python": sys.version.split()[0]}
    figures["machine"] = platform.machine()
    (options.out / "fuzz_verify.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))
    return 1 if figures["broken"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
