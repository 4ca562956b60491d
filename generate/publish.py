"""The one door out: nothing made leaves but consented, labelled, marked, signed, and read back from the disk.

The steps, in this order; none can be skipped, and a failure in any leaves nothing behind:

1. everybody whose face or voice went in consents, to this use, with these very files;
2. a label that people see or hear is put on;
3. the mark with a random 64-bit id is embedded;
4. the media is encoded, into a container that holds a manifest;
5. the labels that programs read are written into the metadata;
6. the manifest, which names mark and fingerprint, is made and signed, in a folder beside `out` only for the owner;
7. the file is opened again from the disk: trusted, the mark gives the id, all labels are there (`proof`);
8. the store, and the log if there is one, take the entry;
9. consent is asked once more, for it may have been revoked meanwhile, and the file gets its name;
   the log's receipt appears beside it with it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sqlite3
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import rfc8785

from ..media.asset import Asset
from ..media.errors import AssayError, InputError
from ..media.view import View
from ..provenance.certs import Credentials
from ..provenance.durable import Entry, Fingerprint, Store, fingerprint
from ..provenance.labels.interface import Label
from ..provenance.ledger import Ledger, Receipt
from ..provenance.marks.interface import Mark
from ..provenance.marks.keys import SHARED_KEY
from ..provenance.receipts import receipt_place
from ..provenance.sign import sign_file
from ..provenance.trust import Trust
from ..provenance.verification import Verification
from .claim import claim
from .consent import ConsentBook, ConsentError, Refusal, file_sha256
from .finish import Stamp, container_for, finish
from .interface import Draft, PublishError
from .place import away, check_place, closed_room, put, put_beside
from .proof import prove
from .seal import need_aware, write_time

_TRIES = 8
"""Random ids that are tried before the source of randomness is called broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A file that left: where it is, the id in its mark, its SHA-256, what was read back from it, and the consents.

    `receipt` is the log's, which lies beside the file too (`NAME.EXT.receipt`); `None` where no log was given.
    """

    path: Path
    payload: int
    sha256: str
    verification: Verification
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    consents: tuple[str, ...]
    receipt: Receipt | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """All that publishing needs beside the draft."""

    book: ConsentBook
    credentials: Credentials
    trust: Trust
    store: Store
    ledger: Ledger | None
    key: bytes
    now: datetime
    rng: np.random.Generator


def publish(
    draft: Draft,
    out: Path,
    *,
    book: ConsentBook,
    credentials: Credentials,
    trust: Trust,
    store: Store,
    ledger: Ledger | None = None,
    key: bytes = SHARED_KEY,
    now: datetime,
    rng: np.random.Generator,
    replace: bool = False,
) -> Published:
    """Write `draft` to `out`, labelled, marked with a random id and signed; the container is that of `out`'s suffix.

    With a `ledger`, its receipt lies beside the file as `NAME.EXT.receipt`: both appear, or neither. Without one, the
    receipt of a file that is replaced goes with that file.

    Raises `InputError` if `out` or the receipt exists (unless `replace`), is one of the draft's own sources or has a
    suffix that cannot hold a manifest; `ConsentError` if anybody's consent does not serve; `PublishError` if another
    step fails. Then nothing was written, and an older file and receipt are as they were.
    """
    desk = _Desk(book=book, credentials=credentials, trust=trust, store=store, ledger=ledger, key=key, now=now, rng=rng)
    _need_real(draft, desk)
    container = container_for(draft, out)
    for place in (out, receipt_place(out)):
        check_place(place, [source.path for source in draft.sources], replace=replace)
    try:
        return _publish(draft, out, desk, container=container, replace=replace)
    except (ConsentError, PublishError):
        raise
    except (AssayError, OSError, ValueError, ArithmeticError, RuntimeError, MemoryError, sqlite3.Error) as error:
        msg = f"nothing was published: {error}"
        raise PublishError(msg) from error


def _publish(draft: Draft, out: Path, desk: _Desk, *, container: str, replace: bool) -> Published:
    begun = time.monotonic()
    consents = _consents(draft, desk)
    stamp = Stamp(container=container, payload=_new_payload(desk), key=desk.key, made=desk.now)
    with closed_room(out.parent) as room:
        plain, signed = room / f"plain{out.suffix}", room / f"signed{out.suffix}"
        plain.write_bytes(finish(draft, stamp))
        look = fingerprint(View.open(plain))
        manifest = sign_file(plain, signed, claim(draft, stamp, consents, look), desk.credentials, sidecar="never")
        proof = prove(signed, draft, stamp, trust=desk.trust, now=desk.now)
        published = Published(
            path=out,
            payload=stamp.payload,
            sha256=file_sha256(signed),
            verification=proof.verification,
            marks=proof.marks,
            labels=proof.labels,
            consents=consents,
            receipt=_enter(signed, look, stamp, manifest.manifest_bytes, desk),
        )
        # A long film takes long to make: consent is asked at the moment that the file leaves.
        _consents(draft, dataclasses.replace(desk, now=desk.now + timedelta(seconds=time.monotonic() - begun)))
        with _beside(published, room, replace=replace):
            put(signed, out, replace=replace)
    return published


def _beside(published: Published, room: Path, *, replace: bool) -> AbstractContextManager[None]:
    """Return what keeps the log's receipt, and no other, beside the file, if what is done meanwhile succeeds."""
    place = receipt_place(published.path)
    if published.receipt is None:
        return away(place, room) if replace else nullcontext()
    made = room / "receipt"
    made.write_bytes(published.receipt.to_text().encode())
    return put_beside(made, place, replace=replace)


