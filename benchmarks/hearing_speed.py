"""How fast the shipped voice detector hears, decoding included, and how much memory a long recording takes.

    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    .venv/bin/python -P benchmarks/hearing_speed.py speed --media ../shared/media --out out
    .venv/bin/python -P benchmarks/hearing_speed.py memory --media ../shared/media --out out

One core, one thread. `speed` times a minute of speech in MP3, FLAC and M4A (44.1 kHz, two channels), the decoding
process warm, beside `librosa.load` of the same file in the same run, in turns. Seconds are those of the processor, of
this process and the one that decodes together, so that what else runs on the machine does not count; the clock's are
told too.
`memory` hears ten minutes and three hours in a process each and tells the most memory either took. Writes
`hearing_speed.json` and `hearing_memory.json`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.encode import encode_audio
from assay.media.view import View

SECONDS, RATE = 60, 44_100
FORMATS = ("mp3", "flac", "m4a")


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=("speed", "memory", "hear"))
    options.add_argument("--media", type=Path)
    options.add_argument("--out", type=Path)
    options.add_argument("--file", type=Path)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if chosen.what == "hear":
        told: dict[str, Any] = heard(chosen.file)
        sys.stdout.write(json.dumps(told) + "\n")
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    told = {"commit": commit(), "machine": f"{platform.machine()}, one core of {os.cpu_count()}", "seconds": SECONDS}
    told |= speed(chosen) if chosen.what == "speed" else memory(chosen)
    (chosen.out / f"hearing_{chosen.what}.json").write_text(json.dumps(told, indent=1) + "\n")
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


def speed(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return processor seconds for a minute of speech by format, for us and for librosa, and by stage."""
    import librosa

    told: dict[str, Any] = {}
    minute = speech(chosen.media, SECONDS)
    for name in FORMATS:
        path = chosen.out / f"minute.{name}"
        path.write_bytes(encode_audio(minute, name))
        ours: list[tuple[float, float]] = []
        theirs: list[tuple[float, float]] = []
        for _ in range(chosen.rounds + 1):
            ours.append(taken(partial(examined, path)))
            theirs.append(taken(partial(librosa.load, path, sr=None)))
        told[name] = summed(ours[1:], theirs[1:])
    told["stages of mp3"] = stages(chosen.out / "minute.mp3", chosen.rounds)
    return told


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor seconds, of this process and its children, and the clock's seconds that `work` took."""
    before, begun = spent(), time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            work()
    except Exception as error:  # noqa: BLE001 - librosa raises what its readers raise, and cannot read M4A everywhere
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return float("nan"), float("nan")
    return spent() - before, time.perf_counter() - begun


def spent() -> float:
    """Return the processor seconds of this process and of the living processes that decode."""
    own = time.process_time()
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    for child in children:
        # /proc counts in ticks of 10 ms; schedstat counts nanoseconds
        own += sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{child}/task").glob("*/schedstat")) / 1e9
    return own


def examined(path: Path) -> object:
    """Return what the shipped detector answers."""
    from assay.detect.audio.scoring import NAME
    from assay.detect.finding import Evidence
    from assay.detect.scan import examine

    return examine(NAME, Evidence(view=View.open(path), verification=None))


def summed(ours: list[tuple[float, float]], theirs: list[tuple[float, float]]) -> dict[str, Any]:
    """Return medians, times real time and the ratio to librosa."""
    own, clock = (float(np.median([one[part] for one in ours])) for part in (0, 1))
    loaded, their_clock = (float(np.median([one[part] for one in theirs])) for part in (0, 1))
    return {
        "detector, processor seconds": round(own, 3),
        "least and most": [round(min(one[0] for one in ours), 3), round(max(one[0] for one in ours), 3)],
        "times real time": round(SECONDS / own),
        "by the clock": round(SECONDS / clock),
        "librosa.load, processor seconds": round(loaded, 3) if loaded == loaded else "cannot read it here",
        "detector to librosa.load": round(own / loaded, 2) if loaded == loaded else None,
        "librosa.load, by the clock": round(their_clock, 3) if loaded == loaded else None,
    }


def stages(path: Path, rounds: int) -> dict[str, float]:
    """Return processor seconds of each stage, the median of several."""
    from assay.detect.audio.hearing import speech_windows, stretches
    from assay.detect.audio.scoring import window_scores
    from assay.media.silero import VoiceMeter

    rows = []
    for _ in range(rounds):
        samples: list[np.ndarray] = []
        decode = taken(lambda: samples.extend(b.samples[0] for b in View.open(path).listen(16_000)))[0]  # noqa: B023
        sound = np.concatenate(samples)
        voice = taken(lambda: VoiceMeter().feed(sound))[0]  # noqa: B023
        whole = list(stretches(View.of(Audio(samples=sound[None], rate=16_000))))
        windows = [speech_windows(one) for one in whole]
        cut = taken(lambda: [speech_windows(one) for one in whole])[0]  # noqa: B023
        model = taken(lambda: [window_scores(one.samples) for one in windows])[0]  # noqa: B023
        rows.append((decode, voice, cut, model))
    names = ("decode, mix, resample", "where somebody speaks", "windows", "features and model")
    return {name: round(float(value), 4) for name, value in zip(names, np.median(rows, axis=0), strict=True)}


def memory(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return the most memory that ten minutes and three hours take, each heard by a process of its own."""
    tenth = encode_audio(speech(chosen.media, 600), "mp3")
    told = {}
    for name, times in (("ten minutes", 1), ("three hours", 18)):
        path = chosen.out / "long.mp3"
        path.write_bytes(tenth * times)
        command = [sys.executable, "-P", __file__, "hear", "--file", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told[name] = json.loads(done.stdout)
        path.unlink()
    return told


def heard(path: Path) -> dict[str, Any]:
    """Return what hearing `path` took."""
    from assay.media.worker import POOL

    before, begun = spent(), time.perf_counter()
    (finding,) = examined(path)  # type: ignore[misc] # a finding, or the benchmark is at fault
    used, clock = spent() - before, time.perf_counter() - begun
    POOL.close()
    most = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "peak MiB": round(most[0]),
        "peak MiB of the decoding process": round(most[1]),
        "processor seconds": round(used, 1),
        "clock": round(clock, 1),
        "note": finding.note,
    }


def speech(media: Path, seconds: int) -> Audio:
    """Return that much speech by the four voices of the demo, 44.1 kHz, two channels."""
    parts = [decode_audio(Asset.open(path)) for path in sorted((media / "demo").glob("voice-*.flac"))]
    voices = np.concatenate([resample(part.mono(), part.rate, RATE) for part in parts])
    mono = np.resize(voices, seconds * RATE)
    return Audio(samples=np.stack([mono, 0.9 * mono]), rate=RATE)


def commit() -> str:
    """Return the commit that is measured."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
