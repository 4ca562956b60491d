"""Splits that do not leak: whole groups on one side, makers held out, decided by a seeded hash."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from .corpus import ChoiceError, Item

DEFAULT_SHARES: Mapping[str, float] = {"train": 0.7, "calibration": 0.15, "test": 0.15}


def draw(key: str, seed: int) -> float:
    """Return a number in 0..1 that depends on `key` and `seed` alone (SHA-256), the same on every machine."""
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def assign(
    items: Sequence[Item],
    *,
    seed: int,
    shares: Mapping[str, float] = DEFAULT_SHARES,
    unseen_makers: Collection[str] = (),
) -> tuple[Item, ...]:
    """Return `items` with their split; a group is never divided, and adding a group moves no other.

    Every group that holds a spoof by one of `unseen_makers` goes to the last split, whole. Raises `CorpusError` if the
    shares do not sum to 1.
    """
    if not shares or abs(sum(shares.values()) - 1) > 1e-9 or min(shares.values()) < 0:
        msg = f"expected shares of at least 0 that sum to 1, got {dict(shares)}"
        raise ChoiceError(msg)
    held = {item.group for item in items if item.maker in unseen_makers and item.spoof}
    last = list(shares)[-1]
    return tuple(
        replace(item, split=last if item.group in held else _share(draw(item.group, seed), shares)) for item in items
    )


def _share(number: float, shares: Mapping[str, float]) -> str:
    """Return the name of the share in which `number` (0..1) falls."""
    reached = 0.0
    for name, share in shares.items():
        reached += share
        if number < reached:
            return name
    return list(shares)[-1]


def group_folds(items: Sequence[Item], *, folds: int, seed: int) -> tuple[int, ...]:
    """Return the fold, 0 to `folds` - 1, of each item: groups are dealt, largest first, to the emptiest fold.

    Bona fide and spoof items are levelled apart so that each fold holds both where the groups allow it; ties are
    settled by the seeded hash. Raises `CorpusError` with fewer groups than folds.
    """
    members: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for item in items:
        members[item.group][item.spoof] += 1
    if folds < 2 or len(members) < folds:
        msg = f"expected at least 2 folds and as many groups, got {folds} folds for {len(members)} groups"
        raise ChoiceError(msg)
    load = [[0, 0] for _ in range(folds)]
    where = {}
    for group in sorted(members, key=lambda name: (-sum(members[name]), draw(name, seed))):
        real, spoof = members[group]
        best = min(range(folds), key=lambda fold: (real * load[fold][0] + spoof * load[fold][1], sum(load[fold]), fold))
        where[group] = best
        load[best][0] += real
        load[best][1] += spoof
    return tuple(where[item.group] for item in items)


def unseen(
    items: Sequence[Item], *, folds: int, seed: int, known: Collection[str] = ()
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (train, test) positions in `items`; each item is in one test, and its group and maker not in that train.

    A bona fide item has no maker, so only its group is withheld; so it is for the makers that are `known` on purpose,
    such as those that training makes its own fakes with.
    """
    fold_of = group_folds(items, folds=folds, seed=seed)
    for fold in range(folds):
        test = [i for i, where in enumerate(fold_of) if where == fold]
        makers = {items[i].maker for i in test if items[i].spoof} - set(known)
        train = [i for i, where in enumerate(fold_of) if where != fold and items[i].maker not in makers]
        yield train, test
