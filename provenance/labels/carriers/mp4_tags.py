"""The `meta` box of films: QuickTime keys (`mdta`: keys + ilst) and iTunes free-form tags (`mdir`: ---- in ilst)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO

from ..fields import Disclosure, Found, found
from .boxes import Box, pack, walk
from .interface import Window

_UTF8 = 1  # type of a data box
_MEAN = b"com.apple.iTunes"
_KEYS = 4096  # keys of one file that are read


def read_tags(window: Window, meta: Box) -> Iterator[Found]:
    """Yield what the keys of `meta` say."""
    start = _content(window, meta)
    names: list[str] = []
    for box in walk(window, start, meta.end):
        if box.kind == b"keys":
            names = [
                window.at(key.body, key.end - key.body).decode("utf-8", errors="replace")
                for key, _ in zip(walk(window, box.body + 8, box.end), range(_KEYS), strict=False)
            ]
        elif box.kind == b"ilst":
            for item in walk(window, box.body, box.end):
                index = int.from_bytes(item.kind, "big")
                name = names[index - 1] if 0 < index <= len(names) else item.kind.decode("latin-1")
                thing = _read_item(window, item, name)
                if thing is not None:
                    yield thing


def _read_item(window: Window, item: Box, name: str) -> Found | None:
    for part in walk(window, item.body, item.end):
        if part.kind == b"name":
            name = window.at(part.body + 4, part.end - part.body - 4).decode("utf-8", errors="replace")
        elif part.kind == b"data" and part.end - part.body >= 8:
            if window.at(part.body, 4)[3] != _UTF8:
                return None  # cover pictures and numbers
            text = window.at(part.body + 8, part.end - part.body - 8)
            return found("mp4 keys", name, text.decode("utf-8", errors="replace"))
    return None


def merge_tags(meta: bytes | None, fields: Disclosure) -> bytes:
    """Return a meta box with `fields` in place of older values; other keys stay, in the style that the file has."""
    if meta is None:
        handler = pack(b"hdlr", bytes(8) + b"mdta" + bytes(12) + b"\0")
        meta = pack(b"meta", bytes(4) + handler + pack(b"keys", bytes(8)) + pack(b"ilst", b""))
    window = Window(BytesIO(meta), budget=64 * len(meta) + 65_536)
    whole = next(walk(window, 0, len(meta)))
    start = _content(window, whole)
    boxes = [(box.kind, meta[box.body : box.end]) for box in walk(window, start, whole.end)]
    parts = dict(reversed(boxes))
    lead = meta[whole.body : start]
    if b"keys" in parts:
        keys, items = _with_keys(parts[b"keys"], parts.get(b"ilst", b""), fields.values())
        changed = {b"keys": keys, b"ilst": items}
    else:
        changed = {b"ilst": _with_free_form(parts.get(b"ilst", b""), fields.values())}
        if b"hdlr" not in parts:
            boxes.insert(0, (b"hdlr", bytes(8) + b"mdirappl" + bytes(8) + b"\0"))
    body = [pack(kind, changed.pop(kind, content)) for kind, content in boxes]
    body += [pack(kind, content) for kind, content in changed.items()]
    return pack(b"meta", lead + b"".join(body))


def _content(window: Window, meta: Box) -> int:
    """Return where the boxes inside `meta` start: QuickTime's has no version field, ISO's has."""
    if meta.end - meta.body < 8:
        return meta.end
    return meta.body if window.at(meta.body + 4, 4) == b"hdlr" else meta.body + 4


def _data(text: str) -> bytes:
    return pack(b"data", struct.pack(">II", _UTF8, 0) + text.encode())


def _with_keys(keys: bytes, items: bytes, values: dict[str, str]) -> tuple[bytes, bytes]:
    """Return the contents of keys and ilst with `values`; an old key of the same name gets the new value."""
    window = Window(BytesIO(keys), budget=64 * len(keys) + 65_536)
    raw = [keys[box.start : box.end] for box in walk(window, 8, len(keys))]
    names = [entry[8:].decode("utf-8", errors="replace") for entry in raw]
    number = {name: index for index, name in enumerate(names, 1) if name in values}
    for name in values:
        if name not in number:
            raw.append(pack(b"mdta", name.encode()))
            number[name] = len(raw)
    ours = {index.to_bytes(4, "big") for index in number.values()}
    window = Window(BytesIO(items), budget=64 * len(items) + 65_536)
    kept = [items[box.start : box.end] for box in walk(window, 0, len(items)) if box.kind not in ours]
    kept += [pack(number[name].to_bytes(4, "big"), _data(text)) for name, text in values.items()]
    return bytes(4) + len(raw).to_bytes(4, "big") + b"".join(raw), b"".join(kept)


def _with_free_form(items: bytes, values: dict[str, str]) -> bytes:
    window = Window(BytesIO(items), budget=64 * len(items) + 65_536)
    kept = []
    for box in walk(window, 0, len(items)):
        names = [
            items[part.body + 4 : part.end].decode("utf-8", errors="replace")
            for part in (walk(window, box.body, box.end) if box.kind == b"----" else ())
            if part.kind == b"name"
        ]
        if not any(name in values for name in names):
            kept.append(items[box.start : box.end])
    for name, text in values.items():
        mean, key = pack(b"mean", bytes(4) + _MEAN), pack(b"name", bytes(4) + name.encode())
        kept.append(pack(b"----", mean + key + _data(text)))
    return b"".join(kept)
