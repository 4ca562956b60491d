"""What a manifest will say, checked against the standard's vocabulary, and as the JSON that c2pa-rs builds from."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..media.errors import AssayError, InputError
from ..media.extent import Span
from .vocabulary import (
    FIRST_ACTIONS,
    RELATIONSHIPS,
    TRAINING_PURPOSES,
    TRAINING_USES,
    Relationship,
    action_is_known,
    source_type_uri,
)

_JSON_MOST: Final = 1024**2  # c2pa-rs refuses a longer manifest definition
_THUMBNAIL_MOST: Final = 1024**2  # bytes
# An action that takes ingredients takes all of this relationship, unless it names its own
_TAKES: Final[dict[str, Relationship]] = {
    "c2pa.opened": "parentOf",
    "c2pa.placed": "componentOf",
    "c2pa.created": "inputTo",
}


class SigningError(AssayError):
    """A manifest could not be made or signed, or does not verify once it is."""


class ManifestError(SigningError, InputError):
    """What the manifest was asked to say is not what the standard knows (exit 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that was done to the content.

    `name` is of the C2PA set (`c2pa.created`) or carries its owner's domain (`com.example.blurred`). `source_type`
    is a digitalSourceType, by URI or its last part. `when` has a time zone. `parameters` are plain JSON values.
    """

    name: str
    source_type: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    when: dt.datetime | None = None
    description: str = ""

    def __post_init__(self) -> None:
        """Raise `ManifestError` for a name or source type that the standard does not know."""
        if not action_is_known(self.name):
            msg = f"expected a C2PA action, or a name under your own domain as com.example.blurred, got {self.name!r}"
            raise ManifestError(msg)
        if self.source_type is not None and source_type_uri(self.source_type) is None:
            msg = (
                f"expected an IPTC or C2PA digitalSourceType such as trainedAlgorithmicMedia, got {self.source_type!r}"
            )
            raise ManifestError(msg)
        if self.name == "c2pa.created" and self.source_type is None:
            msg = "c2pa.created needs a source_type: how the content came to be, for instance trainedAlgorithmicMedia"
            raise ManifestError(msg)
        if self.name == "c2pa.watermarked.bound" and not self.parameters.get("relatedAssertions"):
            msg = "c2pa.watermarked.bound needs its soft binding in parameters.relatedAssertions: use .unbound without"
            raise ManifestError(msg)
        if self.when is not None and self.when.tzinfo is None:
            msg = f"expected the time of {self.name} with its time zone, got {self.when.isoformat()}"
            raise ManifestError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """A file that went into the content, and how: its own manifest, if it has one, is carried along."""

    path: Path
    relationship: Relationship
    title: str = ""

    def __post_init__(self) -> None:
        """Raise `ManifestError` for a relationship that the standard does not know."""
        if self.relationship not in RELATIONSHIPS:
            msg = f"expected one of {', '.join(RELATIONSHIPS)} as the relationship, got {self.relationship!r}"
            raise ManifestError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftBinding:
    """A mark or fingerprint that leads back to this manifest: its algorithm, its value as text, and where it lies."""

    alg: str
    value: str
    span: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All that a manifest will say. `generator` and `version` name the program that makes the claim.

    Without `actions` a file is signed as it is: opened, with itself as the parent. `training_mining` maps purposes
    (`cawg.ai_training`) to `allowed`, `notAllowed` or `constrained`. `assertions` are further ones, label to JSON.
    """

    generator: str = "Assay"
    version: str = ""
    title: str = ""
    actions: tuple[Action, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    soft_bindings: tuple[SoftBinding, ...] = ()
    training_mining: dict[str, str] = field(default_factory=dict)
    assertions: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `ManifestError` where the standard's rules on actions, ingredients and labels are broken."""
        if self.actions and self.actions[0].name not in FIRST_ACTIONS:
            msg = f"expected {' or '.join(FIRST_ACTIONS)} as the first action, got {self.actions[0].name}"
            raise ManifestError(msg)
        parents = sum(ingredient.relationship == "parentOf" for ingredient in self.ingredients)
        if parents > 1:
            msg = f"expected one parentOf ingredient at most, got {parents}: what is placed into it is componentOf"
            raise ManifestError(msg)
        for purpose, use in self.training_mining.items():
            if purpose not in TRAINING_PURPOSES or use not in TRAINING_USES:
                known = f"{', '.join(TRAINING_PURPOSES)} as {', '.join(TRAINING_USES)}"
                msg = f"expected training and mining uses of {known}, got {purpose!r}: {use!r}"
                raise ManifestError(msg)
        for label in self.assertions:
            if "." not in label or label.startswith("c2pa."):
                msg = f"expected a label under your own domain such as com.example.note for an assertion, got {label!r}"
                raise ManifestError(msg)

    def definition(self) -> dict[str, Any]:
        """Return the manifest definition for c2pa-rs; ingredients are named `ingredient-0`, `ingredient-1`, ...

        Raises `ManifestError` if an action lacks the ingredient it is about, or the whole is too large.
        """
        assertions: list[dict[str, Any]] = [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [self._action(action) for action in self.actions], "allActionsIncluded": True},
            }
        ]
        assertions += [{"label": "c2pa.soft-binding", "data": _binding(binding)} for binding in self.soft_bindings]
        if self.training_mining:
            entries = {purpose: {"use": use} for purpose, use in self.training_mining.items()}
            assertions.append({"label": "cawg.training-mining", "data": {"entries": entries}})
        assertions += [{"label": label, "data": data, "kind": "Json"} for label, data in self.assertions.items()]
        made: dict[str, Any] = {
            "claim_generator_info": [{"name": self.generator, "version": self.version or _own_version()}],
            "assertions": assertions,
        }
        if self.title:
            made["title"] = self.title
        _check_size(made)
        return made

    def _action(self, action: Action) -> dict[str, Any]:
        made: dict[str, Any] = {"action": action.name}
        if action.source_type is not None:
            made["digitalSourceType"] = source_type_uri(action.source_type)
        if action.when is not None:
            made["when"] = action.when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if action.description:
            made["description"] = action.description
        parameters = dict(action.parameters)
        takes = _TAKES.get(action.name)
        if takes is not None and "ingredientIds" not in parameters:
            ids = [f"ingredient-{n}" for n, one in enumerate(self.ingredients) if one.relationship == takes]
            if not ids and takes != "inputTo":
                msg = f"{action.name} is about a {takes} ingredient, but the manifest has none: add the file it names"
                raise ManifestError(msg)
            if ids:
                parameters["ingredientIds"] = ids
        if parameters:
            made["parameters"] = parameters
        return made


