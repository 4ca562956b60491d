"""Contamination: what a test set shares with the training set, by name, by content and by likeness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..corpus import Item
from .nearness import Near

Sort = Literal["group", "copy", "near-duplicate", "two labels"]
ABOUT: dict[Sort, str] = {
    "group": "the same person, speaker or source on both sides",
    "copy": "the same file on both sides",
    "near-duplicate": "the same picture, sound or film in another form on both sides",
    "two labels": "the same content called bona fide once and spoof once",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Something that is where it must not be: ids of the items, and the splits or labels they are in."""

    sort: Sort
    what: str
    items: tuple[str, ...]
    sides: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """All leaks of a set; `contaminated` is the share of each split's items that leak, by split."""

    found: tuple[Leak, ...]
    contaminated: dict[str, float]

    @property
    def clean(self) -> bool:
        """Whether nothing leaks."""
        return not self.found


def leaks(items: Sequence[Item], *, near: Iterable[Near] = ()) -> Leaks:
    """Return what `items` share across splits: any of their groups, their bytes, and the `near` duplicates.

    An item without a split is on no side. A maker on both sides is no leak: whether makers are held out is a matter of
    the protocol.
    """
    found = [*_groups(items), *_copies(items), *_near(items, near)]
    size: dict[str, int] = defaultdict(int)
    for item in items:
        size[item.split] += bool(item.split)
    split_of = {item.id: item.split for item in items}
    hit: dict[str, set[str]] = defaultdict(set)
    for leak in found:
        for name in leak.items:
            hit[split_of[name]].add(name)
    return Leaks(
        found=tuple(found),
        contaminated={split: len(hit[split]) / count for split, count in sorted(size.items()) if split},
    )


def _groups(items: Sequence[Item]) -> Iterable[Leak]:
    members: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        for name in {item.group, *item.groups} - {""}:
            if item.split:
                members[name].append(item)
    for name, own in sorted(members.items()):
        sides = tuple(sorted({item.split for item in own}))
        if len(sides) > 1:
            yield Leak(sort="group", what=name, items=tuple(item.id for item in own), sides=sides)


def _copies(items: Sequence[Item]) -> Iterable[Leak]:
    same: dict[tuple[str, object], list[Item]] = defaultdict(list)
    for item in items:
        if item.sha256:
            same[item.sha256, item.region].append(item)
    for (digest, _), own in sorted(same.items(), key=lambda pair: pair[0][0]):
        yield from _shared("copy", digest[:16], own)


def _near(items: Sequence[Item], near: Iterable[Near]) -> Iterable[Leak]:
    for pair in near:
        first, second = items[pair.first], items[pair.second]
        if first.sha256 and first.sha256 == second.sha256:
            continue  # told as a copy already, or two regions of one film
        yield from _shared("near-duplicate", f"likeness {pair.likeness:.2f}", [first, second])


def _shared(sort: Sort, what: str, own: Sequence[Item]) -> Iterable[Leak]:
    """Yield what follows from `own` being the same content: in several splits, or under both labels."""
    names = tuple(item.id for item in own)
    sides = tuple(sorted({item.split for item in own if item.split}))
    if len(sides) > 1:
        yield Leak(sort=sort, what=what, items=names, sides=sides)
    labels = tuple(sorted({item.label for item in own}))
    # A fake made of a picture resembles it, so only equal bytes under two labels are a mistake for sure.
    if sort == "copy" and len(labels) > 1:
        yield Leak(sort="two labels", what=what, items=names, sides=labels)
