"""Makers of media for tests: every file is made here, from numbers, by the codecs that a user has."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from io import BytesIO
from typing import Any

import av
import numpy as np
from assay.media.audio import Audio
from assay.media.encode import encode_film
from assay.media.video import Frame
from numpy.typing import NDArray
from PIL import Image

TURNS = {  # tkhd matrices (a, b, c, d) by degrees clockwise, ISO 14496-12
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}


def tone(*, seconds: float = 1.0, rate: int = 48_000, channels: int = 1, hertz: float = 440.0) -> Audio:
    """Return a sine at half scale, each channel at a different pitch."""
    time = np.arange(round(seconds * rate)) / rate
    waves = [0.5 * np.sin(2 * np.pi * hertz * (1 + channel) * time) for channel in range(channels)]
    return Audio(samples=np.array(waves, np.float32), rate=rate)


def noise(rng: np.random.Generator, *, samples: int, rate: int, channels: int = 1) -> Audio:
    """Return white noise, of which no shift looks like another."""
    return Audio(samples=(0.1 * rng.standard_normal((channels, samples))).astype(np.float32), rate=rate)


def card(*, height: int = 96, width: int = 128) -> NDArray[np.uint8]:
    """Return a picture that shows which way is up: red with a green top left and a blue bottom right corner."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = (200, 40, 30)
    image[: height // 3, : width // 3] = (20, 200, 60)
    image[-height // 3 :, -width // 3 :] = (30, 60, 210)
    return image


def frames(times: list[float], *, height: int = 96, width: int = 128) -> list[Frame]:
    """Return a frame for each time; its index is written in it as sixteen bright and dark squares."""
    made = []
    for index, time in enumerate(times):
        image = card(height=height, width=width)
        for bit in range(16):
            row, column = height // 2, 4 + bit * 6
            image[row : row + 8, column : column + 6] = 255 if index >> bit & 1 else 0
        made.append(Frame(index=index, time=time, image=image))
    return made


def number(image: NDArray[np.uint8], *, height: int = 96) -> int:
    """Return the index that `frames` wrote into a frame."""
    row = height // 2
    return sum(
        1 << bit for bit in range(16) if image[row + 2 : row + 6, 4 + bit * 6 + 2 : 4 + bit * 6 + 4].mean() > 127
    )


def steady(count: int, rate: Fraction = Fraction(25)) -> list[float]:
    """Return the times of `count` frames at a steady rate."""
    return [float(place / rate) for place in range(count)]


def film(count: int = 10, *, audio: Audio | None = None, container: str = "mp4", height: int = 96) -> bytes:
    """Return a film of `count` frames at 25 a second."""
    return encode_film(frames(steady(count), height=height), audio, container, rate=Fraction(25))


def film_of(codec: str, container: str, *, count: int = 10, pixels: str = "yuv420p", **options: str) -> bytes:
    """Return a film by any encoder in any container that FFmpeg writes."""
    out = BytesIO()
    with av.open(out, mode="w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pixels
        for frame in frames(steady(count)):
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    return out.getvalue()


def film_without_frames(container: str) -> bytes:
    """Return a film whose track holds nothing."""
    out = BytesIO()
    with av.open(out, mode="w", format=container) as file:
        stream: Any = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.open()
        file.start_encoding()
    return out.getvalue()


def rotated(data: bytes, degrees: int) -> bytes:
    """Return an mp4 whose film track asks to be shown turned by `degrees` clockwise, as a phone writes it."""
    place = data.index(b"tkhd") + 4 + 40  # version 0: the matrix lies 40 bytes into the box's content
    a, b, c, d = (value << 16 for value in TURNS[degrees])
    return data[:place] + struct.pack(">iiiiiiiii", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[place + 36 :]


def wav_floats(samples: NDArray[np.float32], rate: int) -> bytes:
    """Return a wav of 32-bit floats, mono, whatever their values."""
    data = samples.astype("<f4").tobytes()
    head = (
        b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 3, 1, rate, rate * 4, 4, 32) + b"data" + struct.pack("<I", len(data))
    )
    return b"RIFF" + struct.pack("<I", len(head) + len(data)) + head + data


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that claims to be so large and ends after its header."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def picture_file(image: Image.Image, form: str, **options: object) -> bytes:
    """Return what Pillow writes."""
    out = BytesIO()
    image.save(out, format=form, **options)
    return out.getvalue()
