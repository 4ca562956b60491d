"""Which hard binding holds the content, and what it says."""

from __future__ import annotations

from ..report import Codes, as_dict, as_text
from .bmff import bmff_hash
from .boxhash import boxes_hash
from .hashes import Clock, HashError, binding_kind, data_hash
from .manifests import Examined, resolve
from .stores import Located, Source

_UPDATE = b"c2um"
_UPDATES_MOST = 1000


def content_codes(
    source: Source, located: Located | None, main: Examined, examined: dict[str, Examined], clock: Clock
) -> Codes:
    """Return the codes of the content: its hash stands in the active manifest, or below it if that is an update."""
    owner = main
    for _ in range(_UPDATES_MOST):
        if owner.raw.kind != _UPDATE:
            break
        below = _parent(owner)
        if below not in examined:
            return Codes(failure=("claim.hardBindings.missing",))
        owner = examined[below]
    bindings = {label: data for label, data in owner.assertions.items() if binding_kind(label)}
    if len(bindings) != 1:
        several = "assertion.multipleHardBindings" if bindings else "claim.hardBindings.missing"
        return Codes(failure=(several,)) if owner.claim else Codes()
    label, data = next(iter(bindings.items()))
    kind, binding = binding_kind(label), as_dict(data)
    try:
        if kind == "data":
            grown = owner is not main
            return data_hash(source, binding, located, clock, default=owner.algorithm, grown=grown)
        if kind == "bmff":
            return bmff_hash(source, label, binding, clock, default=owner.algorithm) or Codes()
        if kind == "boxes":
            return boxes_hash(source, binding, located, clock, default=owner.algorithm)
    except HashError:
        return Codes(failure=(f"assertion.{kind}Hash.malformed",))
    return Codes()  # a binding of another kind: the step is not done


def _parent(update: Examined) -> str:
    """Return the label of the manifest that an update is about."""
    for label, data in update.assertions.items():
        if label.partition("__")[0].startswith("c2pa.ingredient") and as_dict(data).get("relationship") == "parentOf":
            link = as_dict(as_dict(data).get("activeManifest") or as_dict(data).get("c2pa_manifest"))
            return resolve(as_text(link.get("url")), update.raw.label)[0]
    return ""
