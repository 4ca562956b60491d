"""Measure each cue in sound: on real and fake speech, clean and laundered, and on traces that are planted here.

Run: `.venv/bin/python -P benchmarks/audio_cues.py all --media ../shared/media/speech --cache FOLDER --out FILE`. It
goes on where it was broken off; `listen`, `plant` and `measure` are its stages, `--minutes` ends the first two early.
`--card FILE` writes the calibration of `audio-speaker`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

sys.path.append(str(Path(__file__).parent))
import numpy as np
from assay.datasets.corpus import Item, read
from assay.datasets.launder import launder
from assay.detect import detector
from assay.detect.audio.cues.cue import Recording, recorded
from assay.detect.audio.cues.speaker import speech_vectors
from assay.detect.audio.voices import mean_of
from assay.detect.cue import Untold
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.errors import AssayError
from audio_cues_tables import measured

SEED = 1
CUES = ("audio-speaker", "audio-pauses", "audio-phase", "audio-splice", "audio-codec")
CHAINS = ("none", "mp3-64k", "telephone")
CODECS = (
    "none",
    "mp3-32k",
    "mp3-64k",
    "mp3-128k",
    "aac-32k",
    "aac-64k",
    "opus-24k",
    "mp3-64k+gain",
    "mp3-64k+resample",
)
LAUNDERED = 3
"""Of every so many items one is laundered too."""
PLANTED = 30
JOINED = 60
Row = dict[str, Any]


def rows_of(path: Path) -> list[Row]:
    """Return the rows that are in `path`; a last line that was cut off is left out."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def work(path: Path, pieces: Sequence[tuple[str, Any]], do: Any, *, minutes: float) -> bool:  # noqa: ANN401
    """Append a row to `path` for each of `pieces` (key, what `do` takes) without one; say whether all are done."""
    done = {row["key"] for row in rows_of(path)}
    begun = time.monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        for key, given in pieces:
            if key in done:
                continue
            if time.monotonic() - begun > 60 * minutes:
                return False
            try:
                row = do(given)
            except AssayError as error:
                row = {"error": str(error)}
            file.write(json.dumps({"key": key} | row) + "\n")
            file.flush()
    return True


def shuffled(items: Sequence[Item]) -> list[Item]:
    """Return the items in a drawn order, so that a run that was cut off holds a fair part."""
    return [items[n] for n in np.random.default_rng(SEED).permutation(len(items))]


def sound(item: Item, chain: str = "none") -> Audio:
    """Return an item's sound after a laundering chain; the draw does not know the class."""
    audio = decode_audio(Asset.open(item.path))
    if chain == "none":
        return audio
    return cast("Audio", launder(audio, chain, np.random.default_rng([SEED, int(item.sha256[:8], 16)])))


def answers(heard: Recording, names: Sequence[str]) -> Row:
    """Return every figure of the cues called `names`, and their reasons where there is none."""
    out: Row = {}
    for name in names:
        answer = detector(name).ask(heard)  # type: ignore[attr-defined]
        if isinstance(answer, Untold):
            out[f"{name} untold"] = answer.why
        else:
            out |= {f"{name} {figure}": round(float(value), 5) for figure, value in answer.figures.items()}
            out[f"{name} spans"] = [[round(span.start, 3), round(span.end, 3)] for span in answer.spans]
    return out


def listen_one(given: tuple[Item, str, bool]) -> Row:
    """Return what every cue measures on one item after one chain (its history only if asked for), and its voice."""
    item, chain, history = given
    audio = sound(item, chain)
    heard = recorded(audio)
    begun = time.process_time()
    row: Row = {"chain": chain, "id": item.id, "seconds": round(audio.seconds, 3), "rate": audio.rate}
    row["spoken"] = round(heard.spoken, 2)
    row |= answers(heard, CUES if history else CUES[:-1])
    row["took"] = round(time.process_time() - begun, 3)
    times, vectors = speech_vectors(heard)
    if len(times):
        row["voice"] = [round(float(value), 4) for value in mean_of(vectors)]
    return row


