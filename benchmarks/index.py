"""How fast a corpus of a million files becomes an index, how fast the index answers, and how much memory both need.

A plain folder is made: `--distinct` files with true headers (WAV, FLAC, JPEG, PNG, MP4, of one disk block each), every
one under several names (hard links) until there are `--files`, by 20 makers in `--files`/20 groups. Build, build again
with nothing changed, split and questions each run in a fresh process, whose peak memory is its own; the page cache is
warm from the writing. Run: python -P benchmarks/index.py --work DIR --out out/bench
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from assay.eval.checkout import commit

MAKERS = 20
LINKS_A_FOLDER = 2000


def bodies() -> list[tuple[str, bytes]]:
    """Return a suffix and the bytes of one file of each container."""
    import numpy as np
    from assay.media.audio import Audio
    from assay.media.encode import encode_audio
    from PIL import Image

    wave = 0.1 * np.sin(np.arange(800) / 5)
    sound = Audio(samples=wave.astype(np.float32)[None], rate=16000)
    pictures = []
    for form in ("jpeg", "png"):
        out = BytesIO()
        Image.new("RGB", (96, 64), (90, 60, 30)).save(out, form)
        pictures.append((f".{form}", out.getvalue()))
    mvhd = struct.pack(">I4sIIIII", 108, b"mvhd", 0, 0, 0, 1000, 2000) + bytes(80)
    tkhd = struct.pack(">I4s", 92, b"tkhd") + bytes(76) + struct.pack(">II", 320 << 16, 240 << 16)
    trak = struct.pack(">I4s", 8 + len(tkhd), b"trak") + tkhd
    film = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom")
    film += struct.pack(">I4s", 8 + len(mvhd) + len(trak), b"moov") + mvhd + trak
    return [(".wav", encode_audio(sound, "wav")), (".flac", encode_audio(sound, "flac")), *pictures, (".mp4", film)]


def plant(root: Path, *, files: int, distinct: int) -> None:
    """Write the tree: file k is the k-th of `distinct` under another name; half are real, half by makers."""
    made = bodies()
    groups = max(1, files // 20)
    first: list[Path] = []
    for number in range(files):
        suffix, body = made[number % len(made)]
        maker = "" if number % 2 else f"maker{number // 2 % MAKERS:02d}/"
        folder = root / ("real" if number % 2 else "fake") / f"{maker}{number // LINKS_A_FOLDER:04d}"
        if number % LINKS_A_FOLDER < 2 * MAKERS:
            folder.mkdir(parents=True, exist_ok=True)
        place = folder / f"g{number * 7919 % groups:06d}__{number:07d}{suffix}"
        source = number % distinct
        if number < distinct:
            place.write_bytes(body)
            first.append(place)
        else:
            os.link(first[source], place)


def peak() -> float:
    """Return the peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed(path: Path, out: Path, jobs: int) -> dict[str, float]:
    """Build the index and say how long it took."""
    from assay.datasets.indexing import Settings, build

    begun, used = time.perf_counter(), time.process_time()
    rows = len(build(path, out, settings=Settings(jobs=jobs)))
    seconds = time.perf_counter() - begun
    return {
        "rows": rows,
        "seconds": seconds,
        "cpu_seconds": time.process_time() - used,
        "files_per_second": rows / seconds,
        "peak_mib": peak(),
    }


def split(out: Path) -> dict[str, float]:
    """Assign splits and say how long it took."""
    from assay.datasets.index import Index
    from assay.datasets.splitting import split_index

    begun = time.perf_counter()
    done = split_index(Index(out), out, seed=1)
    return {"rows": len(done.index), "seconds": time.perf_counter() - begun, "peak_mib": peak()}


def questions(out: Path, times: int) -> dict[str, object]:
    """Ask each question `times` times; milliseconds, median and worst."""
    from assay.datasets.index import Index

    begun = time.perf_counter()
    index = Index(out)
    opened = 1000 * (time.perf_counter() - begun)
    some = ("id", "label", "maker", "split", "group")
    asked: dict[str, Callable[[], int]] = {
        "count by label": lambda: len(index.counts("label")),
        "count by label, maker, split": lambda: len(index.counts("label", "maker", "split")),
        "count by kind of one maker": lambda: len(index.counts("kind", where={"maker": "maker07"})),
        "ids of one group": lambda: index.select({"group": "g000123"}, columns=("id",)).num_rows,
        "items of one group": lambda: sum(1 for _ in index.items({"group": "g000123"})),
        "ids of one maker in test": lambda: (
            index.select({"maker": "maker07", "split": "test"}, columns=("id",)).num_rows
        ),
        "first 1,000 films of test": lambda: (
            index.select({"kind": "video", "split": "test"}, columns=some, limit=1000).num_rows
        ),
        "5 columns of all spoofs in test": lambda: (
            index.select({"label": "spoof", "split": "test"}, columns=some).num_rows
        ),
    }
    found: dict[str, object] = {"open_ms": opened, "bytes": out.stat().st_size}
    for name, ask in asked.items():
        took, used, rows = [], [], 0
        for _ in range(times):
            begun, cpu = time.perf_counter(), time.process_time()
            rows = ask()
            took.append(1000 * (time.perf_counter() - begun))
            used.append(1000 * (time.process_time() - cpu))
        found[name] = {
            "rows": rows,
            "median_ms": statistics.median(took),
            "least_ms": min(took),
            "worst_ms": max(took),
            "median_cpu_ms": statistics.median(used),
        }
    return found | {"peak_mib": peak()}


def child(step: str, arguments: argparse.Namespace) -> dict[str, object]:
    """Run one step in a fresh process and return what it printed."""
    command = [sys.executable, "-P", __file__, "--work", arguments.work, "--step", step, "--jobs", str(arguments.jobs)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Make the tree where it is not there yet, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("out/index"), help="folder for the tree and the index")
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--distinct", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--step", choices=("build", "split", "questions"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    tree, index = arguments.work / "tree", arguments.work / "index.parquet"
    if arguments.step:
        steps = {
            "build": lambda: timed(tree, index, arguments.jobs),
            "split": lambda: split(index),
            "questions": lambda: questions(index, 20),
        }
        print(json.dumps(steps[arguments.step]()))
        return
    if not tree.is_dir():
        begun = time.perf_counter()
        plant(tree, files=arguments.files, distinct=arguments.distinct)
        print(f"tree of {arguments.files} names, {arguments.distinct} files: {time.perf_counter() - begun:.0f} s")
    index.unlink(missing_ok=True)
    result = {
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}",
        "names": arguments.files,
        "distinct_files": arguments.distinct,
        "build": child("build", arguments),
        "build_again": child("build", arguments),
        "split": child("split", arguments),
        "questions": child("questions", arguments),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "index.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
