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
from . import copysynth
from .fit import MADE, made

CHAINS = (
    *(
        "mp3-64k",
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
    *("telephone+noise-20", "reverb+noise-20", "noise-20+opus-24k"),
)
"""Laundering to train on. Level and silence are fixed by the front end; at 10 dB nothing is learned but noise."""
SECONDS = 12.0
"""Seconds of a clip that are looked at."""
COPIED_SECONDS = 4.0
"""Seconds of a real clip that are copied by a vocoder: each costs about as much again to make."""


def material(
    items: Sequence[Item], *, seed: int, copies: float, spoken: int, groups: int
) -> list[tuple[str, list[Item]]]:
    """Return what to train on, in parts with a name for each: the corpus, copies of a share of its voices, made speech.

    The `spoken` utterances are dealt to as many `groups`.
    """
    copied = [item for item in items if not item.spoof and draw(f"copy {item.id}", seed) < copies]
    parts = [
        ("listening to the corpus", list(items)),
        ("copying voices by vocoders", [_copy_of(item, seed) for item in copied]),
        ("speaking", _utterances(spoken, groups)),
    ]
    return [(what, part) for what, part in parts if part]


def randomness(item: Item, seed: int) -> np.random.Generator:
    """Return the item's own source of randomness, whatever else is trained on."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:4])])


def _copy_of(item: Item, seed: int) -> Item:
    """Return the item of a vocoder's copy, by WORLD or Griffin-Lim; it stays in the original's group."""
    process = "world" if draw(f"vocoder {item.id}", seed) < 0.5 else "griffin-lim"
    return replace(item, id=f"{item.id}+{process}", label=SPOOF, maker=f"{process} copy{MADE}", process=process)


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