def _need_real(draft: Draft, desk: _Desk) -> None:
    """Refuse stand-ins: an object of a subclass could answer every question with yes."""
    wanted = (
        (draft, Draft),
        (desk.book, ConsentBook),
        (desk.credentials, Credentials),
        (desk.trust, Trust),
        (desk.store, Store),
        (desk.ledger, type(None) if desk.ledger is None else Ledger),
        (desk.key, bytes),
    )
    for given, kind in wanted:
        if type(given) is not kind:
            msg = f"publishing needs a {kind.__name__} and no stand-in, got {type(given).__name__}"
            raise InputError(msg)
    need_aware(desk.now)


def _consents(draft: Draft, desk: _Desk) -> tuple[str, ...]:
    """Return the ids of the consents that serve. Raises `ConsentError` if one is lacking for any person and file."""
    ids = []
    for source in draft.sources:
        if file_sha256(source.path) != source.sha256:
            msg = f"the {source.relationship} file was changed after the draft was made from it: make it again"
            raise ConsentError(msg, Refusal.OTHER_REFERENCE)
        consent = desk.book.require(
            source.subject, draft.scope, purpose=draft.purpose, source_sha256=source.sha256, now=desk.now
        )
        ids.append(consent.id)
    return tuple(dict.fromkeys(ids))


def _new_payload(desk: _Desk) -> int:
    """Return a random id that the store does not hold yet."""
    for _ in range(_TRIES):
        payload = int(desk.rng.integers(1, 2**64, dtype=np.uint64, endpoint=False))
        if desk.store.find(payload) is None:
            return payload
    msg = f"{_TRIES} random ids in a row were in use: the source of randomness is broken"
    raise PublishError(msg)


def _enter(signed: Path, look: Fingerprint, stamp: Stamp, manifest: bytes, desk: _Desk) -> Receipt | None:
    """Keep the manifest under its id; log the id and the hashes. Raises what store and log raise."""
    asset = Asset.open(signed)
    entry = Entry(
        id=stamp.payload,
        manifest=manifest,
        mime=asset.container.mime,
        sha256=asset.sha256,
        fingerprint=look,
        time=desk.now,
    )
    desk.store.add(entry)
    if desk.ledger is None:
        return None
    told = {
        "format": "assay-published/1",
        "id": stamp.content_id,
        "sha256": asset.sha256,
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "time": write_time(desk.now),
    }
    return desk.ledger.add(rfc8785.dumps(told))
