"""Near-duplicates: the same picture, sound or film under another name, encoding, size or cut.

Candidates come from 64-bit perceptual hashes, found by exact agreement of one of eight bytes (every pair that differs
in at most seven bits is found, most others soon); each is then compared by its sketch. Two recordings of one speech
are not near-duplicates, two encodings of one recording are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...media.fingerprint import Fingerprint
from ...media.resemblance import SAME, resemblance
from ..corpus import Item
from ..groups import joined

REACH = 10
"""Bits of 64 by which the hashes of candidates may differ."""
_BYTES = 8
_ROOM = 4096
"""Hashes that are compared with each other at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Two items, by position, that look or sound the same, and how much they resemble (`resemblance`, up to 1)."""

    first: int
    second: int
    likeness: float


def near_duplicates(prints: Sequence[Fingerprint | None], *, reach: int = REACH) -> tuple[Near, ...]:
    """Return the near-duplicates among `prints`; an item without a fingerprint is left out.

    Flat pictures and silence resemble nothing. Pairs are in order of position.
    """
    found = []
    for kind in ("audio", "image", "video"):
        own = [i for i, one in enumerate(prints) if one is not None and one.kind == kind]
        words = np.array([_word(prints[i]) for i in own], np.uint64)
        for a, b in _candidates(words, reach):
            first, second = sorted((own[a], own[b]))
            likeness = _likeness(prints[first], prints[second])
            if likeness >= SAME:
                found.append(Near(first=first, second=second, likeness=likeness))
    return tuple(sorted(found, key=lambda near: (near.first, near.second)))


def _word(one: Fingerprint | None) -> int:
    return 0 if one is None else one.word


def _likeness(first: Fingerprint | None, second: Fingerprint | None) -> float:
    return 0.0 if first is None or second is None else resemblance(first, second)


def _candidates(words: NDArray[np.uint64], reach: int) -> Iterator[tuple[int, int]]:
    """Yield pairs of positions, each once, whose hashes agree in a byte and differ in at most `reach` bits."""
    seen: set[tuple[int, int]] = set()
    for byte in range(_BYTES):
        key = (words >> np.uint64(8 * byte)) & np.uint64(255)
        order = np.argsort(key, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
            for start in range(0, bucket.size, _ROOM):
                part = bucket[start : start + _ROOM]
                apart = np.bitwise_count(words[part][:, None] ^ words[bucket][None, :])
                for a, b in np.argwhere(apart <= reach):
                    first, second = int(part[a]), int(bucket[b])
                    if first < second and (first, second) not in seen:
                        seen.add((first, second))
                        yield first, second


def clustered(items: Sequence[Item], near: Iterable[Near]) -> tuple[Item, ...]:
    """Return `items` with near-duplicates in one group, so that no split by group parts them."""
    more: dict[int, set[str]] = defaultdict(set)
    for pair in near:
        name = f"near {items[pair.first].id}"
        more[pair.first].add(name)
        more[pair.second].add(name)
    tied = [replace(item, groups=(*item.groups, *sorted(more[i]))) if more[i] else item for i, item in enumerate(items)]
    return joined(tied)
