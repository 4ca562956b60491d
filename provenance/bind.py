"""Binds a manifest to the mark that a file carries, and keeps it, so that a stripped copy finds it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ..media.asset import Asset
from ..media.errors import InputError
from ..media.fingerprint import Fingerprint, fingerprint
from ..media.view import View
from .durable import Entry, Store
from .manifest import Action, Ingredient, Manifest, SoftBinding
from .marks import SHARED_KEY, read_marks
from .marks.interface import Mark, MarkError
from .resolver import binding_alg
from .sign import Signed
from .signed_fingerprint import fingerprint_binding

BINDING_URL: Final = "self#jumbf=c2pa.assertions/c2pa.soft-binding"
"""Where the first soft binding of a manifest lies in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What leads back to a manifest: the mark that was read in the file, and the file's fingerprint."""

    mark: Mark
    fingerprint: Fingerprint

    def bind(self, manifest: Manifest, source: Path) -> Manifest:
        """Return `manifest` for the file `source` with mark and fingerprint named in it, and the action that says so.

        c2pa-rs wants the address of the soft binding and takes it without a hash: it salts assertions at signing.
        """
        payload = self.mark.payload or 0
        bindings = (
            SoftBinding(alg=binding_alg(self.mark.scheme), value=f"{payload:016x}"),
            fingerprint_binding(self.fingerprint),
        )
        related: list[dict[str, Any]] = [{"url": BINDING_URL, "hash": ""}]
        marked = Action(name="c2pa.watermarked.bound", parameters={"relatedAssertions": related})
        actions, ingredients = manifest.actions, manifest.ingredients
        if not actions:
            actions = (Action(name="c2pa.opened"),)
        if actions[0].name == "c2pa.opened" and all(one.relationship != "parentOf" for one in ingredients):
            ingredients = (*ingredients, Ingredient(path=source, relationship="parentOf"))
        return replace(manifest, actions=(*actions, marked), ingredients=ingredients, soft_bindings=bindings)

    def keep(self, signed: Signed, store: Store, *, title: str, now: datetime) -> None:
        """Keep the manifest of the signed file in `store`. Raises `InputError` if its id is taken."""
        asset = Asset.open(signed.path)
        entry = Entry(
            id=self.mark.payload or 0,
            manifest=signed.manifest_bytes,
            mime=asset.container.mime,
            sha256=asset.sha256,
            fingerprint=self.fingerprint,
            title=title,
            time=now,
        )
        store.add(entry)


def bound_in(source: Path, store: Store, *, key: bytes = SHARED_KEY) -> Bound:
    """Return what the file `source` can be bound by. Raises `MarkError` if it carries no mark of `key` with an id.

    Raises `InputError` if `store` keeps another manifest under that id, and what decoding raises.
    """
    view = View.open(source)
    mark = next((one for one in read_marks(view, keys=(key,)) if one.payload is not None), None)
    if mark is None or mark.payload is None:
        msg = f"expected a mark with an id in {str(source)!r}, and this key reads none: write one with assay mark first"
        raise MarkError(msg)
    if store.find(mark.payload) is not None:
        msg = (
            f"{store.name} keeps a manifest under the id {mark.payload:016x} already: mark a copy with an id of its own"
        )
        raise InputError(msg)
    return Bound(mark=mark, fingerprint=fingerprint(view))
