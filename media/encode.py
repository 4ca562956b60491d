"""Encoding: pictures, sound and film to the bytes of a file, or into one that is open; nothing here opens a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from io import BytesIO
from itertools import chain
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .audio import Audio
from .errors import InputError, NothingToExamine
from .mux import Output, SoundKind, film_frames, sound_frames
from .video import Frame

_IMAGES = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "tiff": "TIFF", "gif": "GIF", "avif": "AVIF", "heif": "HEIF"}
_METADATA = {"exif", "xmp", "icc"}
_WAV_MOST = 2**32 - 4096
"""Bytes of samples that a wav file's 32-bit length leaves room for beside its header."""


_SOUNDS = {
    "wav": SoundKind(muxer="wav", codec="pcm_s16le", layout="s16"),
    "flac": SoundKind(muxer="flac", codec="flac", layout="s16"),
    "mp3": SoundKind(muxer="mp3", codec="libmp3lame", layout="fltp", bit_rate=128_000),
    "m4a": SoundKind(muxer="ipod", codec="aac", layout="fltp", bit_rate=128_000),
    "aac": SoundKind(muxer="adts", codec="aac", layout="fltp", bit_rate=128_000),
    "ogg": SoundKind(muxer="ogg", codec="libopus", layout="flt", bit_rate=64_000),
}
_FILMS = {
    "mp4": ("libx264", SoundKind(muxer="mp4", codec="aac", layout="fltp", bit_rate=160_000)),
    "mov": ("libx264", SoundKind(muxer="mov", codec="aac", layout="fltp", bit_rate=160_000)),
    "mkv": ("libx264", SoundKind(muxer="matroska", codec="flac", layout="s16")),
    "webm": ("libvpx-vp9", SoundKind(muxer="webm", codec="libopus", layout="flt", bit_rate=96_000)),
}


def encode_image(
    pixels: NDArray[np.uint8], container: str, *, quality: int = 95, metadata: dict[str, bytes] | None = None
) -> bytes:
    """Return `pixels` (uint8 `[h, w, 3]` RGB) as the bytes of a file.

    `container` is jpeg png webp tiff gif avif or heif; `quality` 1-100 counts for the lossy ones; `metadata` may hold
    `exif`, `xmp` and `icc`, as the bytes that go in. Raises `InputError` for other containers or metadata.
    """
    from PIL import Image, PngImagePlugin

    if container not in _IMAGES or not set(metadata or {}) <= _METADATA:
        msg = f"expected a container of {', '.join(_IMAGES)} and metadata of exif, xmp, icc, got {container!r}"
        raise InputError(msg)
    given = metadata or {}
    options: dict[str, Any] = {"exif": given.get("exif"), "icc_profile": given.get("icc")}
    if container == "png" and "xmp" in given:
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", given["xmp"].decode())
    elif container == "tiff" and "xmp" in given:
        options["tiffinfo"] = {700: given["xmp"]}
    else:
        options["xmp"] = given.get("xmp")
    if container in {"jpeg", "webp", "avif", "heif"}:
        options["quality"] = quality
    if container == "heif":
        import pillow_heif

        pillow_heif.register_heif_opener()
    out = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.save(out, format=_IMAGES[container], **{key: value for key, value in options.items() if value is not None})
    return out.getvalue()


def encode_audio(audio: Audio, container: str, *, bit_rate: int | None = None) -> bytes:
    """Return `audio` as the bytes of a file.

    wav and flac hold 16-bit PCM, which clips at full scale; mp3, m4a (AAC), aac and ogg (Opus) are lossy, at `bit_rate`
    bits a second. Decoding gives the same number of samples, but for mp3, which may end with up to 48 more, for `aac`,
    whose container declares no delay, and for Opus below 48 kHz, which decodes to 48 kHz.
    Raises `InputError` if the container is none of these or its codec does not take the rate.
    """
    buffer = BytesIO()
    write_audio([audio], buffer, container, bit_rate=bit_rate)
    return buffer.getvalue()


