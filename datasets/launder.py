"""What the world does to media on its way: named, seeded chains of codecs, noise, filters, crops, all in memory.

A chain is one or more steps joined by `+`, applied from left to right: `launder(audio, "telephone+noise-20", rng)`.
Training, marks and benchmarks use the same catalogue, so that what is called "MP3 64k" is one thing everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import numpy as np

from ..media.audio import Audio
from ..media.image import Still
from ..media.video import Film as Whole
from ..media.video import Frame
from .codecs import rate_of
from .corpus import ChoiceError, CorpusError
from .steps import STEPS, Step, films
from .steps.films import Film

Media = Audio | Still | Film


CHAINS: Mapping[str, str] = MappingProxyType(
    {
        "none": "nothing is done",
        **{name: step.about for name, step in STEPS.items()},
        "telephone+noise-20": "a call from a noisy place",
        "reverb+noise-20": "played in a room and recorded",
        "noise-20+opus-24k": "a voice message",
        "half+jpeg-70": "a thumbnail",
        "resize+jpeg-70": "shared on a social network",
        "half+h264-crf35": "a film passed on by messengers",
        "cut-3s+mp3-64k": "a snippet in a podcast",
        "mp3-64k+aac-64k": "uploaded again from a podcast",
        "telephone+amr-nb": "a call to a mobile phone",
        "rerecord+opus-24k": "filmed off a loudspeaker and sent on",
        "area-50+jpeg-70": "a detail cut out and shared",
        "turn-5-cut+jpeg-70": "straightened and shared",
        "screenshot+social-feed": "a screenshot shared in a feed",
        "words+sticker+jpeg-70": "decorated and shared",
        "social-feed+social-messenger": "downloaded from a feed and passed on",
        "half+h264-crf28": "half the size for the way",
        "crop+h264-crf23": "edges cut off by an editor",
        "h264-crf28+h265-crf28": "uploaded again by another encoder",
        "h264-crf28+vp9-crf40": "downloaded and shown by another site",
        "half+h264-crf28+h265-crf28": "half the size, then uploaded again",
        "rate-15+h264-crf28": "a preview at 15 frames a second",
        "rate-24+h264-crf28": "brought to the cinema's rate",
        "cut-3s+h264-crf28": "a highlight cut out and shared",
    }
)
"""Every chain that is measured, with what it does; any other joining of steps works too."""


def launder(media: Media, chain: str, rng: np.random.Generator) -> Media:
    """Return `media` after `chain`: a sound, a still or a film (frames in order of time), the same kind as went in.

    The input is untouched; the same seed of `rng` gives the same result. Raises `CorpusError` if the chain holds an
    unknown step or one that does not apply to this kind of media.
    """
    for step in steps_of(chain, kind_of(media)):
        media = _apply(step, media, rng)
    return media


def launder_film(film: Whole, chain: str, rng: np.random.Generator) -> Whole:
    """Return a film with its sound after `chain`. Raises as `launder`.

    A cut takes the same seconds of both. A step that treats sounds too, such as `social-feed`, treats the film's;
    any other leaves the sound as it is. The pictures are those of `launder` as long as there is no sound.
    """
    frames, audio, rate = tuple(film.frames()), film.audio, film.rate
    for step in steps_of(chain, kind_of(frames)):
        before = [frame.time for frame in frames]
        if step.span:
            span = step.span(frames, rng)
            frames = films.within(frames, span)
            audio = audio and films.sound_within(audio, span)
        else:
            frames = cast("Film", _apply(step, frames, rng))
            audio = step.audio(audio, rng) if audio and step.audio and step.film else audio
        if len(frames) > 1 and [frame.time for frame in frames] != before:  # one alone tells no rate
            rate = rate_of(frames)
    return Whole(frames=lambda: iter(frames), rate=rate, audio=audio)


def kind_of(media: Media) -> str:
    """Return `audio`, `image` or `film`. Raises `CorpusError` for a film without frames."""
    if isinstance(media, Audio):
        return "audio"
    if isinstance(media, Still):
        return "image"
    if not media:
        msg = "expected a film of at least one frame to launder, got none"
        raise CorpusError(msg)
    return "film"


def chains_for(kind: str) -> tuple[str, ...]:
    """Return the catalogue's chains that apply to `kind` (`audio`, `image` or `film`), `none` first."""
    return tuple(
        chain for chain in CHAINS if chain == "none" or all(kind in STEPS[name].kinds for name in chain.split("+"))
    )


def steps_of(chain: str, kind: str) -> tuple[Step, ...]:
    """Return the steps of `chain`. Raises `CorpusError` if one is unknown or does not apply to `kind`."""
    if chain == "none":
        return ()
    steps = []
    for name in chain.split("+"):
        step = STEPS.get(name)
        if step is None or kind not in step.kinds:
            fitting = ", ".join(known for known, one in STEPS.items() if kind in one.kinds)
            msg = f"expected laundering steps for {kind} joined by '+' (of {fitting}), got {name!r} in {chain!r}"
            raise ChoiceError(msg)
        steps.append(step)
    return tuple(steps)


def _apply(step: Step, media: Media, rng: np.random.Generator) -> Media:
    """Return `media` after one step; a picture's step happens to each frame of a film with the same draws."""
    if isinstance(media, Audio):
        return step.audio(media, rng) if step.audio else media
    if isinstance(media, Still):
        pixels = step.image(media.pixels, rng) if step.image else media.pixels
        return Still(pixels=pixels, notes=media.notes)
    if step.span:
        return films.within(media, step.span(media, rng))
    if step.film:
        return step.film(media, rng)
    seed = int(rng.integers(2**32))
    return tuple(_frame(step, frame, np.random.default_rng(seed)) for frame in media)


def _frame(step: Step, frame: Frame, rng: np.random.Generator) -> Frame:
    """Return one frame of a film after a picture's step."""
    image = step.image(frame.image, rng) if step.image else frame.image
    return Frame(index=frame.index, time=frame.time, image=image)
