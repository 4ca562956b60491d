"""A second reader of manifests, which shares no code with c2pa-rs: the same steps, found by itself."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...media.errors import InputError, UnreadableMedia
from ...media.limits import Limits
from .. import steps
from ..container import SIDECAR_ONLY, media_type, read_head
from ..ingredients import UNTRUSTED, Edge
from ..judgement import all_checks, state_of
from ..report import Codes
from ..sources import check_size, detached_manifest, holds_store
from ..trust import Trust
from ..verification import Check, State
from .binding import content_codes
from .facts import action_codes, declared
from .hashes import Clock
from .jumbf import JumbfError, RawManifest, parse_store
from .manifests import Setting, examine
from .stores import Located, Source, StoreError, container_of, find_store
from .tree import ingredient_codes, redactions, walk

if TYPE_CHECKING:
    from ..ocsp import Responders

UNREADABLE: Final = "assay.manifest.unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the second reader found: its state, and the same numbered checks as a verification.

    `state` is `None` where it does not read the format or its kind of hash: it has no opinion then. `facts` holds the
    active manifest's label and the kind of container.
    """

    state: State | None
    checks: tuple[Check, ...]
    facts: dict[str, Any] = field(default_factory=dict)


def second_opinion(
    path: Path,
    *,
    trust: Trust | None = None,
    limits: Limits | None = None,
    now: dt.datetime | None = None,
    sidecar: Path | bytes | None = None,
    responders: Responders | None = None,
) -> Opinion:
    """Return what our own reader finds of a file in jpeg, png, riff (wav, webp, avi) or bmff (mp4, mov, heif, avif).

    With a sidecar, named or beside a format that cannot hold a manifest, any file is read. With `responders`
    authorities are asked whether they withdrew a certificate. Raises `InputError` for
    what is no readable file, `UnreadableMedia` for a damaged one without a manifest, `LimitExceeded` for what is too
    large or takes too long.
    """
    trust, limits = trust or Trust(), limits or Limits()
    head = read_head(path)
    check_size(path, limits)
    mime = _mime(head)
    detached, where = detached_manifest(path, mime, sidecar, limits)
    if not detached and mime in SIDECAR_ONLY:
        return _without("no manifest was found beside the file", State.ABSENT)
    if not detached and container_of(head) is None:
        media_type(head)  # bytes of no known kind are no media
        return _without(f"our own reader does not look into {mime or 'this format'}", None)
    clock = Clock(limits.verify_seconds)
    setting = Setting(trust=trust, now=now or dt.datetime.now(dt.UTC), clock=clock, responders=responders)
    try:
        with path.open("rb") as file:
            source = Source(file, path.stat().st_size, store_most=limits.manifest_bytes)
            located = None if detached else find_store(source)
            store = detached or (located.store if located else b"")
            if not store:
                return _without("no manifest was found in the file", State.ABSENT)
            return _read(source, store, located, setting, where)
    except StoreError as error:
        if error.begun or holds_store(path):
            return _unreadable(where, str(error))
        msg = f"expected a whole file at {str(path)!r}, but its structure is damaged: {error}"
        raise UnreadableMedia(msg) from error
    except OSError as error:
        msg = f"expected a readable file at {str(path)!r}, but: {error.strerror}"
        raise InputError(msg) from error


def _read(source: Source, store: bytes, located: Located | None, setting: Setting, where: str) -> Opinion:
    try:
        found = parse_store(store, most=source.store_most)
    except JumbfError as error:
        return _unreadable(where, str(error))
    if located is not None and located.several:
        return _unreadable(where, "the file holds more than one manifest store")
    manifests = {one.label: one for one in found}
    setting = replace(setting, redacted=redactions(tuple(manifests.values())))
    case = _case(source, manifests, found[-1], located, setting, where)
    checks = all_checks(case)
    facts = {"manifest": found[-1].label, "container": located.container if located else "detached"}
    state = state_of(case, checks)
    held = any(one.step == 10 and one.outcome == "pass" for one in checks)
    # a content that was not held against its hash is nothing to have an opinion on
    return Opinion(state=state if held or state is State.INVALID else None, checks=checks, facts=facts)


def _case(
    source: Source,
    manifests: dict[str, RawManifest],
    active: RawManifest,
    located: Located | None,
    setting: Setting,
    where: str,
) -> steps.Case:
    main = examine(active, setting)
    edges, examined = walk(main, manifests, setting)
    codes = main.codes + content_codes(source, located, main, examined, setting.clock)
    codes += ingredient_codes(main, edges)
    facts = declared(main)
    codes += action_codes(main, facts)
    if setting.responders is not None:
        from ..ocsp import ask_chain, with_asked

        moment = main.signed_at or setting.now
        asked = ask_chain(setting.responders, main.chain, setting.trust.anchors(), (moment, setting.now))
        codes = with_asked(codes, asked, moment)
        facts["revocation"] = [one.to_json() for one in asked]
    return steps.Case(
        codes=codes,
        state=_word(codes, edges),
        chain=main.chain,
        garbled=main.garbled,
        signed_at=main.signed_at,
        now=setting.now,
        trust=setting.trust,
        where=where,
        edges=edges,
        facts=facts,
        older=main.claim_version != 2,
    )


def _word(codes: Codes, edges: tuple[Edge, ...]) -> str:
    """Return c2pa-rs's word for what was found: damage that signers knew of when they added a part does not count."""
    broken = [code for code in codes.failure if code != UNTRUSTED]
    changed_since = [edge for edge in edges if edge.state is State.INVALID and not edge.known]
    return "Invalid" if broken or changed_since else "Valid"


def _mime(head: bytes) -> str | None:
    try:
        return media_type(head)
    except UnreadableMedia:
        return None


def _without(note: str, state: State | None) -> Opinion:
    return Opinion(state=state, checks=tuple(steps.check(n, "not done", note) for n in range(1, 14)))


def _unreadable(where: str, why: str) -> Opinion:
    first = steps.check(1, "pass", f"a manifest was found {where}, or what is left of one")
    second = steps.check(2, "fail", f"the manifest cannot be read: {why}", codes=(UNREADABLE,))
    rest = (steps.check(n, "not done", "the manifest could not be read") for n in range(3, 14))
    return Opinion(state=State.INVALID, checks=(first, second, *rest))
