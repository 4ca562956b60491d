"""Signs a file: manifest in, verified file (or file and sidecar) out, in one step or not at all."""

from __future__ import annotations

import io
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from ..media.errors import InputError, UnreadableMedia
from ..media.limits import Limits
from ..media.sniff import HEAD_BYTES
from .atomic import settle, temporary
from .certs import Credentials
from .container import media_type, read_head
from .context import c2pa_settings
from .manifest import Action, Ingredient, Manifest, SigningError, SoftBinding, refuse_thumbnail
from .signer import named_failures, native_signer
from .sources import detached_manifest, sidecar_path

if TYPE_CHECKING:
    import c2pa

__all__ = [
    "Action",
    "Ingredient",
    "Manifest",
    "Signed",
    "SigningError",
    "SoftBinding",
    "can_embed",
    "sidecar_path",
    "sign_file",
]

_THUMBNAIL: Final = "thumbnail.jpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed file: where it lies, its sidecar if the manifest is detached, the manifest store, its active label."""

    path: Path
    sidecar: Path | None
    manifest_bytes: bytes
    label: str


def can_embed(mime: str) -> bool:
    """Tell whether a manifest can be put into a file of this media type; else it goes into a sidecar."""
    import c2pa

    return mime in c2pa.Builder.get_supported_mime_types()


def sign_file(
    source: Path,
    destination: Path,
    manifest: Manifest,
    credentials: Credentials,
    *,
    timestamp_url: str | None = None,
    sidecar: Literal["auto", "always", "never"] = "auto",
    replace_existing: bool = False,
    thumbnail: bytes | None = None,
) -> Signed:
    """Sign `source` into `destination`, read the result back, and only then give it its name.

    A manifest that `source` carries is kept: it becomes the parent of the new one. `sidecar` is `auto` where only a
    format that cannot hold a manifest gets a `.c2pa` file beside it. An existing destination, be it the source
    itself, is replaced only if `replace_existing`. `timestamp_url` names an RFC 3161 authority, the one use of the
    network. `thumbnail` is a JPEG that goes into the manifest as it is (`jpeg_thumbnail` makes one).

    Raises `InputError` for a file that cannot be read or a thumbnail that is no JPEG, `UnreadableMedia` for a file
    that is no media, `SigningError` if the manifest contradicts itself or the file, or if the result does not verify;
    nothing is left behind then.
    """
    mime = media_type(read_head(source))
    detached = sidecar == "always" or (sidecar == "auto" and not can_embed(mime))
    if sidecar == "never" and not can_embed(mime):
        msg = f"a manifest cannot be put into {mime}: sign it with a sidecar, or convert it"
        raise SigningError(msg)
    beside = sidecar_path(destination) if detached else None
    _refuse_existing((destination, beside), allowed=replace_existing)
    settings = _settings(credentials, timestamp_url)
    manifest = _with_parent(manifest, source, mime, settings)
    with temporary(destination) as file:
        store = _build(source, file, _Job(manifest, credentials, settings, mime, detached, timestamp_url, thumbnail))
        label = _read_back(file, store if detached else b"", settings, trusted=bool(credentials.anchor_pem))
        shutil.copymode(source, file.name)
        if beside is not None:
            with temporary(beside) as sheet:
                sheet.write(store)
                shutil.copymode(source, sheet.name)
                settle(sheet, beside)
        settle(file, destination)
    return Signed(path=destination, sidecar=beside, manifest_bytes=store, label=label)


@dataclass(frozen=True, slots=True)
class _Job:
    manifest: Manifest
    credentials: Credentials
    settings: dict[str, Any]
    mime: str
    detached: bool
    timestamp_url: str | None
    thumbnail: bytes | None

    def definition(self) -> dict[str, Any]:
        made = self.manifest.definition()
        if self.thumbnail is not None:
            refuse_thumbnail(self.thumbnail)
            made["thumbnail"] = {"format": "image/jpeg", "identifier": _THUMBNAIL}
        return made


def _build(source: Path, file: IO[bytes], job: _Job) -> bytes:
    """Write the signed content to `file` and return the manifest store."""
    import c2pa

    with (
        native_signer(job.credentials, job.timestamp_url) as signer,
        c2pa.Context.from_dict(job.settings) as context,
        c2pa.Builder(job.definition(), context=context) as builder,
    ):
        for number, ingredient in enumerate(job.manifest.ingredients):
            _add_ingredient(builder, ingredient, f"ingredient-{number}", context)
        if job.thumbnail is not None:
            builder.add_resource(_THUMBNAIL, io.BytesIO(job.thumbnail))
        if job.detached:
            builder.set_no_embed()
        with source.open("rb") as stream:
            store: bytes = builder.sign(signer, job.mime, stream, file)
    return store


