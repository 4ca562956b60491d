"""What sites and messengers do to what is shared on them: an approximation, since none of them says what it does.

Size caps, codecs and qualities are round numbers near what their users report of downloaded copies; they are the same
for every site, change without notice, and leave out what only some do (bars, sharpening, a second pass).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from ...media.video import Frame
from .. import codecs
from .films import Film
from .sounds import at_rate

Pixels = NDArray[np.uint8]


def feed_picture(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Return a picture as shown in a feed: at most 1080 pixels a side, JPEG 78, 4:2:0."""
    return codecs.through_picture(_capped(pixels, 1080), "JPEG", 78, subsampling="4:2:0")


def messenger_picture(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Return a picture as passed on: at most 1280 pixels a side, JPEG 65, 4:2:0."""
    return codecs.through_picture(_capped(pixels, 1280), "JPEG", 65, subsampling="4:2:0")


def feed_film(frames: Film, _: np.random.Generator) -> Film:
    """Return a film as shown in a feed: at most 1280 pixels a side, H.264 crf 26."""
    return codecs.through_film(_all_capped(frames, 1280), codecs.h264(26))


def messenger_film(frames: Film, _: np.random.Generator) -> Film:
    """Return a film as passed on: at most 848 pixels a side, H.264 crf 30."""
    return codecs.through_film(_all_capped(frames, 848), codecs.h264(30))


def feed_sound(audio: Audio, _: np.random.Generator) -> Audio:
    """Return the sound of a film in a feed: AAC, 64 kbit/s a channel."""
    return codecs.through_audio(audio, codecs.AAC)


def messenger_sound(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return a voice message: 16 kHz, Opus, 24 kbit/s."""
    return codecs.through_audio(at_rate(audio, rng, rate=16_000), codecs.OPUS)


def _capped(pixels: Pixels, longest: int) -> Pixels:
    """Return `pixels` with its longer side brought down to `longest`, sides even as codecs want them."""
    import cv2

    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return pixels
    size = tuple(max(2, round(side * scale / 2) * 2) for side in (width, height))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _all_capped(frames: Film, longest: int) -> Film:
    return tuple(Frame(index=one.index, time=one.time, image=_capped(one.image, longest)) for one in frames)
