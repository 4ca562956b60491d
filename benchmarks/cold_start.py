"""How long the command line takes from cold: `python -c pass`, `assay --help`, `assay verify FILE`, in turn.

Run: `.venv/bin/python -P benchmarks/cold_start.py --out out/bench` (`--quick`: few runs). Ratios are to Python alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from assay.eval.checkout import commit

ASSAY = str(Path(sys.executable).with_name("assay"))
COMMANDS = {
    "python -c pass": [sys.executable, "-P", "-c", "pass"],
    "python -c 'import c2pa'": [sys.executable, "-P", "-c", "import c2pa"],
    "assay --help": [ASSAY, "--help"],
    "assay verify FILE": [ASSAY, "verify", "FILE"],
}


def signed_picture(folder: Path) -> Path:
    """Make a signed JPEG of 640 x 480."""
    from datetime import UTC, datetime

    import numpy as np
    from assay.media.encode import encode_image
    from assay.provenance.certs import ensure_credentials
    from assay.provenance.sign import Action, Manifest, sign_file

    pixels = np.random.default_rng(1).integers(0, 255, (60, 80, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    source = folder / "source.jpg"
    source.write_bytes(encode_image(pixels, "jpeg"))
    credentials = ensure_credentials(folder / "certs", now=datetime.now(UTC))
    manifest = Manifest(version="1", actions=(Action(name="c2pa.created", source_type="digitalCapture"),))
    return sign_file(source, folder / "signed.jpg", manifest, credentials).path


def once(command: list[str]) -> tuple[float, float]:
    """Run a command; return its wall time and the CPU time of all its processes, in seconds."""
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    wall, after = time.perf_counter() - begun, os.times()
    if done.returncode != 0:
        msg = f"{command} ended with {done.returncode}"
        raise SystemExit(msg)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used


def measure(runs: int) -> list[dict[str, Any]]:
    """Run every command `runs` times, taking turns so that a busy moment hits all alike."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as name:
        path = str(signed_picture(Path(name)))
        os.environ["ASSAY_HOME"] = name
        for turn in range(runs + 1):
            for label, command in COMMANDS.items():
                spent = once([path if part == "FILE" else part for part in command])
                if turn:  # the first fills the disk's cache
                    taken[label].append(spent)
    base = statistics.median(wall for wall, _ in taken["python -c pass"])
    return [
        {
            "command": label,
            "wall_median_s": round(statistics.median(wall for wall, _ in spent), 4),
            "wall_min_s": round(min(wall for wall, _ in spent), 4),
            "cpu_median_s": round(statistics.median(cpu for _, cpu in spent), 4),
            "ratio": round(statistics.median(wall for wall, _ in spent) / base, 2),
        }
        for label, spent in taken.items()
    ]


def main() -> None:
    """Measure and write `cold_start.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    runs = 5 if given.quick else 25
    load = os.getloadavg()[0]
    rows = measure(runs)
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(), "load": load}
    told = {"commit": commit(), "machine": machine, "runs": runs, "rows": rows}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "cold_start.json").write_text(json.dumps(told, indent=2) + "\n")
    print(f"{'':28s} {'median':>8s} {'min':>8s} {'CPU':>8s} {'ratio':>6s}   ({runs} runs, load {load:.1f})")
    for row in rows:
        times = "".join(f" {row[key]:8.3f}" for key in ("wall_median_s", "wall_min_s", "cpu_median_s"))
        print(f"{row['command']:28s}{times} {row['ratio']:6.2f}")


if __name__ == "__main__":
    main()
