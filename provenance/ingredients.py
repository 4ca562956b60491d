"""Walks every ingredient's manifest: c2pa-rs calls a file trusted although a part of it was tampered with."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Final

from .report import (
    Codes,
    active_label,
    as_dict,
    as_text,
    ingredient_deltas,
    ingredients_of,
    manifests,
    recorded_codes,
)
from .verification import State

UNTRUSTED: Final = "signingCredential.untrusted"
TRUSTED: Final = "signingCredential.trusted"
MISSING: Final = "ingredient.manifest.missing"
# CAWG identities are claims beside the manifest; what is wrong with them breaks no manifest
_ASIDE: Final = ("cawg.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One ingredient of one manifest: where it stands, its own state, and the codes of what is wrong with it.

    `target` is the label of the ingredient's own manifest, empty if it has none; `depth` is 1 for an ingredient of
    the file itself. `known` tells that the signer saw and recorded what is wrong.
    """

    owner: str
    target: str
    title: str
    relationship: str
    state: State
    codes: tuple[str, ...]
    known: bool
    depth: int


def is_broken(code: str) -> bool:
    """Tell whether a failure code speaks of damage, rather than of a signer who is not known."""
    return code != UNTRUSTED and not code.startswith(_ASIDE)


def walk(report: dict[str, Any], allowed: frozenset[str], leaves: dict[str, str]) -> tuple[Edge, ...]:
    """Return every ingredient that hangs below the active manifest, nearest first.

    `leaves` maps manifest labels to the SHA-256 of their signer's certificate, `allowed` are those trusted by it.
    Each manifest is entered once, so shared ingredients cannot make the walk explode.
    """
    known = manifests(report)
    deltas = _all_deltas(report)
    found: list[Edge] = []
    waiting = deque([(active_label(report), 1)])
    entered: set[str] = set()
    while waiting:
        owner, depth = waiting.popleft()
        if owner in entered or owner not in known:
            continue
        entered.add(owner)
        for ingredient in ingredients_of(known[owner]):
            delta = deltas.get((owner, as_text(ingredient.get("label"))), Codes())
            edge = _edge(owner, ingredient, delta, depth)
            if edge.target and edge.target not in known and MISSING not in edge.codes:
                edge = _with_codes(edge, (*edge.codes, MISSING))
            if edge.state is State.UNTRUSTED and leaves.get(edge.target) in allowed:
                edge = _with_state(edge, State.TRUSTED)
            found.append(edge)
            waiting.append((edge.target, depth + 1))
    return tuple(found)


def _all_deltas(report: dict[str, Any]) -> dict[tuple[str, str], Codes]:
    """Return the deltas found now, and those that signers recorded when they added an ingredient with parts."""
    found = ingredient_deltas(report.get("validation_results"))
    for manifest in manifests(report).values():
        for ingredient in ingredients_of(manifest):
            for key, codes in ingredient_deltas(as_dict(ingredient.get("validation_results"))).items():
                found[key] = codes + found.get(key, Codes())
    return found


def _edge(owner: str, ingredient: dict[str, Any], delta: Codes, depth: int) -> Edge:
    target = as_text(ingredient.get("active_manifest"))
    recorded = recorded_codes(ingredient)
    broken = tuple(code for code in dict.fromkeys(recorded.failure + delta.failure) if is_broken(code))
    unknown = UNTRUSTED in recorded.failure + delta.failure and TRUSTED not in delta.success
    if broken:
        state = State.INVALID
    elif not target:
        state = State.ABSENT
    else:
        state = State.UNTRUSTED if unknown else State.TRUSTED
    return Edge(
        owner=owner,
        target=target,
        title=as_text(ingredient.get("title")),
        relationship=as_text(ingredient.get("relationship")),
        state=state,
        codes=broken or ((UNTRUSTED,) if state is State.UNTRUSTED else ()),
        known=bool(broken) and set(broken) <= set(recorded.failure),
        depth=depth,
    )


def _with_state(edge: Edge, state: State) -> Edge:
    return replace(edge, state=state, codes=())


def _with_codes(edge: Edge, codes: tuple[str, ...]) -> Edge:
    return replace(edge, state=State.INVALID, codes=codes)
