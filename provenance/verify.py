"""Verifies a file: every numbered step, and one state that says no more than they do.

The state is about the file's own manifest. `invalid`: c2pa-rs calls it so (a hash, the signature, the manifest's
form, an ingredient's manifest changed after signing), or its certificate may not sign or is not valid at `now`. An
ingredient that was broken when it was added, as the signer recorded, fails a check of its own and leaves the state as
it is: the file is still what its signer signed. Words unknown to the standard fail the check on actions alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..media.errors import UnreadableMedia
from ..media.limits import Limits
from . import credential_steps as credential
from . import steps
from .container import SIDECAR_ONLY, media_type, read_head
from .context import c2pa_settings
from .facts import declared
from .ingredients import walk
from .judgement import all_checks, state_of
from .profile import fingerprint
from .reader import Reading, Refusal, read_manifest, warm_up
from .report import active_codes, active_label, as_dict, as_text, manifests
from .second_opinion.revocation import with_stapled
from .signers import signers
from .sources import check_size, detached_manifest, holds_store, sidecar_path
from .trust import Trust
from .verification import State, Verification
from .vocabulary import GENERATIVE_SOURCE_TYPES, SYNTHETIC_SOURCE_TYPES

if TYPE_CHECKING:
    from .marks.interface import Mark
    from .ocsp import Responders
    from .remote import RemotePolicy

__all__ = [
    "broken_ingredients",
    "declares_generative",
    "declares_itself_synthetic",
    "declares_synthetic",
    "ingredients_changed",
    "verify",
    "with_marks",
]

# c2pa-rs raises these only once it has found a manifest
_OF_MANIFEST: Final = ("Verify", "Decoding", "Signature", "Assertion", "AssertionNotFound", "Manifest", "Json")


def verify(
    path: Path,
    *,
    trust: Trust | None = None,
    limits: Limits | None = None,
    now: dt.datetime | None = None,
    sidecar: Path | bytes | None = None,
    remote: RemotePolicy | None = None,
    responders: Responders | None = None,
) -> Verification:
    """Return the state of a file's provenance and every step behind it.

    `sidecar` is a detached manifest, or its bytes; where the format cannot hold one, `NAME.c2pa` beside the file is
    read by itself. `now` (with a time zone) is the moment at which validity is judged where no time stamp tells;
    c2pa-rs judges by the machine's clock too, so `now` can only make the verdict stricter. With `remote` a manifest
    that the file only names an address for is fetched, as far as the policy allows; with `responders` authorities are
    asked whether they withdrew a certificate.

    Raises `InputError` for what is no readable file, `UnreadableMedia` for bytes that are no media, `LimitExceeded`
    and `WorkerFailed` where reading is stopped, `RemoteError` for a manifest that may not be, or was not fetched.
    """
    trust, limits = trust or Trust(), limits or Limits()
    warm_up(limits)
    head = read_head(path)
    check_size(path, limits)
    mime = _type_or_none(head)
    manifest, where = detached_manifest(path, mime, sidecar, limits)
    if not manifest and mime in SIDECAR_ONLY:
        return _absent(f"{mime} cannot hold a manifest, and no sidecar lies beside the file")
    settings = c2pa_settings(b"".join(trust.anchors_pem), limits=limits)
    read_as = mime or ("application/octet-stream" if manifest else None)
    reading = read_manifest(path, mime=read_as, settings=settings, manifest=manifest, limits=limits)
    if remote is not None and isinstance(reading, Refusal) and reading.kind == "Remote":
        from .remote import fetch_remote

        address = _address_in(reading)
        policy = replace(remote, bytes_most=min(remote.bytes_most, limits.manifest_bytes))
        manifest, where = fetch_remote(address, policy=policy), f"on the network, at {address!r}"
        reading = read_manifest(path, mime=read_as, settings=settings, manifest=manifest, limits=limits)
    if isinstance(reading, Refusal):
        return _refused(path, head, reading, detached=bool(manifest))
    return _judge(reading, trust, now or dt.datetime.now(dt.UTC), where, responders)


def with_marks(verification: Verification, marks: Iterable[Mark]) -> Verification:
    """Return the verification with step 13 done: are the marks that were read the ones that the manifest names.

    A mark with another id than the manifest binds was moved from another work, or the manifest was. The state stays.
    """
    bound = {str(one["value"]).lower() for one in verification.facts.get("soft_bindings", ())}
    read = {f"{mark.payload:016x}" for mark in marks if mark.payload is not None}
    if not bound:
        return verification
    if not read:
        new = steps.check(13, "not done", "the manifest names a mark, and none with an id was read in the content")
    elif bound & read:
        new = steps.check(13, "pass", f"the mark that the manifest names is in the content ({min(bound & read)})")
    else:
        sentence = "the mark in the content has another id than the manifest names: one of them is of another work"
        new = steps.check(13, "fail", sentence, codes=("assay.softBinding.mismatch",))
    checks = tuple(new if one.step == 13 else one for one in verification.checks)
    return replace(verification, checks=checks)


def declares_synthetic(verification: Verification) -> bool:
    """Tell whether the manifest, or one it is made from, declares content made by a machine, trained or not."""
    return _declares(verification, SYNTHETIC_SOURCE_TYPES)


def declares_generative(verification: Verification) -> bool:
    """Tell whether the manifest, or one it is made from, declares content made or changed by a trained model."""
    return _declares(verification, GENERATIVE_SOURCE_TYPES)


def declares_itself_synthetic(verification: Verification) -> bool:
    """Tell whether the content as a whole, not only a part placed into it, is declared made by a machine."""
    return _declares(verification, SYNTHETIC_SOURCE_TYPES, parts=False)


def broken_ingredients(verification: Verification) -> tuple[str, ...]:
    """Return the titles of the ingredients, at any depth, that do not hold. The titles are a stranger's text.

    Never empty where step 12 fails: one that lies deeper than the facts tell is `(not named)`.
    """
    named = tuple(node["title"] for node in _nodes(verification.facts) if node.get("state") == State.INVALID)
    failed = any(one.step == 12 and one.outcome == "fail" for one in verification.checks)
    return named or ("(not named)",) * failed


def ingredients_changed(verification: Verification) -> bool:
    """Tell whether an ingredient's manifest is missing, or is not the one that the signer saw and recorded as it is."""
    failed = [one for one in verification.checks if one.step == 12 and one.outcome == "fail"]
    broken = [node for node in _nodes(verification.facts) if node.get("state") == State.INVALID]
    recorded = bool(broken) and all(node.get("recorded_by_signer") for node in broken)
    return bool(failed) and (bool(failed[0].codes) or not recorded)


