"""The ingredients below the active manifest, each examined once."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from ..ingredients import MISSING, UNTRUSTED, Edge, is_broken
from ..report import Codes, as_dict, as_list, as_text, codes_of
from ..verification import State
from .jumbf import RawManifest
from .manifests import Examined, Setting, examine, hash_matches, resolve

_INGREDIENT: Final = "c2pa.ingredient"
_EXAMINED_MOST: Final = 1024  # real chains of edits have some dozens
_EDGES_MOST: Final = 10_000
MISMATCH: Final = "ingredient.manifest.mismatch"
_OWN_STEP: Final = frozenset({MISSING, MISMATCH, "ingredient.hashedURI.mismatch"})


def walk(
    main: Examined, manifests: dict[str, RawManifest], setting: Setting
) -> tuple[tuple[Edge, ...], dict[str, Examined]]:
    """Return every ingredient below a manifest, nearest first, and all manifests that were examined, by label."""
    examined = {main.raw.label: main}
    edges: list[Edge] = []
    waiting = deque([(main, 1)])
    while waiting:
        owner, depth = waiting.popleft()
        for data in _ingredients(owner):
            if len(edges) >= _EDGES_MOST:
                return tuple(edges), examined
            link = as_dict(data.get("activeManifest") or data.get("c2pa_manifest"))
            target = resolve(as_text(link.get("url")), owner.raw.label)[0] if link else ""
            new = target in manifests and target not in examined and len(examined) < _EXAMINED_MOST
            if new:
                examined[target] = examine(manifests[target], setting)
                waiting.append((examined[target], depth + 1))
            edges.append(_edge(owner, data, (link, target, depth), examined.get(target), setting))
    return tuple(edges), examined


def ingredient_codes(main: Examined, edges: tuple[Edge, ...]) -> Codes:
    """Return what the ingredients add to the active manifest's codes: a direct one missing, or changed since."""
    direct = [edge for edge in edges if edge.owner == main.raw.label and not edge.known]
    failure = tuple(code for edge in direct for code in edge.codes if code in _OWN_STEP)
    good = any(edge.target and edge.state is not State.INVALID for edge in direct)
    return Codes(success=("ingredient.manifest.validated",) * good, failure=failure) + Codes()


def redactions(manifests: tuple[RawManifest, ...]) -> frozenset[str]:
    """Return the assertions (`manifest/label`) that claims say they took out of other manifests."""
    from .cbor import CborError, decode

    found = set()
    for one in manifests[:_EXAMINED_MOST]:
        for _, claim in one.claims[:1]:
            try:
                listed = as_list(as_dict(decode(claim)).get("redacted_assertions"))
            except CborError:
                continue
            for url in listed[:_EDGES_MOST]:
                owner, label = resolve(as_text(url), one.label)
                if owner != one.label:  # nobody takes out statements of their own
                    found.add(f"{owner}/{label.removeprefix('c2pa.assertions/')}")
    return frozenset(found)


def _ingredients(owner: Examined) -> list[dict[str, Any]]:
    return [
        as_dict(data)
        for label, data in owner.assertions.items()
        if label.partition("__")[0].partition(".v")[0] == _INGREDIENT
    ]


def _edge(
    owner: Examined,
    data: dict[str, Any],
    link: tuple[dict[str, Any], str, int],
    found: Examined | None,
    setting: Setting,
) -> Edge:
    uri, target, depth = link
    now = Codes()
    if target and found is None:
        now = Codes(failure=(MISSING,))
    elif found is not None:
        now = found.codes
        if not _linked(uri, data, found, owner, setting):
            now += Codes(failure=(MISMATCH,))
    recorded = codes_of(as_dict(data.get("validationResults")).get("activeManifest"))
    recorded += Codes(failure=tuple(as_text(as_dict(one).get("code")) for one in as_list(data.get("validationStatus"))))
    broken = tuple(code for code in dict.fromkeys(recorded.failure + now.failure) if code and is_broken(code))
    if broken:
        state = State.INVALID
    elif not target:
        state = State.ABSENT
    else:
        state = State.UNTRUSTED if UNTRUSTED in now.failure else State.TRUSTED
    return Edge(
        owner=owner.raw.label,
        target=target,
        title=as_text(data.get("dc:title")),
        relationship=as_text(data.get("relationship")),
        state=state,
        codes=broken or ((UNTRUSTED,) if state is State.UNTRUSTED else ()),
        known=bool(broken) and set(broken) <= set(recorded.failure),
        depth=depth,
    )


def _linked(uri: dict[str, Any], data: dict[str, Any], found: Examined, owner: Examined, setting: Setting) -> bool:
    """Tell whether an ingredient is the manifest that was added: by its hash, or by that of its signature.

    The latter is what is left to compare by where statements were taken out of it since.
    """
    if hash_matches(uri, found.raw.body, owner.algorithm, setting.clock):
        return True
    # the first drafts' software hashed the claim alone, which names everything else by its hash
    if owner.claim_version < 2 and found.raw.claims:
        claim = memoryview(found.raw.claims[0][1])
        if hash_matches(uri, claim, owner.algorithm, setting.clock):
            return True
    signature = as_dict(data.get("claimSignature"))
    redacted = any(one.startswith(f"{found.raw.label}/") for one in setting.redacted)
    return redacted and bool(signature) and _signature_matches(signature, found, owner, setting)


def _signature_matches(uri: dict[str, Any], found: Examined, owner: Examined, setting: Setting) -> bool:
    box = found.raw.signature_box
    return box is not None and hash_matches(uri, box, owner.algorithm, setting.clock)
