"""The numbered steps of a verification, after the order of validation in C2PA 2.x (section 15), from status codes.

Codes are the standard's own, with `assay.` before the few that it has no word for.
"""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from .ingredients import UNTRUSTED, Edge
from .report import Codes
from .trust import Trust
from .verification import Check

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

NAMES: Final = {
    1: "manifest found",
    2: "manifest well formed",
    3: "claim signature",
    4: "certificate profile",
    5: "certificate validity",
    6: "trust",
    7: "time stamp",
    8: "revocation",
    9: "assertions",
    10: "content",
    11: "actions",
    12: "ingredients",
    13: "soft bindings",
    14: "identity",
    15: "mark leads to a manifest",  # from here on only of manifests found through a mark (`recover`)
    16: "manifest names the mark",
    17: "resemblance",
}
# The step that a code belongs to, by the longest prefix that fits; what fits none is about the manifest's form.
_STEP_OF: Final = {
    "claimSignature.": 3,
    "algorithm.": 3,
    "signingCredential.invalid": 4,
    "signingCredential.expired": 5,
    "claimSignature.insideValidity": 5,
    "claimSignature.outsideValidity": 5,
    "signingCredential.trusted": 6,
    "signingCredential.untrusted": 6,
    "timeStamp.": 7,
    "timeOfSigning.": 7,
    "signingCredential.ocsp.": 8,
    "signingCredential.revoked": 8,
    "signingCredential.notRevoked": 8,
    "assertion.": 9,
    "assertion.dataHash.": 10,
    "assertion.bmffHash.": 10,
    "assertion.boxesHash.": 10,
    "assertion.collectionHash.": 10,
    "assertion.multiAssetHash.": 10,
    "hardBindings.": 10,
    "assertion.hardBinding": 10,
    "assertion.action.": 11,
    "ingredient.": 12,
    "assertion.ingredient.": 12,
    "manifest.unknownProvenance": 12,
    "cawg.": 14,
}
_PREFIXES: Final = sorted(_STEP_OF, key=len, reverse=True)
_CODE_MOST: Final = 200  # characters that are looked at: a stranger's manifest may record any text as a code
_EXTRA_BYTES: Final = "additionalExclusionsPresent"
Outcome = Literal["pass", "fail", "not done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the steps look at: the codes of the active manifest, its signer's certificates, and the ingredients."""

    codes: Codes
    state: str
    """c2pa-rs's own word: `Invalid`, `Valid` or `Trusted`."""
    chain: tuple[Certificate, ...]
    garbled: bool
    """The manifest brings certificates, but the signer's cannot be read."""
    signed_at: dt.datetime | None
    """The time of a time stamp that holds; `None` without one."""
    now: dt.datetime
    trust: Trust
    where: str
    edges: tuple[Edge, ...]
    facts: dict[str, Any]
    older: bool
    """The claim is of version 1, which had no rule on the first action."""


def check(step: int, outcome: Outcome, sentence: str, *, codes: tuple[str, ...] = (), remedy: str = "") -> Check:
    """Return the check of a numbered step."""
    return Check(step=step, name=NAMES[step], outcome=outcome, sentence=sentence, codes=codes, remedy=remedy)


def step_of(code: str) -> int:
    """Return the step that a status code belongs to."""
    return _step_of(code[:_CODE_MOST])


@functools.lru_cache(maxsize=1024)
def _step_of(code: str) -> int:
    return next((_STEP_OF[prefix] for prefix in _PREFIXES if code.startswith(prefix)), 2)


def failing(case: Case, step: int) -> tuple[str, ...]:
    """Return the failure codes of a step."""
    return tuple(code for code in case.codes.failure if step_of(code) == step)


def passing(case: Case, step: int) -> tuple[str, ...]:
    """Return the success codes of a step."""
    return tuple(code for code in case.codes.success if step_of(code) == step)


def noted(case: Case, step: int) -> tuple[str, ...]:
    """Return the informational codes of a step."""
    return tuple(code for code in case.codes.informational if step_of(code) == step)


def found(case: Case) -> Check:
    """1: is there a manifest."""
    return check(1, "pass", f"a manifest was found {case.where}")


def well_formed(case: Case) -> Check:
    """2: can the manifest be read as the standard says."""
    codes = failing(case, 2)
    if codes:
        sentence = "the manifest is not built as the standard says: it is damaged, or made by faulty software"
        return check(2, "fail", sentence, codes=codes, remedy="ask the publisher for a fresh copy of the file")
    return check(2, "pass", "the manifest is built as the standard says")


def signature(case: Case) -> Check:
    """3: does the signature belong to the claim."""
    codes = failing(case, 3)
    if codes:
        sentence = "the signature does not fit the manifest: the manifest was changed after it was signed"
        return check(3, "fail", sentence, codes=codes, remedy="do not rely on anything that the manifest says")
    if not passing(case, 3):
        return check(3, "not done", "the signature was not reached: an earlier step failed")
    return check(3, "pass", "the manifest is as its signer left it", codes=passing(case, 3))


def time_stamp(case: Case) -> Check:
    """7: does a time stamp authority vouch for the time of signing."""
    bad = failing(case, 7) + tuple(code for code in noted(case, 7) if code != "timeOfSigning.insideValidity")
    if bad:
        known = "its authority is not known" if bad == ("timeStamp.untrusted",) else "it does not fit the signature"
        sentence = f"there is a time stamp, but {known}: the time of signing is not relied on"
        return check(7, "fail", sentence, codes=bad, remedy="add the time stamp authority to the trust store if known")
    if passing(case, 7):
        when = f" at {case.signed_at:%Y-%m-%d %H:%M:%S} UTC" if case.signed_at else ""
        return check(7, "pass", f"a time stamp authority vouches for the signing{when}", codes=passing(case, 7))
    sentence = "the manifest has no time stamp, so when it was signed is not known: validity is judged at this moment"
    return check(7, "not done", sentence)


def assertions(case: Case) -> Check:
    """9: are the statements as the claim lists them."""
    codes = failing(case, 9)
    if codes:
        sentence = "a statement in the manifest is not as it was when the manifest was signed, or is missing"
        return check(9, "fail", sentence, codes=codes, remedy="do not rely on anything that the manifest says")
    if not passing(case, 9):
        return check(9, "not done", "the statements were not reached: an earlier step failed")
    return check(9, "pass", "every statement in the manifest is as it was when it was signed", codes=passing(case, 9))


def content(case: Case) -> Check:
    """10: is the content the one that was signed (hard binding)."""
    codes = failing(case, 10)
    if codes:
        sentence = "the content is not the content that was signed: it was changed afterwards"
        return check(10, "fail", sentence, codes=codes, remedy="ask the publisher for the file as it was signed")
    codes = passing(case, 10)
    if not codes:
        return check(10, "not done", "the manifest was not held against the content: an earlier step failed")
    extra = tuple(code for code in noted(case, 10) if code.endswith(_EXTRA_BYTES))
    aside = "; the file also has parts that no signature covers, which players skip" if extra else ""
    return check(10, "pass", f"the content is byte for byte the one that was signed{aside}", codes=codes + extra)


def ingredients(case: Case) -> list[Check]:
    """12: the ingredients, each with a check of its own where it is broken."""
    direct = failing(case, 12)
    broken = [edge for edge in case.edges if edge.codes and edge.codes != (UNTRUSTED,)]
    if not case.edges and not direct:
        return [check(12, "not done", "the manifest names no ingredients")]
    signed = sum(bool(edge.target) for edge in case.edges)
    unknown = sum(edge.codes == (UNTRUSTED,) for edge in case.edges)
    plural = "" if len(case.edges) == 1 else "s"
    counts = f"{len(case.edges)} ingredient{plural}, {signed} with a manifest, {unknown} of these by signers not known"
    if not broken and not direct:
        return [check(12, "pass", f"{counts}: none is broken")]
    sentence = f"{counts}: {len(broken)} broken. What this file was made from cannot be relied on"
    remedy = "look at the ingredient itself: the file's own signature does not vouch for it"
    return [check(12, "fail", sentence, codes=direct, remedy=remedy), *_broken(broken)]


def _broken(edges: list[Edge]) -> list[Check]:
    """Return a check for each broken ingredient, the first few."""
    checks = []
    for edge in edges[:20]:
        when = "already when it was added, as the signer recorded" if edge.known else "and the signer did not say so"
        sentence = (
            f"the ingredient {edge.title!r} ({edge.relationship}) does not hold: it was changed or damaged, {when}"
        )
        checks.append(check(12, "fail", sentence, codes=edge.codes))
    return checks


def soft_bindings(case: Case) -> Check:
    """13: marks and fingerprints that the manifest names; they are read elsewhere."""
    bindings = case.facts.get("soft_bindings") or []
    if not bindings:
        return check(13, "not done", "the manifest names no mark or fingerprint")
    names = ", ".join(dict.fromkeys(repr(binding["alg"]) for binding in bindings))
    return check(13, "not done", f"the manifest names a mark or fingerprint ({names}), which was not looked for here")


def identity(case: Case) -> list[Check]:
    """14: identities that people or organisations added (CAWG); no check at all where there is none."""
    bad, good = failing(case, 14), passing(case, 14)
    if bad:
        sentence = (
            "somebody's identity is claimed in the manifest, and the claim does not hold or its signer is unknown"
        )
        return [check(14, "fail", sentence, codes=bad)]
    return [check(14, "pass", "an identity claimed in the manifest holds", codes=good)] if good else []