def _declares(verification: Verification, types: frozenset[str], *, parts: bool = True) -> bool:
    last_parts = {uri.rsplit("/", 1)[-1] for uri in types}
    # what merely went into a prompt or a training says nothing of the content itself
    passed_over = ("inputTo",) if parts else ("inputTo", "componentOf")
    for node in (verification.facts, *_nodes(verification.facts, passed_over)):
        said = [action.get("source_type") for action in node.get("actions", ())]
        said.append(node.get("metadata_source_type"))
        if any(one and one.rstrip("/").rsplit("/", 1)[-1] in last_parts for one in said):
            return True
    return False


def _nodes(facts: dict[str, Any], passed_over: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield every ingredient at any depth, but for those of a relationship `passed_over` and what lies below them."""
    for node in facts.get("ingredients", ()):
        if node.get("relationship") not in passed_over:
            yield node
            yield from _nodes(node, passed_over)


def _judge(reading: Reading, trust: Trust, now: dt.datetime, where: str, responders: Responders | None) -> Verification:
    label = active_label(reading.report)
    chains = signers(reading, trust)
    leaves = {name: fingerprint(chain[0]) for name, chain in chains.items() if chain}
    edges = walk(reading.report, trust.allowed, leaves)
    facts = declared(reading.report, chains, edges)
    signed_at = _signed_at(reading.report, label)
    facts["time_stamp_holds"] = signed_at is not None
    facts["embedded"] = reading.embedded
    facts["remote_url"] = reading.remote_url
    facts["trust"] = {"dated": trust.dated.isoformat() if trust.dated else None, "anchors": len(trust.anchors_pem)}
    chain, judged_by = chains.get(label, ()), (trust.anchors(), signed_at or now)
    codes = with_stapled(active_codes(reading.report), reading.store, label, chain, judged_by)
    if responders is not None:
        from .ocsp import ask_chain, with_asked

        asked = ask_chain(responders, chain, trust.anchors(), (signed_at or now, now))
        codes = with_asked(codes, asked, signed_at or now)
        facts["revocation"] = [one.to_json() for one in asked]
    case = steps.Case(
        codes=codes,
        state=reading.state,
        chain=chain,
        garbled=not chain,
        signed_at=signed_at,
        now=now,
        trust=trust,
        where=where,
        edges=edges,
        facts=facts,
        older=manifests(reading.report).get(label, {}).get("claim_version") != 2,
    )
    checks = all_checks(case)
    state = state_of(case, checks)
    anchor = credential.anchor_of(case) if state is State.TRUSTED else None
    facts["anchor_sha256"] = fingerprint(anchor) if anchor is not None else None
    return Verification(state=state, checks=checks, facts=facts)


def _signed_at(report: dict[str, Any], label: str) -> dt.datetime | None:
    """Return the time that a time stamp which holds gives."""
    if "timeStamp.trusted" not in active_codes(report).success:
        return None
    # a manifest with a broken assertion is named as the active one, and left out of the report
    info = as_dict(manifests(report).get(label, {}).get("signature_info"))
    try:
        time = dt.datetime.fromisoformat(as_text(info.get("time")))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def _type_or_none(head: bytes) -> str | None:
    """Return the media type, `None` where only c2pa-rs may know the kind (documents, archives)."""
    try:
        return media_type(head)
    except UnreadableMedia:
        return None


def _refused(path: Path, head: bytes, refusal: Refusal, *, detached: bool) -> Verification:
    """Return what it means that c2pa-rs gave no report. Raises `UnreadableMedia` where that is about the media."""
    if not detached and head[4:8] == b"jumb":
        msg = f"{str(path)!r}: the file is a manifest without its media: verify the media, and name this by --sidecar"
        raise UnreadableMedia(msg)
    if refusal.kind == "ManifestNotFound":
        beside = " (a sidecar lies beside it, and is read when it is named)" if sidecar_path(path).is_file() else ""
        return _absent(f"no manifest was found in the file{beside}")
    if refusal.kind == "Remote":
        address = _address_in(refusal)
        note = "the file only names an address on the network where a manifest may lie, and nothing is fetched"
        return replace(_absent(note), facts={"remote_url": address})
    if detached or refusal.kind in _OF_MANIFEST or holds_store(path):
        first = steps.check(1, "pass", "a manifest was found, or what is left of one")
        sentence = (
            f"the manifest cannot be read: it is damaged, or of a draft of the standard ({refusal.message[:120]!r})"
        )
        remedy = "ask the publisher for a fresh copy of the file"
        second = steps.check(2, "fail", sentence, codes=("assay.manifest.unreadable",), remedy=remedy)
        rest = (steps.check(n, "not done", "the manifest could not be read") for n in range(3, 14))
        return Verification(state=State.INVALID, checks=(first, second, *rest))
    try:
        mime = media_type(head)
    except UnreadableMedia as error:
        msg = f"{str(path)!r}: {error}"
        raise UnreadableMedia(msg) from error
    if refusal.kind == "NotSupported":
        return _absent(f"a manifest in {mime} cannot be read, and no sidecar was given")
    msg = f"expected a whole {mime} file at {str(path)!r}, but its structure is damaged: {refusal.message[:120]!r}"
    raise UnreadableMedia(msg)


def _address_in(refusal: Refusal) -> str:
    """Return the address that c2pa-rs would have fetched from."""
    return refusal.message.rpartition(" ")[2]


def _absent(note: str) -> Verification:
    first = steps.check(
        1,
        "not done",
        f"{note}: there is nothing to check, and that says nothing about the file, true or false",
        remedy="look for the file where it was first published; a mark in the content may lead to its manifest",
    )
    rest = (steps.check(n, "not done", "there is no manifest to check") for n in range(2, 14))
    return Verification(state=State.ABSENT, checks=(first, *rest))
