"""What the world does to media on its way: named, seeded chains of codecs, noise, filters, crops, all in memory.

A chain is one or more steps joined by `+`, applied from left to right: `launder(audio, "telephone+noise-20", rng)`.
Training, marks and benchmarks use the same catalogue, so that what is called "MP3 64k" is one thing everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np

from ..media.audio import Audio
from ..media.image import Still
from ..media.video import Frame
from . import picture_steps as picture
from . import sound_steps as sound
from .corpus import CorpusError

Film = tuple[Frame, ...]
Media = Audio | Still | Film


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens to media: `about` says it in words; a function for each kind of media it can happen to."""

    about: str
    audio: Callable[[Audio, np.random.Generator], Audio] | None = None
    image: Callable[[picture.Pixels, np.random.Generator], picture.Pixels] | None = None
    film: Callable[[Film, np.random.Generator], Film] | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of media that this step applies to; a picture's step applies to a film frame by frame."""
        film = self.film or self.image
        found = {"audio": self.audio, "image": self.image, "film": film}
        return tuple(kind for kind, function in found.items() if function)


STEPS: Mapping[str, Step] = MappingProxyType(
    {
        "mp3-64k": Step(about="MP3, 64 kbit/s a channel", audio=sound.mp3),
        "aac-64k": Step(about="AAC-LC, 64 kbit/s a channel", audio=sound.aac),
        "opus-24k": Step(about="Opus, 24 kbit/s a channel", audio=sound.opus),
        "telephone": Step(about="300 to 3400 Hz at 8 kHz, 8-bit mu-law (G.711)", audio=sound.telephone),
        "noise-10": Step(about="pink noise at 10 dB below the sound", audio=partial(sound.noise, decibels=10.0)),
        "noise-15": Step(about="pink noise at 15 dB below the sound", audio=partial(sound.noise, decibels=15.0)),
        "noise-20": Step(about="pink noise at 20 dB below the sound", audio=partial(sound.noise, decibels=20.0)),
        "noise-30": Step(about="pink noise at 30 dB below the sound", audio=partial(sound.noise, decibels=30.0)),
        "resample": Step(about="down to a drawn rate of 11 to 24 kHz and back", audio=sound.resampled),
        "gain": Step(about="louder or softer by up to 12 dB, never clipped", audio=sound.gain),
        "reverb": Step(about="a made room, decay time 0.15 to 0.6 s", audio=sound.reverb),
        "trim": Step(about="silence at both ends cut off", audio=sound.trim),
        "lowpass": Step(about="nothing above a drawn edge of 3.4 to 7 kHz", audio=sound.lowpass),
        "jpeg-90": Step(about="JPEG, quality 90", image=partial(picture.jpeg, quality=90)),
        "jpeg-70": Step(about="JPEG, quality 70", image=partial(picture.jpeg, quality=70)),
        "jpeg-50": Step(about="JPEG, quality 50", image=partial(picture.jpeg, quality=50)),
        "webp-70": Step(about="WebP, quality 70", image=partial(picture.webp, quality=70)),
        "half": Step(about="half the width and height", image=partial(picture.resized, scale=0.5)),
        "resize": Step(about="scaled by a drawn factor of 0.5 to 1.5", image=picture.resized_at_random),
        "crop": Step(about="up to a tenth cut off each side", image=picture.crop),
        "blur": Step(about="Gaussian blur, sigma 0.5 to 1.5 pixels", image=picture.blur),
        "grain": Step(about="Gaussian noise, sigma 2 to 8 of 255", image=picture.grain),
        "gamma": Step(about="brightness curve, exponent 0.7 to 1.4", image=picture.gamma),
        "screenshot": Step(about="scaled by 0.6 to 0.95, sharpened, JPEG 85", image=picture.screenshot),
        "h264-crf23": Step(about="H.264 at constant rate factor 23", film=partial(picture.h264, crf=23)),
        "h264-crf35": Step(about="H.264 at constant rate factor 35", film=partial(picture.h264, crf=35)),
    }
)

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
            raise CorpusError(msg)
        steps.append(step)
    return tuple(steps)


def _apply(step: Step, media: Media, rng: np.random.Generator) -> Media:
    """Return `media` after one step; a picture's step happens to each frame of a film with the same draws."""
    if isinstance(media, Audio):
        return step.audio(media, rng) if step.audio else media
    if isinstance(media, Still):
        pixels = step.image(media.pixels, rng) if step.image else media.pixels
        return Still(pixels=pixels, notes=media.notes)
    if step.film:
        return step.film(media, rng)
    seed = int(rng.integers(2**32))
    return tuple(_frame(step, frame, np.random.default_rng(seed)) for frame in media)


def _frame(step: Step, frame: Frame, rng: np.random.Generator) -> Frame:
    """Return one frame of a film after a picture's step."""
    image = step.image(frame.image, rng) if step.image else frame.image
    return Frame(index=frame.index, time=frame.time, image=image)
