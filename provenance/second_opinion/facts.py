"""What the active manifest declares, as far as the steps need it: actions and soft bindings."""

from __future__ import annotations

from typing import Any

from ..report import Codes, actions_of, as_dict, as_list, as_text, assertions_of
from ..vocabulary import FIRST_ACTIONS
from .manifests import Examined


def declared(found: Examined) -> dict[str, Any]:
    """Return the actions and soft bindings of a manifest; all of it is a stranger's text."""
    manifest = {"assertions": [{"label": label, "data": data} for label, data in found.assertions.items()]}
    actions = [
        {
            "action": as_text(one.get("action")),
            "source_type": as_text(one.get("digitalSourceType")) or None,
            "ingredients": bool(_named_ingredients(as_dict(one.get("parameters")))),
        }
        for one in actions_of(manifest)
    ]
    bindings = [{"alg": as_text(data.get("alg"))} for data in assertions_of(manifest, "c2pa.soft-binding")]
    return {"actions": actions, "soft_bindings": bindings}


def action_codes(found: Examined, facts: dict[str, Any]) -> Codes:
    """Return the codes of the rules on actions, which claims of version 2 must keep (C2PA 2.2, section 18.15.4)."""
    actions = facts["actions"]
    if found.claim_version < 2 or found.raw.kind == b"c2um" or not actions:
        return Codes()
    first = actions[0]["action"]
    if first not in FIRST_ACTIONS or any(one["action"] in FIRST_ACTIONS for one in actions[1:]):
        return Codes(failure=("assertion.action.malformed",))
    if first == "c2pa.opened" and not actions[0]["ingredients"]:
        return Codes(failure=("assertion.action.ingredientMismatch",))
    return Codes()


def _named_ingredients(parameters: dict[str, Any]) -> list[Any]:
    return as_list(parameters.get("ingredients")) or [one for one in (parameters.get("ingredient"),) if one]
