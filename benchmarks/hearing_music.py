"""What the shipped ear answers to music and noise, and what music under a voice does to its answer.

    .venv/bin/python -P benchmarks/hearing_music.py --media ../shared/media --out out

Music is made here: sixteen pieces of 20 s, four each of strings, plucked chords, an organ with a tune, and bells over
drums; and 28 sounds of 20 s that are no music: noises, rain, tones, sweeps, hum, beeps. Then the first voice of the
demo under each style at four levels. There is no singing in it: that may well count as speech. Writes
`hearing_music.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from assay.detect.audio.ear import EarDetector
from assay.detect.finding import Evidence, Skipped
from assay.eval.checkout import commit
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.view import View
from numpy.typing import NDArray

RATE, SECONDS, PIECES = 16_000, 20, 4
LEVELS = (20, 10, 5, 0)
"""Decibels by which the voice is above the music."""
SCALE = 2.0 ** (np.array([0, 2, 4, 5, 7, 9, 11]) / 12)
F64 = NDArray[np.float64]
Sound = Callable[[np.random.Generator], F64]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--media", type=Path, required=True)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    told: dict[str, Any] = {
        "commit": commit(),
        "alone": alone(),
        "under a voice": under_a_voice(given.media / "demo/voice-1.flac"),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "hearing_music.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


def answer(sound: F64) -> str | float:
    """Return the ear's log10 ratio, or why there is none."""
    audio = Audio(samples=sound[None].astype(np.float32).clip(-1, 1), rate=RATE)
    told = EarDetector().examine(Evidence(view=View.of(audio), verification=None))
    return told.why if isinstance(told, Skipped) else round(told[0].llr, 3)


def alone() -> dict[str, Any]:
    """Return how many sounds of each kind were taken for speech, and what was said of those."""
    told: dict[str, Any] = {}
    for kind, make in {**MUSIC, **NOISES}.items():
        answers = [answer(level(make(np.random.default_rng(seed)))) for seed in range(PIECES)]
        heard = [one for one in answers if isinstance(one, float) or "needs at least 1 s of speech" not in one]
        told[kind] = {"sounds": PIECES, "not skipped as no speech": len(heard), "answers": heard}
    return told


def under_a_voice(path: Path) -> dict[str, Any]:
    """Return the ratio of a real voice alone, and over each style of music at each level."""
    audio = decode_audio(Asset.open(path))
    voice = resample(audio.mono(), audio.rate, RATE).astype(np.float64)[: 12 * RATE]
    told: dict[str, Any] = {"alone": answer(voice)}
    for kind, make in MUSIC.items():
        music = make(np.random.default_rng(7))[: voice.size]
        music *= voice.std() / music.std()
        told[kind] = {f"{db} dB": answer(voice + music[: voice.size] * 10 ** (-db / 20)) for db in LEVELS}
    return told


def level(sound: F64) -> F64:
    """Return `sound` at a tenth of full scale, root mean square."""
    return np.asarray(0.1 * sound / sound.std())


def times() -> F64:
    """Return the seconds of each sample."""
    return np.arange(SECONDS * RATE) / RATE


