"""What a watermark is and what a scheme must do; one file each scheme, the catalogue is in the folder's `__init__`.

A payload is a 64-bit id. A scheme is versioned, keyed (HMAC-derived patterns: without the key the mark can be neither
read nor written) and corrects errors. Whoever can read a symmetric mark can also write one, so no trust rests on a
mark alone: its id leads to a signed manifest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from ...media.errors import AssayError
from ...media.extent import Span
from ...media.video import Frame

PAYLOAD_BITS = 64


class MarkError(AssayError):
    """A mark could not be embedded: the carrier is too short, too small, silent or flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mark that was found.

    `payload` is the 64-bit id, or `None` for a scheme that only tells presence. `p_false_alarm` is the computed
    probability that unmarked media gives a detection this strong anywhere in this file (all trials counted).
    `spans` are the seconds that carry the mark, empty for a picture.
    """

    scheme: str
    payload: int | None
    p_false_alarm: float
    spans: tuple[Span, ...] = ()


class AudioScheme(Protocol):
    """A mark for sound."""

    name: str

    def embed(self, audio: Audio, payload: int, key: bytes) -> Audio:
        """Return `audio` with `payload` (64 bits) in it, same rate, channels and length. Raises `MarkError`."""
        ...

    def embed_stream(self, blocks: Iterable[Audio], payload: int, key: bytes) -> Iterator[Audio]:
        """Yield the sound that comes in `blocks` with `payload` in it: as `embed` of the whole, in constant memory.

        Raises `MarkError`; that the sound is too short or silent may be told only at its end.
        """
        ...

    def detect(self, audio: Audio, key: bytes) -> Mark | None:
        """Return the mark that `audio` carries under `key`, or `None`."""
        ...

    def heard(self, blocks: Iterable[Audio], key: bytes) -> Mark | None:
        """Return the mark of a sound that comes in blocks, mono at the scheme's own rate, or `None`."""
        ...

    def presence(self, audio: Audio, key: bytes) -> float:
        """Return the p-value of "`audio` is unmarked under `key`", from one fixed trial, no search of scales.

        Without a mark it is uniform in (0, 1]: the statistic's law over random keys is known. A mark that lies as it
        was written makes it small; one that needs a search (another speed, another size) need not.
        """
        ...


class ImageScheme(Protocol):
    """A mark for pictures."""

    name: str

    def embed(self, pixels: NDArray[np.uint8], payload: int, key: bytes) -> NDArray[np.uint8]:
        """Return `pixels` (uint8 `[h, w, 3]` RGB) with `payload` in it, same shape. Raises `MarkError`."""
        ...

    def detect(self, pixels: NDArray[np.uint8], key: bytes) -> Mark | None:
        """Return the mark that `pixels` carries under `key`, or `None`."""
        ...

    def presence(self, pixels: NDArray[np.uint8], key: bytes) -> float:
        """Return the p-value of "unmarked under `key`" from one fixed trial; uniform in (0, 1] without a mark."""
        ...


class VideoScheme(Protocol):
    """A mark for films; frames stream through in constant memory."""

    name: str

    def embed(self, frames: Iterable[Frame], payload: int, key: bytes) -> Iterator[Frame]:
        """Yield `frames` with `payload` in them, same times and shapes. Raises `MarkError`."""
        ...

    def detect(self, frames: Iterable[Frame], key: bytes) -> Mark | None:
        """Return the mark that `frames` carry under `key`, or `None`."""
        ...

    def presence(self, frames: Iterable[Frame], key: bytes) -> float:
        """Return the p-value of "unmarked under `key`" from one fixed trial; uniform in (0, 1] without a mark."""
        ...
