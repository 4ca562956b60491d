"""How much memory and time a scan takes of a film of one and of ten minutes: memory must not grow with the length.

The ten seconds of `scan.py` follow each other, not encoded again. Peaks of memory are those that the kernel counted for
the process and for its decoding process. Run: python -P benchmarks/scan_long.py --out out/bench
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from parts.films import SECONDS, film, repeated

MINUTES = (1, 10)


class Watch(threading.Thread):
    """Reads the peak memory of a process and of its children while it runs, in MiB."""

    def __init__(self, pid: int) -> None:
        """Watch the process `pid`."""
        super().__init__(daemon=True)
        self.pid, self.peaks, self.together = pid, dict[int, float](), 0.0

    def run(self) -> None:
        """Look ten times a second until the process is gone."""
        while True:
            try:
                children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split()
                told = [_memory(number) for number in (self.pid, *map(int, children))]
            except OSError:
                return
            for number, (peak, _) in zip((self.pid, *map(int, children)), told, strict=True):
                self.peaks[number] = max(self.peaks.get(number, 0.0), peak)
            self.together = max(self.together, sum(now for _, now in told))
            time.sleep(0.1)


def _memory(pid: int) -> tuple[float, float]:
    """Return peak and present resident memory in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    found = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmHWM", "VmRSS"))}
    return float(found.get("VmHWM", 0)) / 1024, float(found.get("VmRSS", 0)) / 1024


def scanned(path: Path) -> dict[str, Any]:
    """Return seconds, CPU seconds and peaks of memory of a scan in a fresh process."""
    begun, before = time.perf_counter(), os.times()
    program = [str(Path(sys.executable).with_name("assay")), "scan", "--json", str(path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        watch = Watch(process.pid)
        watch.start()
        said, _ = process.communicate()
    after, report = os.times(), json.loads(said)
    own = watch.peaks.pop(process.pid, 0.0)
    return {
        "wall_s": round(time.perf_counter() - begun, 1),
        "cpu_s": round(after.children_user + after.children_system - before.children_user - before.children_system, 1),
        "main_peak_mib": round(own),
        "decoder_peak_mib": round(max(watch.peaks.values(), default=0.0)),
        "together_peak_mib": round(watch.together),
        "stages_s": {name: round(value, 2) for name, value in report["seconds"].items()},
        "notes": report["notes"],
    }


def main() -> None:
    """Measure and write out/bench/scan_long.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--minutes", type=int, nargs="*", default=MINUTES)
    given = options.parse_args()
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_before": os.getloadavg(),
    }
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder) / "film.mp4"
        film(first)
        for minutes in given.minutes:
            path = Path(folder) / f"{minutes}.mp4"
            repeated(first, path, minutes * 60 // SECONDS)
            result[f"{minutes} min"] = scanned(path)
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "scan_long.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
