"""How long a scan of a 10 s 720p film of one face takes, whole and quick, by stage, beside a plain pipeline in torch.

The film is made here (a photograph that pans, speech-like sound), or given with --film. Each run is a fresh process, as
a user's is; seconds by stage come from the report itself. The plain pipeline (`parts/plain_pipeline.py`) finds faces by
the MTCNN of facenet-pytorch in as many frames as the scan looked at, and scores each by timm's Xception: its weights
are random, for it is there for its speed alone. All take turns. Run: python -P benchmarks/scan.py --out out/bench
"""

from __future__ import annotations

import argparse
import json
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

WAYS = {"whole": (), "quick": ("--quick",)}


def measured(command: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a fresh process says as JSON, and its wall and CPU seconds and exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if not done.stdout:
        raise SystemExit(done.stderr)
    said = json.loads(done.stdout.splitlines()[-1])
    return said, {"wall": wall, "cpu": cpu, "exit": done.returncode, "load": os.getloadavg()[0]}


def scanned(path: Path, way: str) -> dict[str, Any]:
    """Return the costs of one scan in a fresh process, with its stages."""
    program = str(Path(sys.executable).with_name("assay"))
    report, costs = measured([program, "scan", "--json", *WAYS[way], str(path)])
    notes = [note for note in report["notes"] if "were looked at" in note]
    return {**costs, "stages": report["seconds"], "looked": notes}


def plain(path: Path, python: Path, frames: int) -> dict[str, Any]:
    """Return the costs of the plain pipeline in a fresh process, with its stages."""
    script = Path(__file__).parent / "parts/plain_pipeline.py"
    said, costs = measured([str(python), "-P", str(script), str(path), "--frames", str(frames)])
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
        "load": [round(min(run["load"] for run in runs), 1), round(max(run["load"] for run in runs), 1)],
    }


def main() -> None:
    """Measure and write out/bench/scan.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--film", type=Path)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--plain-python", type=Path, default=Path(sys.executable), help="With facenet-pytorch, timm.")
    given = options.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {"whole": [], "quick": [], "plain, 32 frames": [], "plain, 8 frames": []}
    with tempfile.TemporaryDirectory() as folder:
        path = given.film or Path(folder) / "film.mp4"
        if given.film is None:
            film(path)
        for _ in range(given.runs):
            for way in WAYS:
                runs[way].append(scanned(path, way))
            for frames in (32, 8):
                runs[f"plain, {frames} frames"].append(plain(path, given.plain_python, frames))
    found = {name: summary(several) for name, several in runs.items()}
    pairs = (("whole", "plain, 32 frames"), ("quick", "plain, 8 frames"))
    ratios = {
        f"{theirs} / {ours}, {what}": round(found[theirs][f"{what}_median_s"] / found[ours][f"{what}_median_s"], 2)
        for ours, theirs in pairs
        for what in ("wall", "cpu")
    }
    result = {
        "what": "fresh processes in turns: assay scan --json, assay scan --quick --json, MTCNN and Xception in torch",
        "film": path.name,
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
