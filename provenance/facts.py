"""What a manifest declares, as plain JSON values: all of it a stranger's text, kept apart from what was checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from .ingredients import Edge
from .report import (
    actions_of,
    active_label,
    as_dict,
    as_list,
    as_text,
    assertions_of,
    ingredients_of,
    manifests,
)

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_DEPTH_MOST: Final = 32  # deeper ingredients are checked all the same, and left out of the nested facts
_NODES_MOST: Final = 1000
_VALUE_MOST: Final = 256
_METADATA: Final = ("c2pa.metadata", "cawg.metadata", "stds.iptc", "stds.iptc.photo-metadata", "stds.exif")


def declared(
    report: dict[str, Any], chains: dict[str, tuple[Certificate, ...]], edges: tuple[Edge, ...]
) -> dict[str, Any]:
    """Return what the active manifest declares, its ingredients nested with a state each."""
    label = active_label(report)
    known = manifests(report)
    by_owner: dict[str, list[Edge]] = {}
    for edge in edges:
        by_owner.setdefault(edge.owner, []).append(edge)
    budget = iter(range(_NODES_MOST))
    facts = _manifest(label, known.get(label, {}), chains.get(label, ()))
    facts["format"] = as_text(known.get(label, {}).get("format"))
    facts["instance_id"] = as_text(known.get(label, {}).get("instance_id"))
    facts["claim_version"] = known.get(label, {}).get("claim_version")
    facts["training_mining"] = _training(known.get(label, {}))
    facts["assertions"] = [
        as_text(as_dict(one).get("label")) for one in as_list(known.get(label, {}).get("assertions"))
    ]
    facts["ingredients"] = list(_ingredients(label, known, chains, by_owner, budget))
    return facts


def _manifest(label: str, manifest: dict[str, Any], chain: tuple[Certificate, ...]) -> dict[str, Any]:
    """Return what one manifest says of itself and who signed it."""
    from .profile import describe

    signature = as_dict(manifest.get("signature_info"))
    facts: dict[str, Any] = {
        "manifest": label,
        "title": as_text(manifest.get("title")),
        "claim_generator": _generator(manifest),
        "issuer": as_text(signature.get("issuer")),
        "common_name": as_text(signature.get("common_name")),
        "algorithm": as_text(signature.get("alg")),
        "signed_at": as_text(signature.get("time")) or None,
        "certificate_sha256": None,
        "certificates": [describe(certificate) for certificate in chain],
        "actions": [_action(action) for action in actions_of(manifest)],
        "soft_bindings": list(_bindings(manifest)),
    }
    if chain:
        facts["certificate_sha256"] = facts["certificates"][0]["sha256"]
    source_type = _metadata_source_type(manifest)
    if source_type:
        facts["metadata_source_type"] = source_type
    return facts


def _ingredients(
    owner: str,
    known: dict[str, dict[str, Any]],
    chains: dict[str, tuple[Certificate, ...]],
    by_owner: dict[str, list[Edge]],
    budget: Iterator[int],
) -> Iterator[dict[str, Any]]:
    """Yield the ingredients of a manifest, nested; a manifest that stands above itself or elsewhere is not repeated."""
    formats = [as_text(one.get("format")) for one in ingredients_of(known.get(owner, {}))]
    for edge, media in zip(by_owner.pop(owner, ()), formats, strict=False):
        if next(budget, None) is None:
            return
        node: dict[str, Any] = {
            "title": edge.title,
            "relationship": edge.relationship,
            "format": media,
            "state": edge.state.value,
            "codes": list(edge.codes),
            "recorded_by_signer": edge.known,
        }
        if edge.target in known:
            inner = _manifest(edge.target, known[edge.target], chains.get(edge.target, ()))
            node.update({key: value for key, value in inner.items() if key not in ("title", "certificates")})
            if edge.depth < _DEPTH_MOST:
                node["ingredients"] = list(_ingredients(edge.target, known, chains, by_owner, budget))
        yield node


def _generator(manifest: dict[str, Any]) -> str:
    infos = as_list(manifest.get("claim_generator_info"))
    info = as_dict(infos[0]) if infos else {}
    name, version = as_text(info.get("name")), as_text(info.get("version"))
    return "/".join(part for part in (name, version) if part) or as_text(manifest.get("claim_generator"))


def _action(action: dict[str, Any]) -> dict[str, Any]:
    agent = action.get("softwareAgent")
    made = {
        "action": as_text(action.get("action")),
        "source_type": as_text(action.get("digitalSourceType")) or None,
        "when": as_text(action.get("when")) or None,
        "description": as_text(action.get("description")),
        "software_agent": as_text(agent) or as_text(as_dict(agent).get("name")),
    }
    parameters = {key: value for key, value in as_dict(action.get("parameters")).items() if "ngredient" not in key}
    return {**made, "parameters": parameters} if parameters else made


def _bindings(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for data in assertions_of(manifest, "c2pa.soft-binding"):
        for block in as_list(data.get("blocks")):
            value = as_dict(block).get("value")
            scope = as_dict(as_dict(block).get("scope"))
            yield {"alg": as_text(data.get("alg")), "value": _short(as_text(value)), "scope": scope}


def _short(value: str) -> str:
    """Return a soft binding's value; of a fingerprint, which is long, only how it begins."""
    return value if len(value) <= _VALUE_MOST else f"{value[:32]}... ({len(value)} characters)"


def _training(manifest: dict[str, Any]) -> dict[str, str]:
    return {
        purpose: as_text(as_dict(entry).get("use"))
        for data in assertions_of(manifest, "cawg.training-mining", "c2pa.training-mining")
        for purpose, entry in as_dict(data.get("entries")).items()
    }


def _metadata_source_type(manifest: dict[str, Any]) -> str:
    for data in assertions_of(manifest, *_METADATA):
        value = as_text(data.get("Iptc4xmpExt:DigitalSourceType"))
        if value:
            return value
    return ""