def notes(rng: np.random.Generator, *, seconds: float, voices: int, low: float) -> list[tuple[int, list[float]]]:
    """Return a piece: where each chord begins, in samples, and its frequencies, by thirds on a drawn step."""
    steps = [int(rng.integers(7)) for _ in range(int(SECONDS / seconds))]
    return [
        (int(n * seconds * RATE), [low * SCALE[(step + 2 * k) % 7] * 2 ** ((step + 2 * k) // 7) for k in range(voices)])
        for n, step in enumerate(steps)
    ]


def piece(
    rng: np.random.Generator, harmonics: F64, *, seconds: float, fall: float, low: float = 130.0, wide: float = 0.0
) -> F64:
    """Return chords whose harmonics have the strengths given, fall by `fall` a second and tremble by `wide` hertz."""
    out = np.zeros(SECONDS * RATE)
    for begin, chord in notes(rng, seconds=seconds, voices=3, low=low):
        local = np.arange(min(int(seconds * RATE), out.size - begin)) / RATE
        envelope = np.exp(-fall * local) * np.minimum(1, np.minimum(local, local[-1] - local) / 0.02)
        for hertz in chord:
            phase = 2 * np.pi * hertz * local + wide * np.sin(2 * np.pi * 5.5 * local)
            out[begin : begin + local.size] += envelope * sum(
                strength * np.sin((k + 1) * phase) for k, strength in enumerate(harmonics)
            )
    return out


def strings(rng: np.random.Generator) -> F64:
    """Return long chords with vibrato."""
    return piece(rng, 1 / np.arange(1, 13), seconds=1.25, fall=0.3, wide=0.4)


def plucked(rng: np.random.Generator) -> F64:
    """Return short chords that fall."""
    return piece(rng, 1 / np.arange(1, 11) ** 1.5, seconds=0.5, fall=6.0)


def organ(rng: np.random.Generator) -> F64:
    """Return held chords of octaves, and a tune above."""
    stops = np.array([1.0, 0.8, 0.0, 0.6, 0.0, 0.0, 0.0, 0.4])
    return piece(rng, stops, seconds=2.0, fall=0.0) + piece(rng, stops, seconds=0.4, fall=1.0, low=520.0)


def bells_and_drums(rng: np.random.Generator) -> F64:
    """Return partials that fit no series over a drum and a cymbal."""
    local = times() % 0.5
    bells = piece(rng, np.array([1.0, 0, 0.3]), seconds=1.0, fall=3.0, low=497.0)
    bells += piece(rng, np.array([0.6, 0, 0.2]), seconds=1.0, fall=4.0, low=1381.0)
    drum = 3 * np.sin(2 * np.pi * 55 * local) * np.exp(-20 * local)
    return np.asarray(bells + drum + 0.7 * rng.standard_normal(local.size) * np.exp(-60 * np.abs(local - 0.25)))


def pink(rng: np.random.Generator) -> F64:
    """Return noise whose power falls as its frequency rises."""
    spectrum = np.fft.rfft(rng.standard_normal(SECONDS * RATE))
    return np.fft.irfft(spectrum / np.sqrt(np.arange(1, spectrum.size + 1)))


def rain(rng: np.random.Generator) -> F64:
    """Return hiss, and drops."""
    sound = 0.02 * rng.standard_normal(SECONDS * RATE)
    for start in rng.integers(0, sound.size - 400, 60 * SECONDS):
        sound[start : start + 400] += 0.1 * rng.standard_normal(400) * np.exp(-np.arange(400) / 40)
    return sound


def hum(rng: np.random.Generator) -> F64:
    """Return harmonics of the mains."""
    strengths = rng.uniform(0.2, 1, 11)
    return np.asarray(sum(a * np.sin(2 * np.pi * 50 * (k + 1) * times()) for k, a in enumerate(strengths)))


def sweep(rng: np.random.Generator) -> F64:
    """Return a tone that rises from 100 Hz to a drawn height, every five seconds."""
    local = times() % 5.0
    return np.sin(2 * np.pi * (100 * local + (rng.uniform(2_000, 7_000) - 100) / 10 * local**2))


def beeps(rng: np.random.Generator) -> F64:
    """Return a tone a drawn number of times a second."""
    on = (times() * rng.uniform(1, 5)) % 1.0 < 0.3
    return np.asarray(np.sin(2 * np.pi * rng.uniform(400, 2_000) * times()) * on)


MUSIC: dict[str, Sound] = {"strings": strings, "plucked": plucked, "organ": organ, "bells, drums": bells_and_drums}
NOISES: dict[str, Sound] = {
    "white noise": lambda rng: rng.standard_normal(SECONDS * RATE),
    "pink noise": pink,
    "rain": rain,
    "tone": lambda rng: np.sin(2 * np.pi * rng.uniform(100, 4_000) * times()),
    "sweep": sweep,
    "hum": hum,
    "beeps": beeps,
}


if __name__ == "__main__":
    main()
