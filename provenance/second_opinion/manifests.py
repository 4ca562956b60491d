"""One manifest, looked at by ourselves: its claim, the signature over it, and the statements that it lists."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ..ingredients import TRUSTED, UNTRUSTED
from ..profile import fingerprint, is_valid_at, parse_chain
from ..report import Codes, as_dict, as_list, as_text
from ..trust import Trust
from . import cose
from .cbor import CborError, decode
from .hashes import HASHES, Clock, HashError, new_hash
from .jumbf import JumbfError, RawManifest, content, describe
from .revocation import revocation
from .timestamps import stamped

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from ..ocsp import Responders

_CLAIMED_MOST: Final = 20_000
_PREFIX: Final = "self#jumbf="
_CBOR: Final = b"cbor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all manifests of a store are judged by."""

    trust: Trust
    now: dt.datetime
    clock: Clock
    responders: Responders | None = None
    redacted: frozenset[str] = frozenset()
    """Labels of manifests and assertions (`manifest/assertion`) that a later manifest took out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found of one manifest: the codes, the claim, the claimed assertions, and who signed when."""

    raw: RawManifest
    codes: Codes
    claim: dict[str, Any] = field(default_factory=dict)
    claim_version: int = 1
    assertions: dict[str, Any] = field(default_factory=dict)
    """The CBOR of the claimed assertions, by label; those of another form are left out."""
    chain: tuple[Certificate, ...] = ()
    garbled: bool = False
    signed_at: dt.datetime | None = None

    @property
    def algorithm(self) -> object:
        """The hash algorithm where a hashed URI names none."""
        return self.claim.get("alg")


def examine(raw: RawManifest, setting: Setting) -> Examined:
    """Return what is found of a manifest; its hard binding and its ingredients are not looked at."""
    setting.clock.check()
    claim, problem = _claim(raw)
    if problem or len(raw.signatures) != 1:
        failure = (problem,) if problem else ("claimSignature.missing",)
        return Examined(raw=raw, codes=Codes(failure=failure), claim=claim)
    version = 2 if raw.claims[0][0].endswith(".v2") else 1
    statement_codes, assertions = _statements(raw, claim, setting)
    codes = Codes()
    if resolve(as_text(claim.get("signature")), raw.label) != (raw.label, "c2pa.signature"):
        codes += Codes(failure=("claimSignature.missing",))
    try:
        signature = cose.parse_signature(raw.signatures[0])
    except cose.CoseError:
        failed = Codes(failure=("claimSignature.mismatch",))
        return Examined(raw=raw, codes=failed + statement_codes, claim=claim, garbled=True)
    signer = _signer(raw, signature, setting)
    return Examined(
        raw=raw,
        codes=codes + signer.codes + statement_codes,
        claim=claim,
        claim_version=version,
        assertions=assertions,
        chain=signer.chain,
        garbled=not signer.chain,
        signed_at=signer.signed_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    codes: Codes
    chain: tuple[Certificate, ...] = ()
    signed_at: dt.datetime | None = None


def _signer(raw: RawManifest, signature: cose.Signature, setting: Setting) -> _Signer:
    """Return what the signature says of the signer: does it hold, when was it made, who vouches for whom."""
    if signature.algorithm not in cose.ALGORITHMS:
        return _Signer(codes=Codes(failure=("algorithm.unsupported",)))
    chain = parse_chain(signature.chain)
    if not chain:
        return _Signer(codes=Codes(failure=("signingCredential.invalid",)))
    claim = raw.claims[0][1]
    good = cose.holds(signature, chain[0], claim)
    codes = Codes(success=("claimSignature.validated",)) if good else Codes(failure=("claimSignature.mismatch",))
    stamp = stamped(signature, claim, setting.trust.anchors(), legacy=raw.claims[0][0] == "c2pa.claim")
    moment = stamp.moment or setting.now
    if is_valid_at(chain[0], moment):
        codes += Codes(success=("claimSignature.insideValidity",))
    allowed = fingerprint(chain[0]) in setting.trust.allowed
    known = allowed or bool(cose.path_to_anchor(chain, setting.trust.anchors(), moment))
    codes += Codes(success=(TRUSTED,)) if known else Codes(failure=(UNTRUSTED,))
    codes += stamp.codes + revocation(signature, chain, setting.trust.anchors(), moment)
    return _Signer(codes=codes, chain=chain, signed_at=stamp.moment)


def _claim(raw: RawManifest) -> tuple[dict[str, Any], str]:
    """Return the claim, and a code where there is not one that can be read."""
    if len(raw.claims) != 1:
        return {}, "claim.multiple" if raw.claims else "claim.missing"
    try:
        claim = decode(raw.claims[0][1])
    except CborError:
        return {}, "claim.cbor.invalid"
    return (claim, "") if isinstance(claim, dict) else ({}, "claim.malformed")


def claimed(claim: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the hashed URIs that a claim lists, of both versions."""
    names = ("assertions", "created_assertions", "gathered_assertions")
    return [as_dict(one) for name in names for one in as_list(claim.get(name))][:_CLAIMED_MOST]


def _statements(raw: RawManifest, claim: dict[str, Any], setting: Setting) -> tuple[Codes, dict[str, Any]]:
    """Return the codes of the listed assertions, and their contents."""
    success: list[str] = []
    failure: list[str] = []
    found: dict[str, Any] = {}
    listed: set[str] = set()
    for uri in claimed(claim):
        owner, label = resolve(as_text(uri.get("url")), raw.label)
        label = label.removeprefix("c2pa.assertions/")
        if label in listed:
            continue
        listed.add(label)
        if owner != raw.label:
            failure.append("assertion.outsideManifest")
        elif label not in raw.assertions:
            if f"{raw.label}/{label}" not in setting.redacted:
                failure.append("assertion.missing")
        elif f"{raw.label}/{label}" not in setting.redacted:
            found[label], problem = _data(raw.assertions[label])
            failure += [problem] * bool(problem)
            matches = hash_matches(uri, raw.assertions[label], claim.get("alg"), setting.clock)
            (success if matches else failure).append(f"assertion.hashedURI.{'match' if matches else 'mismatch'}")
            failure += ["algorithm.unsupported"] * (uri.get("alg", claim.get("alg")) not in HASHES)
    failure += ["assertion.undeclared"] * bool(set(raw.assertions) - listed)
    failure += ["assertion.multiple"] * bool(raw.repeated)
    return Codes(success=tuple(success), failure=tuple(failure)) + Codes(), found


def _data(body: memoryview) -> tuple[Any, str]:
    """Return the decoded CBOR of an assertion, `None` if it is of another form; and a code if it is broken."""
    try:
        if describe(body)[0] != _CBOR:
            return None, ""
        return decode(content(body)), ""
    except (CborError, JumbfError):
        return None, "assertion.cbor.invalid"


def hash_matches(uri: dict[str, Any], body: memoryview, default: object, clock: Clock) -> bool:
    """Tell whether a hashed URI fits the inside of a box."""
    clock.check()
    try:
        made = new_hash(uri.get("alg") or default)
    except HashError:
        return False
    made.update(body)
    return bool(made.digest() == uri.get("hash"))


def resolve(url: str, own: str) -> tuple[str, str]:
    """Return the manifest and the rest that a JUMBF URI names; `own` is the manifest that it stands in."""
    if not url.startswith(_PREFIX):
        return "", ""
    path = url.removeprefix(_PREFIX).removeprefix("/")
    if path.startswith("c2pa/"):
        owner, _, rest = path.removeprefix("c2pa/").partition("/")
        return owner, rest
    return own, path
