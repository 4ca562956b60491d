"""`assay sign`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, cast

import typer

from .options import escaped, read_file
from .recovery import StoreOption

if TYPE_CHECKING:
    from ...provenance.bind import Bound
    from ...provenance.certs import Credentials
    from ...provenance.durable import Store
    from ...provenance.sign import Ingredient
    from ...provenance.vocabulary import Relationship


def sign(
    source: Annotated[Path, typer.Argument(help="The file to sign; it is left as it is.")],
    destination: Annotated[Path, typer.Argument(help="Where the signed copy is written.")],
    *,
    source_type: Annotated[
        str | None,
        typer.Option("--source-type", help="How it came to be: digitalCapture, trainedAlgorithmicMedia, ..."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title in the manifest; else the file's name.")] = None,
    ingredient: Annotated[
        list[str] | None,
        typer.Option("--ingredient", help="RELATIONSHIP=FILE (parentOf, componentOf, inputTo); repeatable."),
    ] = None,
    training: Annotated[
        str | None, typer.Option("--training", help="May AI be trained on it: allowed, notAllowed or constrained.")
    ] = None,
    certs: Annotated[Path | None, typer.Option("--certs", help="Folder of key and certificates.")] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Private key (PEM, may be encrypted), or its label in --token.")
    ] = None,
    chain: Annotated[
        Path | None, typer.Option("--chain", help="Certificates of that key (PEM), the signer's first.")
    ] = None,
    passphrase: Annotated[
        Path | None, typer.Option("--passphrase", help="File whose first line unlocks the key, or is the PIN.")
    ] = None,
    token: Annotated[str | None, typer.Option("--token", help="Label of the PKCS#11 token that holds the key.")] = None,
    module: Annotated[
        Path | None, typer.Option("--pkcs11", help="The token's PKCS#11 module (.so); its PIN is in --passphrase.")
    ] = None,
    sidecar: Annotated[
        str, typer.Option("--sidecar", help="Manifest beside the file (.c2pa): auto, always or never.")
    ] = "auto",
    timestamp: Annotated[str | None, typer.Option("--timestamp", help="Address of an RFC 3161 time stamper.")] = None,
    thumbnail: Annotated[
        bool, typer.Option("--thumbnail", help="Put a small JPEG of the picture, or first frame, into the manifest.")
    ] = False,
    bind: Annotated[
        bool,
        typer.Option("--bind", help="Name the mark that the source carries, and keep the manifest in the store."),
    ] = False,
    mark_key: Annotated[
        Path | None, typer.Option("--mark-key", help="File of the key of that mark; else everybody's.")
    ] = None,
    store: StoreOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite the destination if it is there.")] = False,
) -> None:
    """Sign a copy of a file with a C2PA manifest.

    With --source-type the manifest says c2pa.created with that type; without, it says c2pa.opened
    and names the source as its parent. A manifest that the source has is kept as an ingredient.
    Formats that cannot hold a manifest get a sidecar (.c2pa) beside them. With --bind a copy that lost
    the manifest finds it again through its mark (assay mark writes one).
    """
    from ... import __version__
    from ...media.errors import InputError
    from ...provenance.sign import Action, Manifest, sign_file

    if sidecar not in ("auto", "always", "never"):
        msg = f"expected --sidecar auto, always or never, got {sidecar!r}"
        raise InputError(msg)

    actions = (Action(name="c2pa.created", source_type=source_type),) if source_type else ()
    uses = {f"cawg.{use}": training for use in ("ai_training", "ai_generative_training")} if training else {}
    manifest = Manifest(
        version=__version__,
        title=title or source.name,
        actions=actions,
        ingredients=tuple(_ingredient(text) for text in ingredient or ()),
        training_mining=uses,
    )
    binding = _Binding.of(source, store, mark_key) if bind else None
    signed = sign_file(
        source,
        destination,
        manifest if binding is None else binding.bound.bind(manifest, source),
        _credentials(certs, _Key(key, chain, passphrase, token, module)),
        timestamp_url=timestamp,
        sidecar=cast("Literal['auto', 'always', 'never']", sidecar),
        replace_existing=replace,
        thumbnail=_thumbnail(source) if thumbnail else None,
    )
    if binding is not None:
        binding.bound.keep(signed, binding.store, title=manifest.title, now=datetime.now(UTC))
    typer.echo(str(signed.path))
    if signed.sidecar is not None:
        typer.echo(str(signed.sidecar))


class _Binding(NamedTuple):
    bound: Bound
    store: Store

    @classmethod
    def of(cls, source: Path, where: str | None, key: Path | None) -> _Binding:
        """Return the mark and the look of `source`, and the store, which must not hold the id yet."""
        from ...provenance.bind import bound_in
        from ...provenance.durable import Store
        from ...provenance.marks.keys import SHARED_KEY, load_key

        store = Store(where)
        return cls(bound_in(source, store, key=load_key(key) if key else SHARED_KEY), store)


class _Key(NamedTuple):
    key: str | None
    chain: Path | None
    passphrase: Path | None
    token: str | None
    module: Path | None


def _credentials(certs: Path | None, given: _Key) -> Credentials:
    """Return the key and certificates to sign with. No secret is taken from the command line, where others see it."""
    from ...media.errors import InputError
    from ...provenance.certs import load_credentials, read_credentials

    secret = None
    if given.passphrase is not None:
        secret = read_file(given.passphrase, what="a passphrase").partition(b"\n")[0].rstrip(b"\r")
    if given.key is None and given.chain is None and given.token is None and given.module is None:
        return load_credentials(certs, passphrase=secret)
    if given.key is None or given.chain is None or certs is not None or (given.token is None) != (given.module is None):
        msg = "expected --key and --chain together, for a token with --token and --pkcs11 too; or --certs alone"
        raise InputError(msg)
    chain = read_file(given.chain, what="certificates")
    if given.token is None or given.module is None:
        return read_credentials(chain, read_file(Path(given.key), what="a private key"), passphrase=secret)
    from ...provenance.token import token_credentials

    pin = (secret or b"").decode()
    return token_credentials(given.module, device=given.token, key=given.key, pin=pin, chain_pem=chain)


def _thumbnail(source: Path) -> bytes:
    from ...media.errors import InputError
    from ...provenance.thumbnails import jpeg_thumbnail

    made = jpeg_thumbnail(source)
    if made is None:
        msg = f"expected a picture or a film for --thumbnail, but {escaped(source)} shows nothing: sign it without"
        raise InputError(msg)
    return made


def _ingredient(text: str) -> Ingredient:
    from ...media.errors import InputError
    from ...provenance.sign import Ingredient

    relationship, equals, path = text.partition("=")
    if not equals:
        msg = f"expected an ingredient as RELATIONSHIP=FILE, such as componentOf=face.jpg, got {text!r}"
        raise InputError(msg)
    return Ingredient(path=Path(path), relationship=cast("Relationship", relationship))
