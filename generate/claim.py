"""What the manifest of a published draft says: what was done, with which files, in which order, by which program.

It names no person: consents stand there by their random ids, files under neutral titles, and no path. Files that
carry a manifest of their own bring it along (C2PA 2.2, ingredients).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ..media.fingerprint import Fingerprint
from ..provenance.bind import BINDING_URL
from ..provenance.manifest import Action, Ingredient, Manifest, SoftBinding
from ..provenance.resolver import binding_alg
from ..provenance.signed_fingerprint import fingerprint_binding
from .finish import Stamp, kind_of, scheme_name
from .interface import Draft, PublishError, Scope

ASSERTION: Final = "dev.assay.generation"
"""Our own assertion: engine, settings, scope, the ids of the consents, and that the mark is not a registered one."""
_TITLES: Final = {"parentOf": "original", "componentOf": "face put in", "inputTo": "reference"}
_WHAT: Final = {
    Scope.VOICE_CLONE: "speech in a cloned voice",
    Scope.FACE_SWAP: "a face was replaced",
    Scope.REENACT: "a face was driven by another's movements",
    Scope.AVATAR: "a talking avatar",
}


def soft_binding(draft: Draft, stamp: Stamp) -> SoftBinding:
    """Return how the mark leads back to the manifest: the scheme, and the id as 16 hexadecimal digits."""
    return SoftBinding(alg=binding_alg(scheme_name(draft)), value=stamp.content_id)


def claim(draft: Draft, stamp: Stamp, consents: Sequence[str], look: Fingerprint) -> Manifest:
    """Return the manifest of `draft`, whose finished media has the fingerprint `look`.

    Raises `PublishError` if its settings would give a local path away.
    """
    _refuse_paths(draft)
    binding = soft_binding(draft, stamp)
    told = {
        "engine": draft.engine,
        "scope": str(draft.scope),
        "settings": draft.settings,
        "consents": list(consents),
        "mark": {"alg": binding.alg, "note": "not registered in the C2PA list of soft binding algorithms"},
    }
    return Manifest(
        title=draft.title or _WHAT[draft.scope],
        actions=tuple(_actions(draft, stamp)),
        ingredients=_ingredients(draft),
        soft_bindings=(binding, fingerprint_binding(look)),
        assertions={ASSERTION: told},
    )


def _actions(draft: Draft, stamp: Stamp) -> Iterator[Action]:
    """Yield what the draft says was done, then what publishing adds: encoding, label, mark.

    The SDK wants the address of the soft binding and takes it without a hash. A true hash cannot be given: it salts
    every assertion at signing, after the actions are written.
    """
    for name in draft.actions:
        own = name in {"c2pa.created", "c2pa.edited"}
        yield Action(
            name=name,
            source_type=draft.source_type if own else None,
            when=stamp.made,
            description=_WHAT[draft.scope] if own else "",
        )
    if kind_of(draft) == "audio":
        yield _labelled("c2pa.edited", stamp, "an audible notice was put before the speech")
    else:
        yield _labelled("c2pa.addedText", stamp, "a visible label was put on")
    if draft.actions[0] == "c2pa.opened":
        yield Action(name="c2pa.transcoded", when=stamp.made)
    related: list[dict[str, Any]] = [{"url": BINDING_URL, "hash": ""}]
    yield Action(name="c2pa.watermarked.bound", when=stamp.made, parameters={"relatedAssertions": related})


def _labelled(name: str, stamp: Stamp, description: str) -> Action:
    return Action(name=name, source_type="algorithmicMedia", when=stamp.made, description=description)


def _ingredients(draft: Draft) -> tuple[Ingredient, ...]:
    """Return every file once, whoever is in it."""
    files: dict[tuple[Path, str], Ingredient] = {}
    for source in draft.sources:
        files[source.path, source.relationship] = Ingredient(
            path=source.path, relationship=source.relationship, title=_TITLES[source.relationship]
        )
    return tuple(files.values())


def _refuse_paths(draft: Draft) -> None:
    texts = [draft.engine, draft.title, *draft.settings, *draft.settings.values()]
    parts = {str(place) for source in draft.sources for place in (source.path, source.path.resolve().parent)} - {"/"}
    for text in texts:
        if any(part in text for part in parts):
            msg = f"what the manifest says must hold no local path, got {text!r}"
            raise PublishError(msg)
