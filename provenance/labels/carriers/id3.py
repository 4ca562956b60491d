"""MP3 and raw AAC (ADTS): ID3v2 TXXX frames, one a value, and XMP in a PRIV frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from ..fields import KEYS, Disclosure, Found, found
from ..interface import LabelError
from ..xmp import merge_packet, read_packet
from .interface import Window

_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_XMP_OWNER = b"XMP\0"
_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_LARGEST = (1 << 28) - 1
_ALTERED = 0x000F  # v2.4 frame is compressed, encrypted, unsynchronised or has a length in front


@dataclass(frozen=True, slots=True)
class _Frame:
    name: bytes
    flags: int
    body: bytes


class Mp3:
    """MP3 files, and AAC streams, whose players step over a tag in front as well."""

    def read(self, window: Window) -> Iterator[Found]:
        """Yield what the TXXX, COMM and PRIV frames of a leading ID3v2 tag say."""
        tag = read_tag(window)
        if tag is None:
            return
        for frame in tag[1]:
            if frame.flags & _ALTERED and tag[0] == 4:
                continue
            if frame.name == b"PRIV" and frame.body.startswith(_XMP_OWNER):
                yield from read_packet(frame.body[len(_XMP_OWNER) :])
            elif frame.name in (b"TXXX", b"COMM"):
                name, text = _described(frame)
                thing = found("id3", name, text)
                if thing is not None:
                    yield thing

    def write(self, data: bytes, fields: Disclosure) -> bytes:
        """Return `data` with an ID3v2.4 tag (v2.3 where the file has one) that holds `fields`; other frames stay."""
        window = Window(BytesIO(data), budget=2 * len(data) + 65_536)
        tag = read_tag(window)
        version, frames, end = tag if tag is not None else (4, [], 0)
        if version not in (3, 4):
            msg = f"labels are written into ID3v2.3 and 2.4 tags, the file has 2.{version}: convert its tag first"
            raise LabelError(msg)
        packet, kept = None, []
        values = fields.values()
        lower = {key.lower() for key in KEYS if key in values}
        for frame in frames:
            if frame.name == b"PRIV" and frame.body.startswith(_XMP_OWNER):
                packet = frame.body[len(_XMP_OWNER) :]
            elif frame.name != b"TXXX" or _described(frame)[0].lower() not in lower:
                kept.append(frame)
        kept += [_Frame(b"TXXX", 0, _pair(version, key, value)) for key, value in values.items()]
        kept.append(_Frame(b"PRIV", 0, _XMP_OWNER + merge_packet(packet, fields)))
        body = b"".join(_frame(version, frame) for frame in kept)
        if len(body) > _LARGEST:
            msg = f"the ID3 tag would take {len(body)} bytes, at most {_LARGEST} can be written"
            raise LabelError(msg)
        return b"ID3" + bytes((version, 0, 0)) + _synchsafe(len(body)) + body + data[end:]


def read_tag(window: Window) -> tuple[int, list[_Frame], int] | None:
    """Return version, frames and end of the ID3v2 tag at the start of the file, `None` if there is none."""
    head = window.upto(0, 10)
    if len(head) < 10 or head[:3] != b"ID3" or not 2 <= head[3] <= 4 or max(head[6:10]) > 127:
        return None
    version, flags = head[3], head[5]
    size = _unsafe(head[6:10])
    end = 10 + size + (10 if flags & _FOOTER and version == 4 else 0)
    body = window.upto(10, size)
    if flags & _UNSYNCHRONISED and version < 4:
        body = body.replace(b"\xff\0", b"\xff")
    if flags & _EXTENDED and version > 2 and len(body) >= 4:
        body = body[_unsafe(body[:4]) if version == 4 else 4 + int.from_bytes(body[:4], "big") :]
    return version, list(_frames(version, body)), min(end, window.size)


def _frames(version: int, body: bytes) -> Iterator[_Frame]:
    lead, width = (6, 3) if version == 2 else (10, 4)
    here = 0
    while here + lead <= len(body) and body[here]:
        name = body[here : here + width]
        raw = body[here + width : here + 2 * width]
        size = _unsafe(raw) if version == 4 else int.from_bytes(raw, "big")
        flags = 0 if version == 2 else int.from_bytes(body[here + 8 : here + 10], "big")
        if here + lead + size > len(body):
            return
        yield _Frame(name, flags, body[here + lead : here + lead + size])
        here += lead + size


def _described(frame: _Frame) -> tuple[str, str]:
    """Return description and text of a TXXX or COMM frame."""
    encoding = _ENCODINGS.get(frame.body[0] if frame.body else 0, "latin-1")
    body = frame.body[4 if frame.name == b"COMM" else 1 :]
    if encoding.startswith("utf-16"):
        cut = next((i for i in range(0, len(body) - 1, 2) if body[i : i + 2] == b"\0\0"), len(body))
        parts = body[:cut], body[cut + 2 :]
    else:
        name, _, text = body.partition(b"\0")
        parts = name, text
    first, second = (part.decode(encoding, errors="replace").strip("\0") for part in parts)
    return first, second


def _pair(version: int, key: str, value: str) -> bytes:
    if version == 4:
        return b"\3" + key.encode() + b"\0" + value.encode()
    return b"\1" + (key + "\0").encode("utf-16") + value.encode("utf-16")  # v2.3 knows no UTF-8


def _frame(version: int, frame: _Frame) -> bytes:
    size = _synchsafe(len(frame.body)) if version == 4 else len(frame.body).to_bytes(4, "big")
    return frame.name + size + frame.flags.to_bytes(2, "big") + frame.body


def _synchsafe(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def _unsafe(data: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(data, (21, 14, 7, 0), strict=False))
