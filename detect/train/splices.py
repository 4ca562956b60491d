"""Recordings with a stretch put in, and where: what the search for synthetic stretches is trained and tested on.

A stretch may be another real recording's (a splice, nothing synthetic), the same words through a vocoder, a made
voice's, or a stretch of a fake of the same or of another speaker. Seams are the same for all of them, so that a seam
alone tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import Item
from ...media.audio import Audio, resample
from ...media.errors import AssayError
from ...media.extent import Span
from . import copysynth

F32 = NDArray[np.float32]

RATE = 16_000
LEAST_SECONDS = 1.5
"""Seconds that a recording needs to take a splice."""
MOST_SECONDS = 8.0
"""Seconds of a recording that are used."""
STRETCH = (0.4, 1.8)
"""Seconds of what is put in, least and most."""
FADES = (0.0, 0.03)
"""Seconds of the cross-fade at a seam, least and most: from a hard cut to a soft one."""

Kind = Literal["none", "real-same", "real-other", "copy", "voice", "fake-same", "fake-other", "whole"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""`none`: untouched; `real-*`: a stretch of another real recording; `copy`: the same words through a vocoder; `voice`:
a made voice; `fake-*`: a stretch of a fake of the same or another speaker; `whole`: a fake from end to end."""
SYNTHETIC: frozenset[Kind] = frozenset({"copy", "voice", "fake-same", "fake-other", "whole"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A corpus item with its sound, float32 `[n]` at `RATE`, and who speaks."""

    item: Item
    speaker: str
    samples: F32


@dataclass(frozen=True, slots=True, kw_only=True)
class Splice:
    """A recording with a stretch put in: `edited` in seconds, and the `spans` of it that are synthetic."""

    samples: F32
    edited: tuple[Span, ...]
    spans: tuple[Span, ...]
    kind: Kind
    maker: str
    host: Clip


@dataclass(frozen=True, slots=True, kw_only=True)
class Pantry:
    """What stretches are taken from: real clips, fakes, and the vocoders and made voices that may be used."""

    real: Sequence[Clip]
    fake: Sequence[Clip]
    copies: tuple[str, ...]
    voices: Mapping[str, Sequence[F32]]


def splice(host: Clip, kind: Kind, pantry: Pantry, rng: np.random.Generator) -> Splice | None:
    """Return `host` with a stretch of that `kind`, or `None` where the pantry has nothing that fits."""
    own = host.samples[: int(MOST_SECONDS * RATE)]
    if kind in ("none", "whole"):
        return _whole(host, own, kind, pantry, rng)
    if own.size < LEAST_SECONDS * RATE:
        return None
    size = int(min(rng.uniform(*STRETCH), 0.7 * own.size / RATE) * RATE)
    start = _loud(own, size, rng)
    found = _stretch(host, own[start : start + size], kind, pantry, rng)
    if found is None:
        return None
    part, maker = found
    joined, span = _joined(own, start, start + size, part, int(rng.uniform(*FADES) * RATE))
    spans = (span,) if kind in SYNTHETIC else ()
    return Splice(samples=joined, edited=(span,), spans=spans, kind=kind, maker=maker, host=host)


def _whole(host: Clip, own: F32, kind: Kind, pantry: Pantry, rng: np.random.Generator) -> Splice | None:
    if kind == "none":
        return Splice(samples=own, edited=(), spans=(), kind=kind, maker="", host=host)
    if not pantry.fake:
        return None
    chosen = pantry.fake[int(rng.integers(len(pantry.fake)))]
    samples = chosen.samples[: int(MOST_SECONDS * RATE)]
    span = Span(start=0.0, end=samples.size / RATE)
    return Splice(
        samples=samples, edited=(span,), spans=(span,), kind=kind, maker=chosen.item.maker or "unknown", host=chosen
    )


def _stretch(host: Clip, part: F32, kind: Kind, pantry: Pantry, rng: np.random.Generator) -> tuple[F32, str] | None:
    """Return the new stretch and who made it, or `None` if there is none of that kind."""
    if kind == "copy":
        return _copied(part, pantry, rng)
    if kind == "voice":
        if not pantry.voices:
            return None
        name = str(rng.choice(sorted(pantry.voices)))
        said = pantry.voices[name][int(rng.integers(len(pantry.voices[name])))]
        return _piece(said, part.size, rng), name
    clips = pantry.real if kind.startswith("real") else pantry.fake
    same = kind.endswith("same")
    fitting = [c for c in clips if (c.speaker == host.speaker) is same and c.item.id != host.item.id]
    fitting = [c for c in fitting if c.samples.size >= 0.4 * RATE]
    if not fitting:
        return None
    chosen = fitting[int(rng.integers(len(fitting)))]
    return _piece(chosen.samples, part.size, rng), chosen.item.maker


def _copied(part: F32, pantry: Pantry, rng: np.random.Generator) -> tuple[F32, str] | None:
    if not pantry.copies:
        return None
    name = str(rng.choice(sorted(pantry.copies)))
    try:
        made = copysynth.COPIES[name](Audio(samples=part[None], rate=RATE), rng)
    except AssayError:
        return None
    new = resample(made.mono(), made.rate, RATE)
    return np.pad(new, (0, max(0, part.size - new.size)))[: part.size], name


def _piece(samples: F32, size: int, rng: np.random.Generator) -> F32:
    """Return a loud piece of `samples`, of about `size`."""
    length = min(samples.size, int(size * rng.uniform(0.7, 1.3)))
    start = _loud(samples, length, rng)
    return samples[start : start + length]


def _loud(samples: F32, size: int, rng: np.random.Generator) -> int:
    """Return where, of six drawn places, `size` samples are loudest."""
    starts = rng.integers(0, max(1, samples.size - size), 6)
    return int(max(starts, key=lambda at: float(np.mean(samples[at : at + size] ** 2))))


def _joined(own: F32, start: int, end: int, part: F32, fade: int) -> tuple[F32, Span]:
    """Return `own` with `part` in place of `start` to `end`, at the level of what was there, and where it is."""
    was, new = (max(1e-5, float(np.sqrt(np.mean(x.astype(np.float64) ** 2)))) for x in (own[start:end], part))
    part = part * np.float32(was / new)
    fade = min(fade, start, own.size - end, part.size // 4)
    if fade:
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)).astype(np.float32)
        part = part.copy()
        part[:fade] = part[:fade] * ramp + own[start : start + fade] * (1 - ramp)
        part[-fade:] = part[-fade:] * ramp[::-1] + own[end - fade : end] * (1 - ramp[::-1])
    joined = np.concatenate([own[:start], part, own[end:]]).astype(np.float32)
    peak = float(np.abs(joined).max())
    if peak > 1.0:
        joined /= peak
    return joined, Span(start=start / RATE, end=(start + part.size) / RATE)
