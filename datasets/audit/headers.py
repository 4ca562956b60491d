"""What a JPEG's header tells: progressive or not, how coarse its tables are, how its colours are sampled.

ITU-T T.81 (JPEG), annex B: markers SOF0 to SOF2 and DQT.
"""

from __future__ import annotations

from pathlib import Path

from ..corpus import CorpusError

_HEAD = 1 << 18
"""Bytes that are read: tables lie before the picture, at worst after a large EXIF block."""
_FRAMES = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}


def jpeg_facts(path: Path) -> dict[str, float | str]:
    """Return coding process, mean of the quantisation tables, chroma sampling and bytes of metadata, where there.

    Raises `CorpusError` if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_HEAD)
    except OSError as error:
        msg = f"expected a readable file at {path}: {error.strerror}"
        raise CorpusError(msg) from error
    facts: dict[str, float | str] = {"metadata": 0.0}
    tables: list[int] = []
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + size]
        if marker == 0xDA or size < 2:
            break
        if marker in _FRAMES and len(body) >= 9:
            facts["coding"] = _FRAMES[marker]
            facts["chroma"] = f"{body[7] >> 4}x{body[7] & 15}"
        elif marker == 0xDB:
            tables += _table_values(body)
        elif marker == 0xE1:
            facts["metadata"] = float(size)
        at += 2 + size
    if tables:
        facts["quantiser"] = sum(tables) / len(tables)
    return facts


def _table_values(body: bytes) -> list[int]:
    """Return the entries of the tables in a DQT segment."""
    values: list[int] = []
    at = 0
    while at < len(body):
        wide = 2 if body[at] >> 4 else 1
        entries = body[at + 1 : at + 1 + 64 * wide]
        values += [int.from_bytes(entries[i : i + wide], "big") for i in range(0, len(entries), wide)]
        at += 1 + 64 * wide
    return values
