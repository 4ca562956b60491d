"""What the voice detectors are trained on: a corpus' clips, copies by vocoders, made speech; how to launder it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...datasets.corpus import SPOOF, Item
from ...datasets.splits import draw
from ...media.asset import Asset
from ...media.audio import Audio
from ...media.decode import decode_audio
from ...provenance.marks import MarkError, audio_scheme
from . import copysynth
from .fit import MADE, made

CHAINS = (
    *(
        "mp3-32k",
        "mp3-64k",
        "mp3-128k",
        "aac-64k",
        "opus-24k",
        "telephone",
        "noise-15",
        "noise-20",
        "noise-30",
        "resample",
        "reverb",
        "lowpass",
    ),
    *("telephone+noise-20", "reverb+noise-20", "noise-20+opus-24k", "resample+mp3-64k", "equaliser+mp3-64k"),
    *("rawboost-convolutive", "rawboost-impulsive", "rawboost-stationary", "equaliser", "compressor", "room"),
)
"""Laundering to train on. Level and silence are fixed by the front end; at 10 dB nothing is learned but noise."""
SECONDS = 12.0
"""Seconds of a clip that are looked at."""
COPIED_SECONDS = 4.0
"""Seconds of a real clip that are copied by a vocoder: each costs about as much again to make."""


def material(
    items: Sequence[Item], *, seed: int, copies: float, spoken: int, groups: int
) -> list[tuple[str, list[Item]]]:
    """Return what to train on, in parts with a name for each: the corpus, copies of its voices, made speech.

    `copies` is how many copies a voice has on average, each by another vocoder; the `spoken` utterances are dealt to as
    many `groups`.
    """
    copied = [copy for item in items if not item.spoof for copy in _copies_of(item, seed, copies)]
    parts = [
        ("listening to the corpus", list(items)),
        ("copying voices by vocoders", copied),
        ("speaking", _utterances(spoken, groups)),
    ]
    return [(what, part) for what, part in parts if part]


def randomness(item: Item, seed: int) -> np.random.Generator:
    """Return the item's own source of randomness, whatever else is trained on."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:4])])


def _copies_of(item: Item, seed: int, copies: float) -> list[Item]:
    """Return the items of a clip's copies, by vocoders drawn; they stay in the original's group."""
    count = int(copies) + (draw(f"copy {item.id}", seed) < copies % 1)
    drawn = sorted(copysynth.COPIES, key=lambda process: draw(f"{process} {item.id}", seed))[:count]
    return [
        replace(item, id=f"{item.id}+{process}", label=SPOOF, maker=f"{process} copy{MADE}", process=process)
        for process in drawn
    ]


def _utterances(spoken: int, groups: int) -> list[Item]:
    """Return items for text to speech; they have no file."""
    return [
        Item(
            id=f"hibari-{number}",
            path=Path("hibari"),
            sha256="",
            label=SPOOF,
            maker=f"hibari{MADE}",
            group=f"hibari-{number % groups}",
            licence="Apache-2.0",
            process="hibari",
        )
        for number in range(spoken)
    ]


def spread(count: int, most: int) -> list[int]:
    """Return at most `most` of 0 to `count` - 1, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist() if count else []


def sound(item: Item, rng: np.random.Generator) -> Audio:
    """Return an item's sound: read, copied by a vocoder or spoken, as the item says. Raises as decoding does."""
    if item.process == "hibari":
        return copysynth.speak(rng)
    audio = decode_audio(Asset.open(item.path))
    copied = copysynth.COPIES.get(item.process) if made(item) else None
    seconds = COPIED_SECONDS if copied else SECONDS
    first = Audio(samples=np.ascontiguousarray(audio.samples[:, : int(seconds * audio.rate)]), rate=audio.rate)
    return copied(first, rng) if copied else first


def marked(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with the sound mark of our own generators under a drawn key and id, or as it is where none fits.

    What is trained on bears it as often in both classes: else a detector would learn that marked speech is a fake (or,
    trained without it, that marked speech is real), and the mark would decide where the voice should.
    """
    payload, key = int(rng.integers(2**63)), rng.bytes(32)
    try:
        return audio_scheme().embed(audio, payload, key)
    except MarkError:
        return audio
