"""What a file is: told from its content, its streams described, nothing decoded in this process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass, fields
from fractions import Fraction
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, Literal

from .errors import AssayError, InputError, LimitExceeded, UnreadableMedia
from .limits import Limits
from .sniff import HEAD_BYTES, Container, sniff_head
from .worker import POOL, run

Kind = Literal["image", "audio", "video"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """A picture: size upright in pixels, EXIF `orientation` 1-8, number of pictures in the file, Pillow's mode."""

    width: int
    height: int
    orientation: int
    frames: int
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """A film stream.

    `width` and `height` in pixels, upright; `rate` the average frames per second; `seconds` and `frames` as the
    header says, `None` if it does not; `rotation` in degrees clockwise and `mirrored` what makes it upright;
    `variable_rate` whether the first 200 frames are unevenly apart.
    """

    width: int
    height: int
    codec: str
    rate: Fraction | None
    seconds: float | None
    frames: int | None
    rotation: int
    mirrored: bool
    variable_rate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioInfo:
    """A sound stream: hertz, channels, codec, `seconds` as the header says, `start` seconds after the first frame."""

    rate: int
    channels: int
    codec: str
    seconds: float | None
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A media file: where it is, its digest and size in bytes, and what its content says it is."""

    path: Path
    sha256: str
    size: int
    kind: Kind
    container: Container
    image: ImageInfo | None = None
    video: VideoInfo | None = None
    audio: AudioInfo | None = None

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, limits: Limits | None = None) -> Asset:
        """Look at the file at `path`.

        Raises `InputError` if there is no regular file that can be read, `UnreadableMedia` if it is not media,
        `LimitExceeded` if it is larger than `limits` allow, `NothingToExamine` if it holds neither film nor sound.
        """
        limits = limits or Limits()
        place = Path(path)
        with _opened(place) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limits.file_bytes:
                msg = f"{str(place)!r} has {size} bytes; the most accepted is {limits.file_bytes}"
                raise LimitExceeded(msg)
            container = sniff(file)
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found = probe(place, container, limits=limits)
        return cls(path=place, sha256=digest, size=size, container=container, **found)


def expect(path: str | os.PathLike[str], *, limits: Limits | None = None) -> None:
    """Start a decoding process for the file at `path` and do not wait: when it is opened, the process is up.

    Says nothing of what may be wrong with the file; opening it does.
    """
    with contextlib.suppress(AssayError):
        op = "image" if sniff(path).kind == "image" else "film"
        POOL.warm((limits or Limits()).memory_bytes, op=op)


def sniff(source: str | os.PathLike[str] | bytes | BinaryIO) -> Container:
    """Return the container that `source` (a path, the bytes of a file or an open file) is, by content alone.

    Raises `UnreadableMedia` if it is none that can be read, `InputError` if there is no such file.
    """
    if isinstance(source, bytes):
        return sniff_head(source)
    if isinstance(source, (str, os.PathLike)):
        with _opened(Path(source)) as file:
            return sniff(file)
    return sniff_head(source.read(HEAD_BYTES))


def probe(source: Path | bytes, container: Container, *, limits: Limits) -> dict[str, Any]:
    """Return `kind`, `image`, `video` and `audio` of an `Asset`, asked of a decoding process."""
    if container.kind == "image":
        header, _ = run("image-info", source, limits=limits, container=container.name)
        return {"kind": "image", "image": ImageInfo(**_picked(ImageInfo, header))}
    header, _ = run("film-info", source, limits=limits, container=container.name)
    video, audio = header["video"], header["audio"]
    if video is not None and video["rate"] is not None:
        video["rate"] = Fraction(*video["rate"])
    return {
        "kind": "audio" if video is None else "video",
        "video": None if video is None else VideoInfo(**video),
        "audio": None if audio is None else AudioInfo(**audio),
    }


def _picked(kind: type, header: dict[str, Any]) -> dict[str, Any]:
    return {field.name: header[field.name] for field in fields(kind)}


def _opened(path: Path) -> BufferedReader:
    """Open a regular file for reading. Raises `InputError` saying which other thing `path` is."""
    name = repr(str(path))
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            msg = f"{name} is {_other(mode)}, not a file: give the path of a media file"
            raise InputError(msg)
        # without blocking: it may have become a pipe since
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except FileNotFoundError as error:
        msg = f"there is no file {name}"
        raise InputError(msg) from error
    except PermissionError as error:
        msg = f"no permission to read {name}"
        raise InputError(msg) from error
    except ValueError as error:
        msg = f"{name} cannot be a path: {error}"
        raise InputError(msg) from error
    except OSError as error:
        msg = f"{name} cannot be opened: {error.strerror or error}"
        raise InputError(msg) from error


def _other(mode: int) -> str:
    """Name what is not a regular file."""
    tests = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((words for test, words in tests if test(mode)), "something else")


__all__ = [
    "Asset",
    "AudioInfo",
    "Container",
    "ImageInfo",
    "Kind",
    "UnreadableMedia",
    "VideoInfo",
    "expect",
    "probe",
    "sniff",
]
