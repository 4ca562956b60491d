"""Finds the manifest of a stripped copy through the id in its mark, and says whether it really is this file's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..media.errors import AssayError
from ..media.fingerprint import Fingerprint, fingerprint
from ..media.limits import DEFAULT_LIMITS, Limits
from ..media.resemblance import OTHER, SAME, resemblance
from ..media.view import View
from .container import media_type, read_head
from .credential_steps import UNKNOWN_WORDS
from .durable import Store
from .finders import Candidate, Finder, LocalFinder, Recovery
from .marks import read_marks
from .marks.interface import Mark
from .signed_fingerprint import signed_fingerprint
from .steps import NAMES
from .trust import Trust
from .verification import BORROWED, Check, State, Verification, is_borrowed
from .verify import ingredients_changed, verify

__all__ = ["BORROWED", "is_borrowed", "recover", "verify_or_recover"]

_MARK: Final = 15
_NAMED: Final = 16
_LIKENESS: Final = 17
_CONTENT: Final = 10
_ACTIONS: Final = 11
_MUST_HOLD: Final = (1, 2, 3, 4, 5, 8, 9)
"""Steps of the found manifest that must not fail, beside actions and ingredients: not the copy's bytes, not trust."""
_RANK: Final = {state: rank for rank, state in enumerate((State.RECOVERED, State.UNTRUSTED, State.INVALID))}
_CANDIDATES_MOST: Final = 4  # manifests that one mark may lead to


def verify_or_recover(
    path: Path,
    *,
    recovery: Recovery | None,
    trust: Trust | None = None,
    limits: Limits = DEFAULT_LIMITS,
    verified: Verification | None = None,
    view: View | None = None,
) -> Verification:
    """Return what the file's own manifest says; without one, what a manifest says that its mark leads to.

    Only a file without manifest is decoded. That no mark was found, or that marks could not be read or a place could
    not be asked, is told in step 15 and changes nothing else. `verified` is what `verify` said, where it was asked
    before. Raises what `verify` raises.
    """
    verified = verified or verify(path, trust=trust, limits=limits)
    if recovery is None or not recovery.finders or verified.state is not State.ABSENT:
        return verified
    try:
        view = view or View.open(path, limits=limits)
        marks = read_marks(view, keys=recovery.keys)
        found = recover(path, marks, recovery.finders, view=view, trust=trust, limits=limits)
    except AssayError as error:
        why = f"a manifest was not looked for through the mark: {error}"
        return replace(verified, checks=(*verified.checks, _check(_MARK, "not done", why)))
    if found.state is State.ABSENT and "recovered" not in found.facts:
        facts = {**verified.facts, **found.facts}
        return replace(verified, checks=(*verified.checks, *found.checks), facts=facts)
    return found