def refuse_thumbnail(data: bytes) -> None:
    """Raise `InputError` for a thumbnail that is no JPEG, or larger than a manifest should carry."""
    if not data.startswith(b"\xff\xd8\xff") or len(data) > _THUMBNAIL_MOST:
        got = f"{len(data)} bytes that begin with {data[:4].hex()}"
        msg = f"expected a JPEG of at most {_THUMBNAIL_MOST} bytes as the thumbnail, got {got}: use jpeg_thumbnail"
        raise InputError(msg)


def _binding(binding: SoftBinding) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    if binding.span is not None:  # C2PA counts a time span in milliseconds
        scope["timespan"] = {"start": round(binding.span.start * 1000), "end": round(binding.span.end * 1000)}
    return {"alg": binding.alg, "blocks": [{"scope": scope, "value": binding.value}], "pad": ""}


def _own_version() -> str:
    from .. import __version__

    return __version__


def _check_size(definition: dict[str, Any]) -> None:
    try:
        size = len(json.dumps(definition).encode())
    except (TypeError, ValueError) as error:
        msg = f"expected plain JSON values in parameters and assertions: {error}"
        raise ManifestError(msg) from error
    if size >= _JSON_MOST:
        msg = f"expected a manifest definition below {_JSON_MOST} bytes, got {size}: keep large data outside of it"
        raise ManifestError(msg)
