"""What kind of asset a manifest declares: made by a model, in part, captured, edited; each with the facts behind it.

The names and the GenAI set of source types follow the C2PA conformance programme's asset rubrics; the rules are read
from the standard's vocabulary of actions and digital source types. A class repeats what signers declared: it is as
good as they are, and as the verification's state. What they do not say is `unknown`, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from .verification import State, Verification
from .vocabulary import GENERATIVE_SOURCE_TYPES

__all__ = ["CLASSES", "AssetClass", "asset_class"]

CLASSES: Final = {
    "fullyGenAIMedia": "made by a trained model, and by nothing else",
    "partlyGenAICreation": "made in part by a trained model",
    "partlyGenAIEdit": "existing media, changed in part by a trained model",
    "capturedMedia": "captured by a camera, microphone or scanner, and not edited since",
    "editedMedia": "captured, and edited since, without a trained model as far as its signers say",
    "humanMadeMedia": "made by a person with digital tools",
    "algorithmicMedia": "computed without a trained model: rendered, recorded from a screen or a virtual scene",
    "compositeMedia": "put together from media of several kinds, without a trained model as far as its signers say",
    "unknown": "its signers do not say how it came to be",
}
"""The classes and their meaning in words."""

_CAPTURED: Final = "captured"
_ALGORITHMIC: Final = "algorithmic"
_HUMAN: Final = "human"
_MIXED: Final = "mixed"
_MODEL: Final = "model"
_PART_MODEL: Final = "part model"
_UNSAID: Final = "unsaid"
_BLANK: Final = "blank"
_KINDS: Final = {
    **dict.fromkeys(["trainedAlgorithmicMedia", "trainedAlgorithmicData"], _MODEL),
    **dict.fromkeys(["compositeWithTrainedAlgorithmicMedia", "compositeSynthetic"], _PART_MODEL),
    **dict.fromkeys(
        ["digitalCapture", "computationalCapture", "compositeCapture", "negativeFilm", "positiveFilm", "print"],
        _CAPTURED,
    ),
    **dict.fromkeys(
        ["algorithmicMedia", "dataDrivenMedia", "screenCapture", "virtualRecording", "softwareImage"], _ALGORITHMIC
    ),
    **dict.fromkeys(["digitalCreation", "digitalArt", "humanEdits", "minorHumanEdits"], _HUMAN),
    "composite": _MIXED,
    "algorithmicallyEnhanced": _MIXED,
    "empty": _BLANK,
}
_GENERATIVE: Final = frozenset(uri.rsplit("/", 1)[-1] for uri in GENERATIVE_SOURCE_TYPES)
# Actions that leave the content what it was, or only say where it came from
_NO_EDIT: Final = frozenset(
    f"c2pa.{name}"
    for name in [
        "created",
        "opened",
        "placed",
        "converted",
        "published",
        "repackaged",
        "transcoded",
        "resized.proportional",
        "edited.metadata",
        "redacted",
        "watermarked",
        "watermarked.bound",
        "watermarked.unbound",
    ]
)
_SIMPLE: Final = {_HUMAN: "humanMadeMedia", _ALGORITHMIC: "algorithmicMedia", _MIXED: "compositeMedia"}
_OF_COPY: Final = "that is said of the file as it was signed, of which this is a changed copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetClass:
    """The class of an asset, in words, and the declared facts that led to it; the facts are strangers' text."""

    name: str
    sentence: str
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fact:
    kind: str
    """One of the kinds above, or `edit` for a change that no model made."""
    text: str
    from_parent: bool = False


def asset_class(verification: Verification) -> AssetClass:
    """Return what kind of asset the manifest of a file, and those of what it was made from, declare."""
    if verification.state in (State.ABSENT, State.INVALID):
        return _made("unknown", f"the manifest is {verification.state.value}: what it says is not counted")
    facts = tuple(_facts(verification.facts, "the file"))
    if not facts:
        return _made("unknown", "the manifest lists no action and no source type")
    name = _name({fact.kind for fact in facts} - {_BLANK}, facts)
    made = _made(name, *(fact.text for fact in facts))
    return replace(made, sentence=f"{made.sentence}; {_OF_COPY}") if "recovered" in verification.facts else made


def _name(kinds: set[str], facts: tuple[_Fact, ...]) -> str:
    if kinds & {_MODEL, _PART_MODEL}:
        if kinds <= {_MODEL, "edit"}:
            return "fullyGenAIMedia"
        existing = {fact.kind for fact in facts if fact.from_parent} - {_BLANK, "edit"}
        changed = existing and not existing & {_MODEL, _PART_MODEL}
        return "partlyGenAIEdit" if changed else "partlyGenAICreation"
    origins = kinds - {"edit"}
    if _UNSAID in origins or not origins:
        return "unknown"
    if len(origins) > 1:
        return "compositeMedia"
    [origin] = origins
    if origin == _CAPTURED:
        return "editedMedia" if "edit" in kinds else "capturedMedia"
    return _SIMPLE[origin]


def _facts(node: dict[str, Any], who: str, *, from_parent: bool = False) -> Iterator[_Fact]:
    """Yield what a manifest says of the content's origin, its own actions first, then what it was made from."""
    actions = node.get("actions", ())
    for number, action in enumerate(actions):
        fact = _of_action(action, who, first=number == 0)
        if fact is not None:
            yield _Fact(*fact, from_parent)
    declared = node.get("metadata_source_type")
    if declared and not actions:
        yield _Fact(_kind(declared), f"the metadata of {who} gives the source type {_last(declared)}", from_parent)
    for part in node.get("ingredients", ()):
        relationship = part.get("relationship", "")
        if relationship == "inputTo":  # a prompt or a reference is not in the content
            continue
        below = from_parent or relationship == "parentOf"
        title = f"{part.get('title', '')!r} ({relationship})"
        if part.get("state") == State.INVALID:
            yield _Fact(_UNSAID, f"{title} is broken: what it says is not counted", below)
            continue
        inner = tuple(_facts(part, title, from_parent=below))
        yield from inner or (_Fact(_UNSAID, f"{title} does not say how it came to be", below),)
    if not node.get("ingredients") and actions and actions[0].get("action") == "c2pa.opened":
        yield _Fact(_UNSAID, f"{who} was opened from something that is not named", from_parent)


def _of_action(action: dict[str, Any], who: str, *, first: bool) -> tuple[str, str] | None:
    """Return the kind and the sentence of an action, `None` if it tells nothing of the content."""
    name, source_type = action.get("action") or "", action.get("source_type")
    with_type = f" with the source type {_last(source_type)}" if source_type else ""
    text = f"{who}: {name}{with_type}"
    if source_type and (_last(source_type) in _GENERATIVE or first or name == "c2pa.created"):
        return _kind(source_type), text
    if name == "c2pa.created":
        return _UNSAID, f"{text} without a source type"
    return None if name in _NO_EDIT else ("edit", text)


def _kind(source_type: str) -> str:
    return _KINDS.get(_last(source_type), _UNSAID)


def _last(source_type: str) -> str:
    return source_type.strip().rstrip("/").rsplit("/", 1)[-1]


def _made(name: str, *because: str) -> AssetClass:
    return AssetClass(name=name, sentence=CLASSES[name], because=because)
