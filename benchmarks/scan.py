"""How long a scan of a 10 s 720p film with sound takes, where the time goes, and how much memory it needs.

The film is made here (a photograph that pans, speech-like sound), or given with --film. Each run is a fresh process,
as a user's is; seconds by stage come from the report itself. Run: python -P benchmarks/scan.py --out out/bench
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
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

SECONDS, RATE = 10, 25


def film(path: Path) -> None:
    """Write the made film: 1280 x 720, 25 frames a second, stereo sound at 48 kHz, H.264 and AAC."""
    import cv2
    from assay.media.audio import Audio
    from assay.media.encode import encode_film
    from assay.media.video import Frame
    from skimage.data import astronaut

    scene = cv2.resize(astronaut(), (1440, 1440), interpolation=cv2.INTER_CUBIC)

    def frames() -> Iterator[Frame]:
        for index in range(SECONDS * RATE):
            shift = int(60 + 50 * np.sin(index / 20))
            yield Frame(index=index, time=index / RATE, image=np.ascontiguousarray(scene[shift : shift + 720, 80:1360]))

    time_axis = np.arange(SECONDS * 48_000) / 48_000
    voice = 0.2 * np.sin(2 * np.pi * 140 * time_axis) * (1 + np.sin(2 * np.pi * 4 * time_axis)) / 2
    sound = Audio(samples=np.stack([voice, voice]).astype(np.float32), rate=48_000)
    path.write_bytes(encode_film(frames(), sound, "mp4", rate=Fraction(RATE)))


def scanned(path: Path) -> dict[str, object]:
    """Return wall and CPU seconds, peak memory (MiB, largest process) and stages of one scan in a fresh process."""
    program = Path(sys.executable).with_name("assay")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run([program, "scan", "--json", path], capture_output=True, text=True, check=False)
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(done.stdout)
    return {
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mib": after.ru_maxrss / 1024,
        "exit": done.returncode,
        "stages": report["seconds"],
    }


def main() -> None:
    """Measure and write out/bench/scan.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--film", type=Path)
    options.add_argument("--runs", type=int, default=5)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.film or Path(folder) / "film.mp4"
        if given.film is None:
            film(path)
        runs = [scanned(path) for _ in range(given.runs)]
    walls = [run["wall"] for run in runs]
    result = {
        "what": "assay scan --json, 10 s 720p film with sound, a fresh process each",
        "film": path.name,
        "wall_median_s": statistics.median(walls),
        "wall_min_s": min(walls),
        "cpu_median_s": statistics.median(run["cpu"] for run in runs),
        "peak_mib": max(run["peak_mib"] for run in runs),
        "stages_of_fastest": min(runs, key=lambda run: run["wall"])["stages"],
        "runs": runs,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": os.getloadavg(),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "scan.json").write_text(json.dumps(result, indent=1))
    print(json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=1))


if __name__ == "__main__":
    main()
