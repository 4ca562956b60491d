"""The provenance tree: what a file was made from, by whom, when, with what, and whether each part of it holds.

Every text in a tree is a stranger's, and is escaped before it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .verification import State, Verification

Pictures = Mapping[tuple[str, int], bytes]
"""Small JPEGs by manifest label and place: -1 for the manifest's own claim, else the number of the ingredient."""
OWN = -1

IN_WORDS = {
    "digitalCapture": "taken by a camera or recorder",
    "computationalCapture": "taken by a camera, and computed",
    "compositeCapture": "put together from captures",
    "screenCapture": "taken from a screen",
    "virtualRecording": "recorded in a virtual world",
    "negativeFilm": "scanned from a negative",
    "positiveFilm": "scanned from a positive",
    "print": "scanned from a print",
    "digitalCreation": "drawn or written by a person",
    "humanEdits": "edited by a person",
    "composite": "put together from several parts",
    "algorithmicallyEnhanced": "enhanced by an algorithm",
    "algorithmicMedia": "computed, without a trained model",
    "dataDrivenMedia": "computed from data",
    "trainedAlgorithmicMedia": "made by AI",
    "compositeWithTrainedAlgorithmicMedia": "changed, or partly made, by AI",
    "compositeSynthetic": "put together with parts made by AI",
    "trainedAlgorithmicData": "data made by AI",
    "empty": "began empty",
}
"""Digital source types in words, by the last part of their address."""
RELATIONS = {"parentOf": "edited from", "componentOf": "put in", "inputTo": "used as input"}
"""What the owner of an ingredient did with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action as the manifest tells it: its plain name, what kind of source, by which tool, when, and why."""

    name: str
    source: str = ""
    tool: str = ""
    when: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A file or an ingredient. `state` is of its own manifest; `codes` say what is wrong with it.

    `who` is the name in the signer's certificate and `fingerprint` that certificate's SHA-256, `when` the time of
    signing as written (`time_holds` tells if a time stamp vouches for it, `None` where nobody asked), `tool` the
    software that made the claim. `picture` is a small JPEG of our own encoding. `left_out` tells that there may be
    more below it.
    """

    title: str
    state: State
    relation: str = ""
    who: str = ""
    fingerprint: str = ""
    when: str = ""
    time_holds: bool | None = None
    tool: str = ""
    media: str = ""
    deeds: tuple[Deed, ...] = ()
    codes: tuple[str, ...] = ()
    recorded: bool = False
    picture: bytes | None = field(default=None, repr=False)
    parts: tuple[Node, ...] = ()
    left_out: bool = False

    @property
    def broken(self) -> bool:
        """Whether this node itself does not hold."""
        return self.state is State.INVALID

    @property
    def broken_below(self) -> bool:
        """Whether anything that this was made from does not hold."""
        return any(part.broken for _, part in walk(self) if part is not self)

    def __iter__(self) -> Iterator[Node]:
        """Iterate over the node and all below it, depth first."""
        return (node for _, node in walk(self))


def tree_of(verification: Verification, *, name: str, pictures: Pictures | None = None) -> Node:
    """Return the tree of a verified file called `name`."""
    facts = verification.facts
    failed = {code for check in verification.checks if check.outcome == "fail" for code in check.codes}
    own = sorted(failed) if verification.state is State.INVALID else ()
    node = {**facts, "title": name, "state": verification.state.value, "codes": own}
    # The facts are nested at most 32 deep, so this recursion ends
    return _Builder(pictures or {}).node(node, None, holds=bool(facts.get("time_stamp_holds")))


def walk(node: Node, depth: int = 0) -> Iterator[tuple[int, Node]]:
    """Yield the node and all below it with their depth, in the order in which they are told."""
    yield depth, node
    for part in node.parts:
        yield from walk(part, depth + 1)


class _Builder:
    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._with_parts: set[str] = set()

    def node(self, facts: dict[str, Any], picture: bytes | None, *, holds: bool | None) -> Node:
        label = facts.get("manifest") or ""
        told = facts.get("ingredients") or ()
        # The facts tell what a manifest was made from where it stands first, and not again
        left_out = bool(label) and not told and (label in self._with_parts or "ingredients" not in facts)
        if told:
            self._with_parts.add(label)
        pictured = enumerate(told)
        parts = tuple(self.node(one, self._pictures.get((label, number)), holds=None) for number, one in pictured)
        return Node(
            title=facts.get("title") or "",
            state=State(facts["state"]),
            relation=facts.get("relationship") or "",
            who=_who(facts),
            fingerprint=facts.get("certificate_sha256") or "",
            when=facts.get("signed_at") or "",
            time_holds=holds,
            tool=facts.get("claim_generator") or "",
            media=facts.get("format") or "",
            deeds=tuple(_deed(action) for action in facts.get("actions") or ()),
            codes=tuple(facts.get("codes") or ()),
            recorded=bool(facts.get("recorded_by_signer")),
            picture=picture or self._pictures.get((label, OWN)),
            parts=parts,
            left_out=left_out,
        )


def _who(facts: dict[str, Any]) -> str:
    names = (facts.get("common_name") or "", facts.get("issuer") or "")
    return ", ".join(dict.fromkeys(name for name in names if name))


def _deed(action: dict[str, Any]) -> Deed:
    source = (action.get("source_type") or "").strip().rstrip("/").rsplit("/", 1)[-1]
    return Deed(
        name=plain(action.get("action") or ""),
        source=IN_WORDS.get(source, source),
        tool=action.get("software_agent") or "",
        when=action.get("when") or "",
        note=action.get("description") or "",
    )


def plain(action: str) -> str:
    """Return the standard's name of an action in words (c2pa.adjustedColor: adjusted color), others as they are."""
    if not action.startswith("c2pa."):
        return action
    name = action.removeprefix("c2pa.").replace("_", " ").replace(".", " ")
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()