def listening(items: Sequence[Item]) -> list[tuple[str, tuple[Item, str, bool]]]:
    """Return every item clean, and every third after each chain; the history of every third, clean."""
    wanted: list[tuple[Item, str, bool]] = []
    for number, item in enumerate(shuffled([item for item in items if item.kind == "audio"])):
        third = number % LAUNDERED == 0
        wanted.append((item, "none", third))
        wanted += [(item, chain, False) for chain in CHAINS[1:] if third]
    return [(f"{chain} {item.id}", (item, chain, history)) for item, chain, history in wanted]


def planting(items: Sequence[Item]) -> Iterator[tuple[str, tuple[str, tuple[Item, ...]]]]:
    """Yield what is planted, in which items: all real, none of them a lossy file."""
    real = [item for item in shuffled(items) if item.kind == "audio" and not item.spoof and item.path.suffix == ".flac"]
    long = [item for item in real if item.path.stat().st_size > 150_000]
    yield from _joined(long)
    for number in range(PLANTED):
        for kind in (*(f"codec {chain}" for chain in CODECS), "interpolated", "sampled"):
            yield f"{kind} {real[number].id}", (kind, (real[number],))
        for kind in ("hum", "hum jump", "cut", "background"):
            yield f"{kind} {long[number].id}", (kind, (long[number],))


def _joined(items: Sequence[Item]) -> Iterator[tuple[str, tuple[str, tuple[Item, ...]]]]:
    """Yield pairs of recordings: of one speaker, and of two speakers of one corpus."""
    rng = np.random.default_rng(SEED)
    for kind in ("same voice", "other voice"):
        pairs = []
        for first in items:
            corpus = first.speaker.split(":")[0]
            others = [
                item
                for item in items
                if item is not first
                and item.speaker.split(":")[0] == corpus
                and (item.speaker == first.speaker) == (kind == "same voice")
            ]
            if others and first.speaker != "ljspeech:lj":
                pairs.append((first, others[int(rng.integers(len(others)))]))
        for pair in pairs[:JOINED]:
            yield f"{kind} {pair[0].id} {pair[1].id}", (kind, pair)


def plant_one(given: tuple[str, tuple[Item, ...]]) -> Row:
    """Return what the cue says of a recording into which a trace was planted, and where that is."""
    kind, items = given
    audio = sound(items[0])
    rng = np.random.default_rng([SEED, int(items[0].sha256[:8], 16)])
    row: Row = {"kind": kind, "rate": audio.rate}
    if kind.startswith("codec "):
        made = sound(items[0], kind.removeprefix("codec "))
        return row | answers(recorded(made), ("audio-codec",))
    if kind == "interpolated":
        return row | answers(recorded(interpolated(audio, 1.378125)), ("audio-codec",))
    if kind == "sampled":
        made = Audio(
            samples=np.clip(resample(resample(audio.samples, audio.rate, 16_000), 16_000, 48_000), -1, 1), rate=48_000
        )
        return row | answers(recorded(made), ("audio-codec",))
    if kind.endswith("voice"):
        made, place = joined(audio, sound(items[1]))
        return row | {"place": place} | answers(recorded(made), ("audio-speaker", "audio-splice"))
    made, place = {"hum": hummed, "hum jump": hummed, "cut": cut, "background": background}[kind](audio, rng, kind)
    row |= {"place": place, "length": made.seconds}
    return row | answers(recorded(made), ("audio-splice",))


def interpolated(audio: Audio, factor: float) -> Audio:
    """Return `audio` at `factor` times its rate by straight lines between samples."""
    wave = audio.samples[0]
    places = np.arange(int(len(wave) * factor)) / factor
    made = np.interp(places, np.arange(len(wave)), wave).astype(np.float32)
    return Audio(samples=made[None], rate=round(audio.rate * factor))


