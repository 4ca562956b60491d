"""The schemes of others (extra `peers`), used as their own examples use them. None takes a key of any strength."""

from __future__ import annotations

import sys
import warnings
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...datasets.launder import Media
from ...media.audio import Audio, resample
from ...media.errors import MissingExtra
from ...media.image import Still
from ...media.video import Frame
from .contenders import Reading

_READ_FRAMES = 12
"""Frames of a film that are read and put to the vote."""


def _library(name: str) -> Any:  # noqa: ANN401 (a library without types)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return import_module(name)
    except ImportError as error:
        raise MissingExtra(f"the scheme of {name}", "peers") from error


def _bits(payload: int, count: int) -> list[int]:
    return [payload >> place & 1 for place in range(count)]


def _voted(found: NDArray[np.floating[Any]], expected: int, count: int) -> Reading:
    """Return the reading of `found` bits (0 to 1), with the share of those expected."""
    bits = [int(bit > 0.5) for bit in found]
    share = float(np.mean(np.array(bits) == np.array(_bits(expected, count))))
    return Reading(payload=sum(bit << place for place, bit in enumerate(bits)), share=share)


class _Invisible:
    """A method of invisible-watermark; it takes BGR pictures."""

    method = "dwtDctSvd"
    name, kind, bits, ours = "invisible-watermark-dwtDctSvd", "image", 64, False

    def embed(self, media: Media, payload: int) -> Media:
        """Return the marked picture."""
        return Still(pixels=self.marked(cast("Still", media).pixels, payload))

    def read(self, media: Media, expected: int) -> Reading:
        """Return the bits that it reads, whatever the picture."""
        return _voted(self.found(cast("Still", media).pixels), expected, self.bits)

    def marked(self, pixels: NDArray[np.uint8], payload: int) -> NDArray[np.uint8]:
        """Return `pixels` with the bits of `payload`."""
        encoder = _library("imwatermark").WatermarkEncoder()
        encoder.set_watermark("bits", _bits(payload, self.bits))
        if self.method == "rivaGan":
            encoder.loadModel()
        return np.ascontiguousarray(encoder.encode(np.ascontiguousarray(pixels[..., ::-1]), self.method)[..., ::-1])

    def found(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the bits read, 0 or 1."""
        decoder = _library("imwatermark").WatermarkDecoder("bits", self.bits)
        if self.method == "rivaGan":
            decoder.loadModel()
        found = decoder.decode(np.ascontiguousarray(pixels[..., ::-1]), self.method)
        return np.asarray(found, np.float64)


class DwtDctSvd(_Invisible):
    """invisible-watermark, its usual method: singular values of DCT blocks in a wavelet band."""


class RivaGan(_Invisible):
    """invisible-watermark's network of 32 bits, on ONNX Runtime."""

    method = "rivaGan"
    name, bits = "invisible-watermark-rivaGan", 32


class DwtDctSvdByFrame(_Invisible):
    """invisible-watermark in every frame of a film, read from some frames by majority."""

    name, kind = "dwtDctSvd-by-frame", "film"

    def embed(self, media: Media, payload: int) -> Media:
        """Return the marked film."""
        frames = cast("tuple[Frame, ...]", media)
        return tuple(Frame(index=one.index, time=one.time, image=self.marked(one.image, payload)) for one in frames)

    def read(self, media: Media, expected: int) -> Reading:
        """Return the majority of the bits of some frames."""
        frames = cast("tuple[Frame, ...]", media)
        chosen = frames[:: max(1, len(frames) // _READ_FRAMES)]
        return _voted(np.mean([self.found(one.image) for one in chosen], axis=0), expected, self.bits)


class BlindWatermark:
    """blind-watermark with its own passwords as they come; a picture's size must be known for reading."""

    name, kind, bits, ours = "blind-watermark", "image", 64, False

    def _engine(self) -> Any:  # noqa: ANN401
        library = _library("blind_watermark")
        library.bw_notes.close()
        return library.WaterMark(password_wm=1, password_img=1)

    def embed(self, media: Media, payload: int) -> Media:
        """Return the marked picture."""
        engine = self._engine()
        engine.read_img(img=np.ascontiguousarray(cast("Still", media).pixels[..., ::-1]))
        engine.read_wm(np.array(_bits(payload, self.bits), bool), mode="bit")
        out = np.clip(np.rint(engine.embed()), 0, 255).astype(np.uint8)
        return Still(pixels=np.ascontiguousarray(out[..., ::-1]))

    def read(self, media: Media, expected: int) -> Reading:
        """Return the bits that it reads, whatever the picture."""
        pixels = np.ascontiguousarray(cast("Still", media).pixels[..., ::-1])
        found = self._engine().extract(embed_img=pixels, wm_shape=self.bits, mode="bit")
        return _voted(np.asarray(found, np.float64), expected, self.bits)


class Perth:
    """resemble-perth's implicit mark: presence alone, told above a confidence of one half."""

    name, kind, bits, ours = "resemble-perth", "audio", 0, False

    def __init__(self) -> None:
        """Load the network; it greets on stdout, which is kept for results."""
        with warnings.catch_warnings(), redirect_stdout(sys.stderr):
            warnings.simplefilter("ignore")
            self._engine = _library("perth").PerthImplicitWatermarker()

    def embed(self, media: Media, payload: int) -> Media:
        """Return the marked sound, one channel."""
        del payload
        audio = cast("Audio", media)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            out = np.asarray(self._engine.apply_watermark(audio.mono(), sample_rate=audio.rate), np.float32)
        return Audio(samples=np.ascontiguousarray(out)[None], rate=audio.rate)

    def read(self, media: Media, expected: int) -> Reading:
        """Return whether it says that the mark is there."""
        del expected
        audio = cast("Audio", media)
        samples = audio.mono() if audio.rate >= 16_000 else resample(audio.mono(), audio.rate, 16_000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rate = max(audio.rate, 16_000)
            found = self._engine.get_watermark(np.ascontiguousarray(samples), sample_rate=rate, round=False)
        return Reading(present=bool(np.mean(found) > 0.5))
