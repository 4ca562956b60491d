"""The steps about the signer and the declared actions: what c2pa-rs leaves open is decided here."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from .ingredients import TRUSTED, UNTRUSTED
from .profile import fingerprint, is_valid_at, issued_by, leaf_faults
from .steps import Case, check, failing, noted, passing
from .vocabulary import (
    DEPRECATED_ACTIONS,
    FIRST_ACTIONS,
    RETIRED_SOURCE_TYPES,
    action_is_known,
    source_type_uri,
)

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from .verification import Check


def profile(case: Case) -> Check:
    """4: may this kind of certificate sign claims. c2pa-rs lets one for time stamps pass."""
    codes = failing(case, 4)
    faults = leaf_faults(case.chain[0]) if case.chain else ("it is damaged",) * case.garbled
    if codes or faults:
        why = f": {'; '.join(faults)}" if faults else ""
        sentence = f"the certificate is not of a kind that may sign manifests{why}"
        return check(4, "fail", sentence, codes=codes or ("signingCredential.invalid",), remedy=_ASK)
    if not case.chain:
        return check(4, "not done", "the certificate could not be read from the manifest")
    return check(4, "pass", f"the certificate is of a kind that may sign manifests; {_LEVEL}")


def validity(case: Case) -> Check:
    """5: was the certificate valid when it signed; without a time stamp that holds, is it valid now."""
    codes = failing(case, 5)
    moment = case.signed_at or case.now
    valid = not case.chain or is_valid_at(case.chain[0], moment)
    if codes or not valid:
        word = "had expired" if not case.chain or case.chain[0].not_valid_after_utc < moment else "was not valid yet"
        sentence = f"the certificate {word}, and no time stamp shows that it was valid when it signed: {_NO_CHANGE}"
        return check(5, "fail", sentence, codes=codes or ("signingCredential.expired",), remedy=_ASK)
    if not case.chain and not passing(case, 5):
        return check(5, "not done", "the certificate could not be read from the manifest")
    word = "was valid when it signed" if case.signed_at else "is valid now"
    return check(5, "pass", f"the certificate {word}", codes=passing(case, 5))


def trusted(case: Case) -> Check:
    """6: does the trust store know the signer, by an authority or by the certificate itself."""
    if case.chain and fingerprint(case.chain[0]) in case.trust.allowed:
        sentence = f"your trust store knows this very certificate (SHA-256 {fingerprint(case.chain[0])})"
        return check(6, "pass", sentence, codes=("assay.signingCredential.allowed",))
    if TRUSTED in case.codes.success:
        anchor = anchor_of(case)
        who = f" (SHA-256 {fingerprint(anchor)})" if anchor else ""
        day = f", dated {case.trust.dated.isoformat()}" if case.trust.dated else ""
        return check(6, "pass", f"an authority in your trust store{day} vouches for the signer{who}", codes=(TRUSTED,))
    if UNTRUSTED not in case.codes.failure and case.state == "Invalid":
        return check(6, "not done", "whether the signer is known was not asked: an earlier step failed")
    empty = "" if case.trust.anchors_pem or case.trust.allowed else ": it is empty"
    sentence = f"your trust store does not know the signer{empty}. This does not mean that anything was changed"
    remedy = "compare the certificate's SHA-256 with one the publisher gives you elsewhere, then add it to the store"
    return check(6, "fail", sentence, codes=(UNTRUSTED,), remedy=remedy)


def revocation(case: Case) -> Check:
    """8: was the signer's certificate, or one above it, withdrawn: by an answer that came along, or asked for."""
    asked = case.facts.get("revocation") or []
    own = asked[0] if asked else {}
    codes = failing(case, 8)
    if codes:
        above = [one for one in asked[1:] if one["revoked_at"]] if own.get("result") != "revoked" else []
        whose = "the certificate of an authority above the signer" if above else "the certificate"
        since = (above[0] if above else own).get("revoked_at")
        when = f" at {since}" if since else ""
        sentence = f"{whose} was withdrawn by its authority{when}: the signature must not be relied on"
        return check(8, "fail", sentence, codes=codes, remedy="ask the publisher to sign the file anew")
    good = passing(case, 8)
    if good and own.get("result") == "revoked":
        sentence = f"the certificate was withdrawn at {own['revoked_at']}, after the time stamp: it held when it signed"
        return check(8, "pass", sentence, codes=good)
    if good:
        when = "now that its authority was asked" if own.get("result") == "good" else "when it was last looked up"
        return check(8, "pass", f"the certificate was not withdrawn {when}", codes=good)
    sentence, remedy = _not_known(own)
    return check(
        8,
        "not done",
        f"whether the certificate was withdrawn is not known: {sentence}",
        codes=noted(case, 8),
        remedy=remedy,
    )


def _not_known(asked: dict[str, Any]) -> tuple[str, str]:
    """Return why it is not known whether a certificate was withdrawn, and what to do."""
    why = asked.get("why", "")
    match asked.get("result"):
        case "unknown":
            return why or "its authority was asked, and does not know it", _ASK
        case "unreachable":
            return f"its authority was asked, and no answer came that holds ({why})", "try again later"
        case "not asked":
            return f"the file brings no answer, and none was asked for ({why})", ""
    return "the file brings no answer, and none is fetched", ""


def anchor_of(case: Case) -> Certificate | None:
    """Return the anchor that the chain leads to."""
    return _anchor_of(case.chain, case.trust.anchors())


@functools.lru_cache(maxsize=64)
def _anchor_of(chain: tuple[Certificate, ...], anchors: tuple[Certificate, ...]) -> Certificate | None:
    return next((top for top in anchors if any(one == top or issued_by(one, top) for one in chain)), None)


def actions(case: Case) -> Check:
    """11: are the declared actions the standard's own. c2pa-rs accepts any name and any source type."""
    codes = failing(case, 11)
    if codes:
        sentence = "the list of actions breaks the standard's rules, for instance on how it must begin"
        return check(11, "fail", sentence, codes=codes, remedy="do not rely on the list of actions")
    declared = case.facts.get("actions") or []
    if not declared:
        return check(11, "not done", "the manifest lists no actions")
    faults = [fault for action in declared for fault in _faults(action, older=case.older)]
    if not case.older and declared[0]["action"] not in FIRST_ACTIONS:
        faults.append(f"the first action is {declared[0]['action']!r} rather than created or opened")
    if faults:
        sentence = f"the list of actions uses words that the standard does not know: {'; '.join(faults[:5])}"
        return check(11, "fail", sentence, codes=(UNKNOWN_WORDS,), remedy="read those actions with care")
    counted = "1 action is" if len(declared) == 1 else f"{len(declared)} actions are"
    return check(11, "pass", f"{counted} listed, all in the standard's words")


def _faults(action: dict[str, str | None], *, older: bool) -> list[str]:
    found = []
    name, source_type = action["action"] or "", action["source_type"]
    if not action_is_known(name) and name not in DEPRECATED_ACTIONS:
        found.append(f"action {name!r}")
    if source_type and source_type_uri(source_type) is None and source_type not in RETIRED_SOURCE_TYPES:
        found.append(f"source type {source_type!r}")
    if name == "c2pa.created" and not source_type and not older:
        found.append("created without a source type")
    return found


UNKNOWN_WORDS: Final = "assay.action.vocabulary"
"""The code of a list of actions that holds, in words that the standard does not know."""
_LEVEL = "which assurance level it was issued for is not read"
_ASK = "ask the publisher to sign the file anew with a certificate that holds"
_NO_CHANGE = "that alone does not show that anything was changed"