def hummed(audio: Audio, rng: np.random.Generator, kind: str) -> tuple[Audio, float]:
    """Return `audio` with a hum of 50, 100 and 150 Hz 30 dB below it, and where its phase jumps by 1.5 radians or more.

    The frequency wanders as that of the mains does, by 0.02 Hz in a quarter of a minute.
    """
    wave = audio.samples.mean(axis=0)
    level = 10 ** (-30 / 20) * float(np.sqrt(np.mean(wave**2))) * np.sqrt(2)
    place = float(rng.uniform(0.35, 0.65) * audio.seconds)
    times = np.arange(len(wave)) / audio.rate
    phase = 2 * np.pi * 50.02 * times + 0.3 * np.sin(2 * np.pi * 0.07 * times)
    if kind == "hum jump":
        phase = phase + np.where(times >= place, rng.uniform(0.75, np.pi / 2), 0.0)
    hum = level * (0.5 * np.sin(phase) + np.sin(2 * phase + 1.0) + 0.4 * np.sin(3 * phase + 2.0))
    return Audio(samples=(wave + hum).astype(np.float32)[None], rate=audio.rate), place


def cut(audio: Audio, rng: np.random.Generator, _kind: str) -> tuple[Audio, float]:
    """Return `audio` without a drawn stretch of 0.3 to 1 s, cut without a fade, and where."""
    start = int(rng.uniform(0.3, 0.6) * audio.samples.shape[1])
    end = start + int(rng.uniform(0.3, 1.0) * audio.rate)
    samples = np.concatenate([audio.samples[:1, :start], audio.samples[:1, end:]], axis=1)
    return Audio(samples=samples, rate=audio.rate), start / audio.rate


def background(audio: Audio, rng: np.random.Generator, _kind: str) -> tuple[Audio, float]:
    """Return `audio` with noise 25 dB below it from a drawn place on, and where."""
    wave = audio.samples.mean(axis=0)
    start = int(rng.uniform(0.4, 0.6) * len(wave))
    level = 10 ** (-25 / 20) * float(np.sqrt(np.mean(wave**2)))
    noise = level * rng.standard_normal(len(wave)) * (np.arange(len(wave)) >= start)
    return Audio(samples=(wave + noise).astype(np.float32)[None], rate=audio.rate), start / audio.rate


def joined(first: Audio, second: Audio) -> tuple[Audio, float]:
    """Return two recordings one after the other, at the first one's rate and at one level, and where they meet."""
    parts = []
    for audio in (first, second):
        wave = resample(audio.samples.mean(axis=0), audio.rate, first.rate)[: 12 * first.rate]
        parts.append(wave * (0.05 / max(float(np.sqrt(np.mean(wave**2))), 1e-6)))
    made = np.clip(np.concatenate(parts), -1, 1).astype(np.float32)
    return Audio(samples=made[None], rate=first.rate), len(parts[0]) / first.rate


def main() -> None:
    """Listen, plant, measure, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["listen", "plant", "measure", "all"])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--card", type=Path)
    parser.add_argument("--minutes", type=float, default=600.0)
    given = parser.parse_args()
    items = read(given.media)
    if given.stage in ("listen", "all"):
        done = work(given.cache / "listen.jsonl", listening(items), listen_one, minutes=given.minutes)
        print("listened" if done else "to be continued", flush=True)
    if given.stage in ("plant", "all"):
        done = work(given.cache / "plant.jsonl", list(planting(items)), plant_one, minutes=given.minutes)
        print("planted" if done else "to be continued", flush=True)
    if given.stage in ("measure", "all"):
        heard, planted = (rows_of(given.cache / f"{stage}.jsonl") for stage in ("listen", "plant"))
        told = measured(items, heard, planted, given.card)
        if given.out:
            given.out.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
