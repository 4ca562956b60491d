"""What must stay together: items that share an identity, a speaker or a source hang together, directly or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from .corpus import Item


def components(sets: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return the key of each group's component: the least name of all groups that hang together through `sets`.

    A swapped face names two people; whoever shares one with another item must be on the same side of a split, and so
    on (union-find). A group that never occurs beside another is its own key.
    """
    above: dict[str, str] = {}

    def root(name: str) -> str:
        path = []
        while (next_up := above.setdefault(name, name)) != name:
            path.append(name)
            name = next_up
        for step in path:
            above[step] = name
        return name

    for names in sets:
        first = root(names[0])
        for other in names[1:]:
            second = root(other)
            if second != first:
                low, high = sorted((first, second))
                above[high] = first = low
    return {name: root(name) for name in list(above)}


def joined(items: Sequence[Item]) -> tuple[Item, ...]:
    """Return `items` with `group` the key of the component, so that no split by group can leak any of `groups`."""
    key = components(item.groups for item in items)
    return tuple(
        item if item.group == key[item.groups[0]] else replace(item, group=key[item.groups[0]]) for item in items
    )


def sides(groups: Sequence[str], split_of: Mapping[str, str]) -> str:
    """Return the split that all `groups` are in, empty where they are in several: such an item must be left out."""
    found = {split_of[name] for name in groups}
    return found.pop() if len(found) == 1 else ""
