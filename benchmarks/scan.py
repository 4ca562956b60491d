"""How long a scan of a 10 s 720p film of one face takes, whole and quick, by stage, beside a plain pipeline in torch.

The film is made here (a photograph that pans, speech-like sound), or given with --film. Each run is a fresh process, as
a user's is; seconds by stage come from the report itself. The plain pipeline (`parts/plain_pipeline.py`) finds faces by
the MTCNN of facenet-pytorch in as many frames as the scan looked at, and scores each by timm's Xception: its weights
are random, for it is there for its speed alone. All take turns. Python's compiled modules are kept for all of them in a
folder that a first run of each fills, as they are after a program's first start; `--uncompiled` leaves that out, as
PYTHONDONTWRITEBYTECODE does where nothing was compiled at installation.

Run: python -P benchmarks/scan.py --out out/bench
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from parts.films import film

WAYS = {
    "whole": (),
    "quick": ("--quick",),
    "quick, the eye alone": ("--quick", "--detectors", "visual-residual"),
}
PLAIN = {"plain, 32 frames": 32, "plain, 8 frames": 8}
"""The plain pipeline, and the frames that it looks at."""


def environment(compiled: Path | None) -> dict[str, str]:
    """Return the surroundings of a contender: with compiled modules in that folder, or without any."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    if compiled is None:
        return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(compiled)}


def measured(command: list[str], compiled: Path | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a fresh process says as JSON, and its wall and CPU seconds and exit code."""
    before, busy = resource.getrusage(resource.RUSAGE_CHILDREN), busy_seconds()
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(compiled))
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if not done.stdout:
        raise SystemExit(done.stderr)
    said = json.loads(done.stdout.splitlines()[-1])
    others = max(0.0, busy_seconds() - busy - cpu) / (wall * (os.cpu_count() or 1))
    return said, {"wall": wall, "cpu": cpu, "exit": done.returncode, "others": others}


def busy_seconds() -> float:
    """Return the seconds that all processors of the machine have worked."""
    user, nice, system, _idle, _wait, irq, softirq, *_ = Path("/proc/stat").read_text(encoding="ascii").split()[1:11]
    return sum(map(int, (user, nice, system, irq, softirq))) / os.sysconf("SC_CLK_TCK")


def scanned(path: Path, way: str, compiled: Path | None) -> dict[str, Any]:
    """Return the costs of one scan in a fresh process, with its stages."""
    program = str(Path(sys.executable).with_name("assay"))
    report, costs = measured([program, "scan", "--json", *WAYS[way], str(path)], compiled)
    notes = [note for note in report["notes"] if "were looked at" in note]
    return {
        **costs,
        "stages": report["seconds"],
        "looked": notes,
        "ratios": {one["detector"]: one["llr"] for one in report["findings"]},
    }


def plain(path: Path, python: Path, frames: int, compiled: Path | None) -> dict[str, Any]:
    """Return the costs of the plain pipeline in a fresh process, with its stages."""
    script = Path(__file__).parent / "parts/plain_pipeline.py"
    said, costs = measured([str(python), "-P", str(script), str(path), "--frames", str(frames)], compiled)
    return {**costs, **said}


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return medians and extremes of some runs, and the stages of the fastest."""
    walls, cpus = [run["wall"] for run in runs], [run["cpu"] for run in runs]
    fastest = min(runs, key=lambda run: run["wall"])
    return {
        "wall_median_s": round(statistics.median(walls), 2),
        "wall_s": [round(min(walls), 2), round(max(walls), 2)],
        "cpu_median_s": round(statistics.median(cpus), 2),
        "cpu_s": [round(min(cpus), 2), round(max(cpus), 2)],
        "stages_of_fastest_s": {name: round(value, 2) for name, value in fastest["stages"].items()},
        "looked": fastest["looked"],
        "runs": len(runs),
        "share_of_others": [round(min(run["others"] for run in runs), 2), round(max(run["others"] for run in runs), 2)],
    }


def main() -> None:
    """Measure and write out/bench/scan.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--film", type=Path)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--plain-python", type=Path, default=Path(sys.executable), help="With facenet-pytorch, timm.")
    options.add_argument("--uncompiled", action="store_true", help="Without compiled modules, for all.")
    options.add_argument("--compiled", type=Path, help="Keep the compiled modules in this folder (default: a new one).")
    options.add_argument("--ways", nargs="*", default=[*WAYS, *PLAIN], help="Some of the contenders alone.")
    options.add_argument(
        "--others", type=float, default=1.0, help="Leave out runs in which others took more of it all."
    )
    options.add_argument("--seconds", type=float, default=math.inf, help="Begin no turn after so many seconds.")
    given = options.parse_args()
    until = time.monotonic() + given.seconds
    with tempfile.TemporaryDirectory() as folder:
        path = given.film or Path(folder) / "film.mp4"
        if given.film is None:
            film(path)
        compiled = None if given.uncompiled else given.compiled or Path(folder) / "compiled"

        def run(name: str) -> dict[str, Any]:
            if name in WAYS:
                return scanned(path, name, compiled)
            return plain(path, given.plain_python, PLAIN[name], compiled)

        for name in given.ways:
            run(name)  # fills the caches of files and of compiled modules; not counted
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in given.ways}
        while time.monotonic() < until and any(len(kept) < given.runs for kept in runs.values()):
            for name in (name for name in given.ways if len(runs[name]) < given.runs):
                done = run(name)
                if done["others"] <= given.others:
                    runs[name].append(done)
    runs = {name: kept for name, kept in runs.items() if kept}
    found = {name: summary(several) for name, several in runs.items()}
    pairs = (("whole", "plain, 32 frames"), ("quick", "plain, 8 frames"), ("quick, the eye alone", "plain, 8 frames"))
    ratios = {
        f"{theirs} / {ours}, {what}": round(found[theirs][f"{what}_median_s"] / found[ours][f"{what}_median_s"], 2)
        for ours, theirs in pairs
        for what in ("wall", "cpu")
        if {ours, theirs} <= found.keys()
    }
    result = {
        "what": "fresh processes in turns: assay scan --json, whole and quick, MTCNN and Xception in torch",
        "film": path.name,
        "compiled modules": not given.uncompiled,
        **found,
        "ratios": ratios,
        "runs": runs,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "scan.json").write_text(json.dumps(result, indent=1))
    print(json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=1))


if __name__ == "__main__":
    main()