def _add_ingredient(builder: c2pa.Builder, ingredient: Ingredient, label: str, context: c2pa.Context) -> None:
    import c2pa

    mime = _any_type(ingredient.path)
    title = ingredient.title or ingredient.path.name
    made: dict[str, Any] = {"title": title, "relationship": ingredient.relationship, "label": label}
    with ingredient.path.open("rb") as stream:
        store = _sidecar_of(ingredient.path, mime)
        if store:
            # The library looks for a manifest in the file only, and takes a detached one with what was found of it
            with c2pa.Reader(mime, stream, store, context=context) as reader:
                report = json.loads(reader.json())
            builder.add_resource(label, io.BytesIO(store))
            made["manifest_data"] = {"format": "application/c2pa", "identifier": label}
            made["active_manifest"] = report["active_manifest"]
            made["validation_results"] = report["validation_results"]
            stream.seek(0)
        builder.add_ingredient(made, mime, stream)


def _any_type(path: Path) -> str:
    """Return the media type of an ingredient, which may be anything: a prompt, a project file."""
    try:
        return media_type(read_head(path))
    except UnreadableMedia:
        return "application/octet-stream"


def _sidecar_of(path: Path, mime: str) -> bytes:
    """Return the manifest beside a file that cannot hold one, empty if there is none."""
    return detached_manifest(path, mime, None, Limits())[0]


def _with_parent(manifest: Manifest, source: Path, mime: str, settings: dict[str, Any]) -> Manifest:
    """Return the manifest with the source as its parent, where it has a manifest of its own or nothing else is said."""
    if any(ingredient.relationship == "parentOf" for ingredient in manifest.ingredients):
        return manifest
    if manifest.actions and not _carries_manifest(source, mime, settings):
        return manifest
    if manifest.actions and manifest.actions[0].name != "c2pa.opened":
        msg = (
            f"{str(source)!r} carries a manifest already, which {manifest.actions[0].name} would drop: "
            "begin the actions with c2pa.opened, so that it is kept as the parent"
        )
        raise SigningError(msg)
    parent = Ingredient(path=source, relationship="parentOf")
    actions = manifest.actions or (Action(name="c2pa.opened"),)
    return replace(manifest, actions=actions, ingredients=(*manifest.ingredients, parent))


def _carries_manifest(source: Path, mime: str, settings: dict[str, Any]) -> bool:
    """Tell whether a file has a manifest. Raises `SigningError` if it has one that cannot be read or kept."""
    import c2pa

    if _sidecar_of(source, mime):
        return True
    with source.open("rb") as stream, c2pa.Context.from_dict(settings) as context:
        try:
            with c2pa.Reader(mime, stream, context=context):
                return True
        except (c2pa.C2paError.ManifestNotFound, c2pa.C2paError.NotSupported):
            return False
        except c2pa.C2paError as error:
            msg = f"{str(source)!r} cannot be signed, its content or its own manifest cannot be read: {error}"
            raise SigningError(msg) from error


def _read_back(file: IO[bytes], detached: bytes, settings: dict[str, Any], *, trusted: bool) -> str:
    """Return the active label of the written file. Raises `SigningError` unless it verifies as it must."""
    import c2pa

    file.flush()
    file.seek(0)
    mime = media_type(file.read(HEAD_BYTES))
    file.seek(0)
    with (
        named_failures(),
        c2pa.Context.from_dict(settings) as context,
        c2pa.Reader(mime, file, detached or None, context=context) as reader,
    ):
        state = reader.get_validation_state()
        found = reader.get_validation_results() or {}
        label = str((reader.get_active_manifest() or {}).get("label", ""))
    codes = [entry.get("code", "") for entry in found.get("activeManifest", {}).get("failure", [])]
    if state != ("Trusted" if trusted else "Valid"):
        msg = f"the file was signed but does not verify ({', '.join(codes) or state}); it was not kept"
        raise SigningError(msg)
    return label


def _settings(credentials: Credentials, timestamp_url: str | None) -> dict[str, Any]:
    settings = c2pa_settings(credentials.anchor_pem, limits=Limits())
    if timestamp_url is not None:
        address = urlsplit(timestamp_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            msg = f"expected the http or https address of a time stamp authority, got {timestamp_url!r}"
            raise InputError(msg)
        settings["core"]["allowed_network_hosts"] = [address.netloc]
    return settings


def _refuse_existing(paths: tuple[Path | None, ...], *, allowed: bool) -> None:
    for path in paths:
        if path is not None and not allowed and (path.exists() or path.is_symlink()):
            msg = f"{str(path)!r} exists: give another name, or ask for it to be replaced"
            raise InputError(msg)