def recover(
    path: Path,
    marks: Sequence[Mark],
    where: Store | Sequence[Finder],
    *,
    view: View | None = None,
    trust: Trust | None = None,
    limits: Limits | None = None,
    now: dt.datetime | None = None,
) -> Verification:
    """Return what the manifest that `marks` lead to says about the stripped copy at `path`.

    `recovered`: found at `where`, its signature holds and is trusted, it names this very mark, and the content
    resembles what was signed (byte for byte it cannot be the same, that step is then `not done`). `untrusted`: all of
    that, by a signer not known. `invalid`: the credential was borrowed from another asset, or the manifest that was
    kept is broken. `absent`: no mark leads to a manifest, or the likeness is too weak to say.

    The first place that keeps a manifest for a mark decides; if it gives several, the one that says most counts.
    `view` shares decoding with others. Raises what `verify`, decoding and the places raise.
    """
    finders = (LocalFinder(where),) if isinstance(where, Store) else where
    found = _first(marks, finders)
    if found is None:
        return _nothing(marks)
    mark, candidates = found
    limits = limits or Limits()
    own = fingerprint(view or View.open(path, limits=limits))
    case = _Case(path=path, mark=mark, others=_other_ids(mark, marks), print=own, trust=trust, limits=limits, now=now)
    judged = [_judge(case, candidate) for candidate in candidates[:_CANDIDATES_MOST]]
    return min(judged, key=lambda one: _RANK.get(one.state, len(_RANK)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    path: Path
    mark: Mark
    others: tuple[str, ...]
    print: Fingerprint
    trust: Trust | None
    limits: Limits
    now: dt.datetime | None

    @property
    def id(self) -> str:
        return f"{self.mark.payload:016x}"


def _first(marks: Sequence[Mark], finders: Sequence[Finder]) -> tuple[Mark, Sequence[Candidate]] | None:
    """Return the manifests of the first place that keeps any. Raises what a place raised if none does.

    One that cannot be asked keeps no other from being asked.
    """
    fault: AssayError | None = None
    for mark in marks:
        if mark.payload is None:
            continue
        for finder in finders:
            try:
                candidates = finder.candidates(mark)
            except AssayError as error:
                fault = fault or error
                continue
            if candidates:
                return mark, candidates
    if fault is not None:
        raise fault
    return None


def _other_ids(mark: Mark, marks: Sequence[Mark]) -> tuple[str, ...]:
    ids = {one.payload for one in marks if one.payload is not None} - {mark.payload}
    return tuple(f"{one:016x}" for one in sorted(ids))


def _judge(case: _Case, candidate: Candidate) -> Verification:
    base = verify(case.path, trust=case.trust, limits=case.limits, now=case.now, sidecar=candidate.manifest)
    mime = media_type(read_head(case.path))
    signed = signed_fingerprint(case.path, candidate.manifest, mime=mime, limits=case.limits)
    kept = signed or candidate.fingerprint
    likeness = None if kept is None else resemblance(kept, case.print)
    own = (_led(case, candidate), _named(case, base.facts), _resembles(likeness, signed=signed is not None))
    told = {
        "scheme": case.mark.scheme,
        "id": case.id,
        "p_false_alarm": case.mark.p_false_alarm,
        "likeness": None if likeness is None else round(likeness, 3),
        "fingerprint_signed": signed is not None,
        "from": candidate.where,
        **candidate.facts,
    }
    checks = tuple(_excused(check) for check in base.checks) + own
    facts = {**base.facts, "recovered": told}
    found = Verification(state=_state(base, own, likeness), checks=checks, facts=facts)
    # what a borrowed manifest declares, and who signed it, is not said of this file
    return replace(found, facts={"recovered": told, "borrowed": base.facts}) if is_borrowed(found) else found


def _state(base: Verification, own: tuple[Check, ...], likeness: float | None) -> State:
    broken = any(check.outcome == "fail" and _counts(check) for check in base.checks) or ingredients_changed(base)
    signed = any(check.outcome == "pass" and check.step == 3 for check in base.checks)
    if broken or not signed or own[1].outcome == "fail":
        return State.INVALID
    if likeness is None:
        return State.ABSENT
    if likeness < OTHER:
        return State.INVALID
    if likeness < SAME:
        return State.ABSENT
    known = any(check.outcome == "pass" and check.step == 6 for check in base.checks)
    return State.RECOVERED if known else State.UNTRUSTED


def _counts(check: Check) -> bool:
    """Tell whether a manifest whose check failed does not hold; words that the standard does not know break nothing."""
    return check.step in _MUST_HOLD or (check.step == _ACTIONS and UNKNOWN_WORDS not in check.codes)


def _led(case: _Case, candidate: Candidate) -> Check:
    sentence = f"the mark {case.mark.scheme} carries the id {case.id}, under which {candidate.where} keeps a manifest"
    if case.others:
        sentence += f"; another mark in the file carries {', '.join(case.others)}: part of it may be of another work"
    return _check(_MARK, "pass", sentence)


def _named(case: _Case, facts: dict[str, Any]) -> Check:
    """Return whether the manifest itself names the mark: else anybody's manifest could be put under this id."""
    bindings = [one for one in facts.get("soft_bindings", ()) if isinstance(one, dict)]
    told = [(str(one.get("alg", "")), str(one.get("value", ""))) for one in bindings]
    if any(alg.endswith(case.mark.scheme) and value == case.id for alg, value in told):
        return _check(_NAMED, "pass", "the signed manifest names this mark and this id (soft binding)")
    sentence = "the manifest that is kept under this id does not name this mark: it was made for another file"
    return _check(_NAMED, "fail", sentence, code="assay.softBinding.mismatch")


def _resembles(likeness: float | None, *, signed: bool) -> Check:
    if likeness is None:
        sentence = "the manifest carries no signed fingerprint, so whether it is this file's cannot be told"
        return _check(_LIKENESS, "not done", sentence, remedy="ask the publisher to sign it with one")
    whose = "signed in the manifest" if signed else "kept beside it in your own store"
    measured = f"(fingerprint {whose}; likeness {likeness:.2f}; from {SAME} on the same, below {OTHER} another)"
    if likeness >= SAME:
        return _check(_LIKENESS, "pass", f"the content resembles what was signed {measured}")
    if likeness >= OTHER:
        sentence = f"the content resembles what was signed too little to be sure {measured}"
        return _check(_LIKENESS, "not done", sentence, remedy="look for a larger or less altered copy")
    return _check(
        _LIKENESS,
        "fail",
        f"credential borrowed from another asset: the mark leads to a manifest of something that looks or sounds "
        f"different {measured}",
        code=BORROWED,
        remedy="do not believe the credential: somebody may have copied the mark onto this content",
    )


def _excused(check: Check) -> Check:
    """Return the content step as `not done`: a copy that lost its manifest is not the signed bytes any more."""
    if check.step != _CONTENT or check.outcome != "fail":
        return check
    sentence = "this copy was stripped or encoded again, so its bytes cannot be the signed ones: see the resemblance"
    return replace(check, outcome="not done", sentence=sentence, remedy="")


def _nothing(marks: Sequence[Mark]) -> Verification:
    ids = ", ".join(f"{mark.payload:016x}" for mark in marks if mark.payload is not None)
    sentence = f"no manifest is kept under {ids}" if ids else "the content carries no mark with an id"
    check = _check(_MARK, "not done", f"{sentence}: that says nothing about the file, true or false")
    return Verification(state=State.ABSENT, checks=(check,), facts={"marks": ids} if ids else {})


def _check(step: int, outcome: Any, sentence: str, *, code: str = "", remedy: str = "") -> Check:  # noqa: ANN401 - a literal
    codes = (code,) if code else ()
    return Check(step=step, name=NAMES[step], outcome=outcome, sentence=sentence, codes=codes, remedy=remedy)
