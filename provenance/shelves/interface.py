"""What a place that keeps published manifests must do; one file each, the catalogue is in the folder's `__init__`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One published manifest as it is kept.

    `id` (64 bits, unsigned) is the mark's, `label` the active manifest's own name, `word` and `kind` the fingerprint's
    hash and kind, `time` ISO 8601 in UTC, `fingerprint` and `manifest` bytes.
    """

    id: int
    label: str
    word: int
    kind: str
    sha256: str
    mime: str
    title: str
    time: str
    fingerprint: bytes = field(repr=False)
    manifest: bytes = field(repr=False)


class Shelf(Protocol):
    """A place that keeps rows; rows are never changed and never taken away. Every method raises `InputError`."""

    name: str
    """What it is called in messages; no password is in it."""

    def put(self, row: Row) -> Row | None:
        """Keep `row`; on return it is on disk. Returns the row that its id stood for before, which then stays."""
        ...

    def by_id(self, number: int) -> Row | None:
        """Return the row of a mark's id."""
        ...

    def by_label(self, label: str) -> Row | None:
        """Return the row whose active manifest is called `label`, the oldest if there are several."""
        ...

    def near(self, kind: str, word: int, *, within: int, most: int) -> list[Row]:
        """Return the `most` rows of `kind` whose hash differs from `word` in `within` bits or less, nearest first."""
        ...

    def count(self) -> int:
        """Return how many rows there are."""
        ...


def signed(number: int) -> int:
    """Return an unsigned 64-bit number as databases keep integers, in two's complement."""
    return number if number < 1 << 63 else number - (1 << 64)


def unsigned(number: int) -> int:
    """Return the unsigned 64-bit number that `signed` made this of."""
    return number & (1 << 64) - 1
