"""How fast the shipped voice detector hears, decoding included, and how much memory a long recording takes.

    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    .venv/bin/python -P benchmarks/hearing_speed.py speed --media ../shared/media --out out
    .venv/bin/python -P benchmarks/hearing_speed.py memory --media ../shared/media --out out
    .venv/bin/python -P benchmarks/hearing_speed.py training --media ../shared/media --work out/train --out out

One core, one thread. `speed` times a minute of speech in MP3, FLAC and M4A (44.1 kHz, two channels), the decoding
process warm, beside `librosa.load` of the same file in the same run, in turns. Seconds are those of the processor, of
this process and the one that decodes together, so that what else runs on the machine does not count; the clock's are
told too.
`memory` hears ten minutes and three hours in a process each and tells the most memory either took. `training` cuts and
hears `--clips` drawn clips with their copies, as a training does, and fits the line to all windows kept in `--work`.
Writes `hearing_speed.json`, `hearing_memory.json` or `hearing_training.json`.
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
from assay.eval.checkout import commit
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
    options.add_argument("what", choices=("speed", "memory", "training", "hear"))
    options.add_argument("--media", type=Path)
    options.add_argument("--out", type=Path)
    options.add_argument("--file", type=Path)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--clips", type=int, default=24)
    options.add_argument("--work", type=Path, help="cache of a training, for `training`")
    chosen = options.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if chosen.what == "hear":
        told: dict[str, Any] = heard(chosen.file)
        sys.stdout.write(json.dumps(told) + "\n")
        return
    chosen.out.mkdir(parents=True, exist_ok=True)
    told = {"commit": commit(), "machine": f"{platform.machine()}, one core of {os.cpu_count()}", "seconds": SECONDS}
    told |= {"speed": speed, "memory": memory, "training": training}[chosen.what](chosen)
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


def training(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return what a training takes, in processor seconds: cutting and hearing drawn clips, fitting the line to all."""
    import tempfile

    from assay.datasets.corpus import read
    from assay.detect.train import audio
    from assay.detect.train.fit import made
    from assay.detect.train.within import fit_within

    def quiet(_what: str, _done: float) -> None:
        pass

    items = read(chosen.media / "speech")
    some = [items[i] for i in np.random.default_rng(1).choice(len(items), chosen.clips, replace=False)]
    settings = audio.Settings(spoken=0)
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        kept: list[Any] = []
        for name, work in (
            ("cutting", lambda: kept.append(audio.windows_of(some, settings, Path(folder), quiet))),
            ("hearing", lambda: kept.append(audio.examples(kept[0], Path(folder), quiet))),
        ):
            told[f"{name}, processor seconds"], told[f"{name}, clock"] = (round(one, 2) for one in taken(work))
        told |= {"clips": len(some), "and copies": sum(map(made, kept[1].items)), "windows": len(kept[1].item)}
    if chosen.work is not None:
        whole = audio.Settings(cache=chosen.work)
        table = audio.examples(audio.windows_of(items, whole, chosen.work, quiet), chosen.work, quiet)
        every = np.ones(len(table.item), bool)
        spent_, clock = taken(lambda: fit_within(table, every, strength=whole.strength, lone=whole.lone))
        told |= {"fit, processor seconds": round(spent_, 2), "fit, clock": round(clock, 2)}
        told |= {"fitted windows": len(table.item), "fitted clips": len(table.items)}
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


if __name__ == "__main__":
    main()
