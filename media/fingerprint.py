"""Perceptual fingerprints: what a medium looks or sounds like, so that a stripped copy can be told from a stranger.

A fingerprint is a 64-bit DCT hash and a sketch: a small grey picture (films: one each sampled frame), or loudness by
band over time. Hashes alone do not survive cropping; sketches are compared at every place and scale (`resemblance`).
They are no secret and no proof: someone who tries can make two media that resemble.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .audio import Audio, resample
from .errors import NothingToExamine
from .image import Still
from .video import Film, Frame
from .view import View

Kind = Literal["image", "audio", "video"]
_KINDS: tuple[Kind, ...] = ("image", "audio", "video")
_HEAD = struct.Struct(">4sBQHHH")
_MAGIC = b"afp1"

SIDE = 64
"""Pixels along a side of a picture's sketch."""
_FRAMES = 32  # sketches of one film, at most; half as many at least where it has the frames
_RATE = 8000  # hertz to which sound is brought
_BANDS = 24  # bands, evenly on a log scale from 150 to 3600 Hz
_LOW, _HIGH = 150.0, 3600.0
_WINDOW, _HOP = 2048, 800  # samples: 0.256 s every 0.1 s
_STEPS = 36_000  # rows of a sound's sketch: an hour; what follows is not looked at
_DECIBELS = (-80.0, 0.0)  # range of loudness in a byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """`word` is the 64-bit hash (films: of the middle sampled frame), `sketch` uint8 values of `shape`.

    `shape` is (pictures, side, side) for pictures and films, (steps of 0.1 s, bands, 1) for sound.
    """

    kind: Kind
    word: int
    shape: tuple[int, int, int]
    sketch: bytes

    def __post_init__(self) -> None:
        """Raise `ValueError` unless the sketch has as many bytes as its shape says."""
        if not 0 <= self.word < 1 << 64 or np.prod(self.shape) != len(self.sketch) or not self.sketch:
            msg = f"a fingerprint needs a 64-bit word and {self.shape} bytes, got {len(self.sketch)}"
            raise ValueError(msg)

    def array(self) -> NDArray[np.uint8]:
        """Return the sketch as an array of `shape`."""
        return np.frombuffer(self.sketch, np.uint8).reshape(self.shape)

    def to_bytes(self) -> bytes:
        """Return the fingerprint as it is stored."""
        return _HEAD.pack(_MAGIC, _KINDS.index(self.kind), self.word, *self.shape) + self.sketch

    @classmethod
    def from_bytes(cls, data: bytes) -> Fingerprint:
        """Return what `to_bytes` wrote. Raises `ValueError` for other bytes."""
        if len(data) < _HEAD.size or data[:4] != _MAGIC or data[4] >= len(_KINDS):
            msg = f"expected a stored fingerprint, got {len(data)} bytes that are none"
            raise ValueError(msg)
        _, kind, word, *shape = _HEAD.unpack_from(data)
        return cls(kind=_KINDS[kind], word=word, shape=(shape[0], shape[1], shape[2]), sketch=data[_HEAD.size :])


def fingerprint(media: Still | Audio | Film | View) -> Fingerprint:
    """Return the fingerprint of a picture, a sound or a film (the pictures of a film, not its sound).

    Raises `NothingToExamine` if there is no picture and no sound in it, or the sound is shorter than 0.3 s.
    """
    if isinstance(media, View):
        return _of_view(media)
    if isinstance(media, Still):
        return _of_pictures("image", [media.pixels])
    if isinstance(media, Audio):
        return _of_sound(media)
    return _of_frames(media.frames())


def hamming(a: int, b: int) -> int:
    """Return in how many of 64 bits two hashes differ; unrelated pictures differ in 32 on average."""
    return (a ^ b).bit_count()


def _of_view(view: View) -> Fingerprint:
    if view.kind == "image" and view.still is not None:
        return fingerprint(view.still)
    if view.kind == "audio" and view.audio is not None:
        return fingerprint(view.audio)
    if view.frames:
        return _of_frames(view.frames)
    msg = "the file has neither a picture nor a sound to take a fingerprint of"
    raise NothingToExamine(msg)


def _of_frames(frames: Iterable[Frame]) -> Fingerprint:
    """Return the fingerprint of a film; of many frames every second, fourth ... is kept, so that memory stays flat."""
    kept: list[NDArray[np.uint8]] = []
    step = 1
    for index, frame in enumerate(frames):
        if index % step:
            continue
        kept.append(_shrunk(frame.image))
        if len(kept) == _FRAMES:
            kept, step = kept[::2], step * 2
    if not kept:
        msg = "the film has no frame to take a fingerprint of"
        raise NothingToExamine(msg)
    return _of_pictures("video", kept)


def _of_pictures(kind: Kind, pictures: Sequence[NDArray[np.uint8]]) -> Fingerprint:
    sketch = np.stack([_shrunk(picture) for picture in pictures])
    shape = (len(sketch), SIDE, SIDE)
    return Fingerprint(kind=kind, word=_dct_hash(sketch[len(sketch) // 2]), shape=shape, sketch=sketch.tobytes())


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a square grey picture (ITU-R BT.601 luma); `picture` is RGB, or grey where it was shrunk already."""
    import cv2

    if picture.ndim == 2:
        return picture
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    way = cv2.INTER_AREA if min(grey.shape) >= SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=way), np.uint8)


def _dct_hash(grey: NDArray[np.uint8]) -> int:
    """Return the signs, about their median, of the 8 x 8 lowest DCT coefficients but the mean of a 32 x 32 picture."""
    import cv2

    small = cv2.resize(grey.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small)[:8, :8].ravel()
    bits = low > np.median(low[1:])
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _of_sound(audio: Audio) -> Fingerprint:
    mono = resample(audio.mono()[: _STEPS // 10 * audio.rate], audio.rate, _RATE)
    if mono.size < _WINDOW:
        msg = f"a fingerprint needs at least {_WINDOW / _RATE:.1f} s of sound, got {audio.seconds:.2f} s"
        raise NothingToExamine(msg)
    frames = np.lib.stride_tricks.sliding_window_view(mono, _WINDOW)[::_HOP]
    edges = np.geomspace(_LOW, _HIGH, _BANDS + 1) * _WINDOW / _RATE
    lines = np.round(edges).astype(int)
    window = np.hanning(_WINDOW).astype(np.float32)
    rows = []
    for start in range(0, len(frames), 512):
        power = np.abs(np.fft.rfft(frames[start : start + 512] * window, axis=1)) ** 2
        rows.append(np.add.reduceat(power, lines[:-1], axis=1)[:, :_BANDS])
    loudness = 10 * np.log10(np.concatenate(rows) / (_WINDOW / 4) ** 2 + 1e-12)
    low, high = _DECIBELS
    scaled = np.clip((loudness - loudness.max() - low) / (high - low), 0.0, 1.0)
    sketch = np.rint(scaled * 255).astype(np.uint8)
    coarse = np.asarray(sketch, np.uint8)
    word = _dct_hash(coarse if coarse.shape[0] > 1 else np.repeat(coarse, 2, axis=0))
    return Fingerprint(kind="audio", word=word, shape=(*sketch.shape, 1), sketch=sketch.tobytes())
