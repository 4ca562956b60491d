"""From a case to its checks and its one state: the same rules, whoever found the codes."""

from __future__ import annotations

from typing import Final

from . import credential_steps as credential
from . import steps
from .verification import Check, State

_STRICTER: Final = (4, 5, 8)  # profile, validity and revocation are judged more strictly than in c2pa-rs


def all_checks(case: steps.Case) -> tuple[Check, ...]:
    """Return every numbered step of a case, in order."""
    return (
        steps.found(case),
        steps.well_formed(case),
        steps.signature(case),
        credential.profile(case),
        credential.validity(case),
        credential.trusted(case),
        steps.time_stamp(case),
        credential.revocation(case),
        steps.assertions(case),
        steps.content(case),
        credential.actions(case),
        *steps.ingredients(case),
        steps.soft_bindings(case),
        *steps.identity(case),
    )


def state_of(case: steps.Case, checks: tuple[Check, ...]) -> State:
    """Return the one state: damage first, then whether the signer is known. What is not understood is not trusted."""
    stricter = any(one.outcome == "fail" and one.step in _STRICTER for one in checks)
    if case.state not in ("Valid", "Trusted") or stricter:
        return State.INVALID
    known = next(one for one in checks if one.step == 6)
    return State.TRUSTED if known.outcome == "pass" else State.UNTRUSTED
