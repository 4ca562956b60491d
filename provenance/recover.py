"""Finds the manifest of a stripped copy through the id in its mark, and says whether it really is this file's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..media.limits import Limits
from ..media.view import View
from .durable import Entry, Store
from .fingerprint import fingerprint
from .marks.interface import Mark
from .resemblance import OTHER, SAME, resemblance
from .trust import Trust
from .verification import Check, State, Verification
from .verify import verify

_MARK: Final = 15
_NAMED: Final = 16
_LIKENESS: Final = 17
_CONTENT: Final = 10
_NAMES: Final = {_MARK: "mark leads to a manifest", _NAMED: "manifest names the mark", _LIKENESS: "resemblance"}
_MUST_HOLD: Final = (1, 2, 3, 4, 5, 9)
"""Steps of the found manifest that must not fail: all that is not about the bytes of this copy, and not trust."""


def recover(
    path: Path,
    marks: Sequence[Mark],
    store: Store,
    *,
    view: View | None = None,
    trust: Trust | None = None,
    limits: Limits | None = None,
    now: dt.datetime | None = None,
) -> Verification:
    """Return what the manifest that `marks` lead to says about the stripped copy at `path`.

    `recovered`: found in `store`, its signature holds and is trusted, it names this very mark, and the content
    resembles what was signed (byte for byte it cannot be the same, that step is then `not done`). `untrusted`: all of
    that, by a signer not known. `invalid`: the credential was borrowed from another asset, or the manifest that was
    kept is broken. `absent`: no mark leads to a manifest, or the likeness is too weak to say.

    `view` shares decoding with others. Raises what `verify` and decoding raise.
    """
    limits = limits or Limits()
    found = next(((mark, entry) for mark in marks if (entry := _entry(mark, store)) is not None), None)
    if found is None:
        return _nothing(marks)
    mark, entry = found
    base = verify(path, trust=trust, limits=limits, now=now, sidecar=entry.manifest)
    view = view or View.open(path, limits=limits)
    likeness = resemblance(entry.fingerprint, fingerprint(view))
    own = (
        _check(_MARK, "pass", f"the mark {mark.scheme} carries the id {entry.id:016x}, under which a manifest is kept"),
        _named(mark, entry, base.facts),
        _resembles(likeness),
    )
    state = _state(base, own, likeness)
    facts = {
        **base.facts,
        "recovered": {
            "scheme": mark.scheme,
            "id": f"{entry.id:016x}",
            "p_false_alarm": mark.p_false_alarm,
            "likeness": round(likeness, 3),
            "published_sha256": entry.sha256,
            "published_at": entry.time.isoformat(),
            "published_title": entry.title,
        },
    }
    checks = tuple(_excused(check) for check in base.checks) + own
    return Verification(state=state, checks=checks, facts=facts)


def _entry(mark: Mark, store: Store) -> Entry | None:
    return None if mark.payload is None else store.find(mark.payload)


def _state(base: Verification, own: tuple[Check, ...], likeness: float) -> State:
    broken = any(check.outcome == "fail" and check.step in _MUST_HOLD for check in base.checks)
    signed = any(check.outcome == "pass" and check.step == 3 for check in base.checks)
    if broken or not signed or own[1].outcome == "fail" or likeness < OTHER:
        return State.INVALID
    if likeness < SAME:
        return State.ABSENT
    known = any(check.outcome == "pass" and check.step == 6 for check in base.checks)
    return State.RECOVERED if known else State.UNTRUSTED


def _named(mark: Mark, entry: Entry, facts: dict[str, Any]) -> Check:
    """Return whether the manifest itself names the mark: else anybody's manifest could be put under this id."""
    bindings = [one for one in facts.get("soft_bindings", ()) if isinstance(one, dict)]
    told = [(str(one.get("alg", "")), str(one.get("value", ""))) for one in bindings]
    if any(alg.endswith(mark.scheme) and value == f"{entry.id:016x}" for alg, value in told):
        return _check(_NAMED, "pass", "the signed manifest names this mark and this id (soft binding)")
    sentence = "the manifest that is kept under this id does not name this mark: it was made for another file"
    return _check(_NAMED, "fail", sentence, code="assay.softBinding.mismatch")


def _resembles(likeness: float) -> Check:
    measured = f"(likeness {likeness:.2f}; from {SAME} on the same, below {OTHER} another)"
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
        code="assay.recovered.borrowed",
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
    return Check(step=step, name=_NAMES[step], outcome=outcome, sentence=sentence, codes=codes, remedy=remedy)
