"""The report of c2pa-rs, read with care: a stranger's manifest decides what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

_URI: Final = re.compile(r"self#jumbf=/c2pa/([^/]+)(?:/(.*))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """C2PA status codes of one manifest, as c2pa-rs sorts them; `failure` also holds `signingCredential.untrusted`."""

    success: tuple[str, ...] = ()
    informational: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()

    def __add__(self, other: Codes) -> Codes:
        """Return the codes of both, each once."""
        return Codes(
            success=tuple(dict.fromkeys(self.success + other.success)),
            informational=tuple(dict.fromkeys(self.informational + other.informational)),
            failure=tuple(dict.fromkeys(self.failure + other.failure)),
        )


def as_dict(value: object) -> dict[str, Any]:
    """Return `value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return `value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Return `value` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def codes_of(results: object) -> Codes:
    """Return the codes in an object with the lists `success`, `informational` and `failure`."""
    lists = as_dict(results)
    found = Codes(
        success=tuple(_codes(lists.get("success"))),
        informational=tuple(_codes(lists.get("informational"))),
        failure=tuple(_codes(lists.get("failure"))),
    )
    return found + Codes()


def active_label(report: dict[str, Any]) -> str:
    """Return the label of the active manifest, empty if the report names none."""
    return as_text(report.get("active_manifest"))


def manifests(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return all manifests of the report by label."""
    return {label: as_dict(one) for label, one in as_dict(report.get("manifests")).items()}


def active_codes(report: dict[str, Any]) -> Codes:
    """Return the codes that c2pa-rs gives the active manifest."""
    return codes_of(as_dict(report.get("validation_results")).get("activeManifest"))


def ingredients_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the ingredients of a manifest."""
    return [as_dict(one) for one in as_list(manifest.get("ingredients"))]


def assertions_of(manifest: dict[str, Any], *labels: str) -> Iterator[dict[str, Any]]:
    """Yield the data of the assertions with one of these labels; a label's further instances (`__2`) count too."""
    for one in as_list(manifest.get("assertions")):
        if as_text(as_dict(one).get("label")).partition("__")[0] in labels:
            yield as_dict(as_dict(one).get("data"))


def actions_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all actions of a manifest in order, of both versions of the assertion."""
    return [
        as_dict(action)
        for data in assertions_of(manifest, "c2pa.actions", "c2pa.actions.v2")
        for action in as_list(data.get("actions"))
    ]


def recorded_codes(ingredient: dict[str, Any]) -> Codes:
    """Return what the signer found of an ingredient when adding it, in either version of the assertion."""
    flat = Codes(failure=tuple(_codes(ingredient.get("validation_status"))))
    return flat + codes_of(as_dict(ingredient.get("validation_results")).get("activeManifest"))


def ingredient_deltas(results: object) -> dict[tuple[str, str], Codes]:
    """Return what is found now of each ingredient beyond the recorded, by (manifest label, ingredient label)."""
    found: dict[tuple[str, str], Codes] = {}
    for delta in as_list(as_dict(results).get("ingredientDeltas")):
        match = _URI.fullmatch(as_text(as_dict(delta).get("ingredientAssertionURI")))
        if match:
            key = (match[1], (match[2] or "").removeprefix("c2pa.assertions/"))
            found[key] = found.get(key, Codes()) + codes_of(as_dict(delta).get("validationDeltas"))
    return found


def _codes(statuses: object) -> Iterator[str]:
    for status in as_list(statuses):
        code = as_text(as_dict(status).get("code"))
        if code:
            yield code