def write_audio(blocks: Iterable[Audio], file: IO[bytes], container: str, *, bit_rate: int | None = None) -> None:
    """Write a sound that comes in `blocks` into `file`, which can seek, as `encode_audio` would the whole.

    Memory does not grow with the length, but for the index of an m4a (some 70 bytes for 1024 samples). Raises as
    `encode_audio` and the file, `InputError` too if rate or channels change or a wav reaches 4 GiB, and
    `NothingToExamine` without a block.
    """
    kind = sound_kind(container)
    first, pieces = _begun(blocks)
    with Output(kind.muxer, file, first) as out:
        stream = out.add_sound(first, kind, bit_rate)
        for frame in sound_frames(pieces, kind):
            if container == "wav" and (frame.pts + frame.samples) * 2 * len(first.samples) > _WAV_MOST:
                msg = "a wav file holds less than 4 GiB: choose flac"
                raise InputError(msg)
            out.write(stream, frame)


def sound_kind(container: str) -> SoundKind:
    """Return how `container` carries sound. Raises `InputError` if `encode_audio` does not write it."""
    if container not in _SOUNDS:
        msg = f"expected a container of {', '.join(_SOUNDS)}, got {container!r}"
        raise InputError(msg)
    return _SOUNDS[container]


def _begun(blocks: Iterable[Audio]) -> tuple[Audio, Iterator[Audio]]:
    """Return the first of `blocks`, and all of them. Raises `NothingToExamine` if there is none."""
    rest = iter(blocks)
    first = next(rest, None)
    if first is None:
        msg = "a sound needs at least one block"
        raise NothingToExamine(msg)
    return first, chain([first], rest)


def encode_film(
    frames: Iterable[Frame], audio: Audio | None, container: str = "mp4", *, rate: Fraction, crf: float = 18
) -> bytes:
    """Return a film as the bytes of a file: mp4 or mov (H.264, AAC), mkv (H.264, FLAC), webm (VP9, Opus).

    Frame times are kept, counted from the first frame, with which the first sample of `audio` coincides; `rate` in
    frames a second says how long the last one lasts and how fine times are. An odd width or height is made even by
    repeating the last column or row, as 4:2:0 demands (logged). Raises `InputError` for other containers,
    sizes that change or times that do not rise, and `NothingToExamine` without frames.
    """
    buffer = BytesIO()
    write_film(frames, buffer, container, blocks=None if audio is None else [audio], rate=rate, crf=crf)
    return buffer.getvalue()


def write_film(
    frames: Iterable[Frame],
    file: IO[bytes],
    container: str = "mp4",
    *,
    blocks: Iterable[Audio] | None,
    rate: Fraction,
    crf: float = 18,
) -> None:
    """Write a film whose sound comes in `blocks` into `file`, which can seek, as `encode_film` would the whole."""
    if container not in _FILMS:
        msg = f"expected a container of {', '.join(_FILMS)}, got {container!r}"
        raise InputError(msg)
    codec, kind = _FILMS[container]
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        msg = "a film needs at least one frame"
        raise NothingToExamine(msg)
    audio, pieces = (None, iter(())) if blocks is None else _begun(blocks)
    with Output(kind.muxer, file, audio) as out:
        film = out.add_film(first, codec, rate, crf)
        sound = None if audio is None else out.add_sound(audio, kind, None)
        waiting = sound_frames(pieces, kind)
        for picture in film_frames(first, pictures, rate):
            out.write(film, picture)
            now = float(picture.pts * picture.time_base)
            # sound goes beside the pictures it belongs to, so that a player need not jump about
            while sound is not None and out.written(sound) <= now and (piece := next(waiting, None)) is not None:
                out.write(sound, piece)
        for piece in waiting:
            out.write(sound, piece)
