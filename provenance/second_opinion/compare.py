"""Where two verifications of one file differ, code by code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..steps import NAMES
from ..verification import Check, State, Verification
from .opinion import Opinion


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """One difference: the step (0 for the state itself), the code that one names and the other does not, who says it.

    `first` and `second` are the outcomes, or the states, of the verification and of the second opinion.
    """

    step: int
    name: str
    code: str
    first: str
    second: str

    @property
    def sentence(self) -> str:
        """The difference in words."""
        what = f" ({self.code})" if self.code else ""
        return f"{self.name}{what}: the first reader says {self.first}, the second {self.second}"


def disagreements(verification: Verification, opinion: Opinion) -> tuple[Disagreement, ...]:
    """Return every difference between a verification and the second opinion, none where the latter has none.

    A step that one of them did not do is no difference. Where both did, the outcomes are compared, and where one
    fails, the codes behind it: each that only one of them names is a difference of its own.
    """
    if opinion.state is None:
        return ()
    found = []
    if verification.state is not opinion.state and verification.state is not State.RECOVERED:
        found.append(_difference(0, "", verification.state.value, opinion.state.value))
    for number in NAMES:
        first, second = _of(verification.checks, number), _of(opinion.checks, number)
        if "not done" in (first[0], second[0]) or (first[0] == "pass" == second[0]):
            continue
        only_first = sorted(first[1] - second[1])
        only_second = sorted(second[1] - first[1])
        found += [_difference(number, code, first[0], _without(second[0])) for code in only_first]
        found += [_difference(number, code, _without(first[0]), second[0]) for code in only_second]
        if first[0] != second[0] and not only_first + only_second:
            found.append(_difference(number, "", first[0], second[0]))
    return tuple(found)


def _difference(step: int, code: str, first: str, second: str) -> Disagreement:
    return Disagreement(step=step, name=NAMES.get(step, "state"), code=code, first=first, second=second)


def _without(outcome: str) -> str:
    return f"{outcome} without it" if outcome == "fail" else outcome


def _of(checks: Iterable[Check], number: int) -> tuple[str, set[str]]:
    """Return the outcome of a step, a failure first, and the codes of its failures."""
    mine = [one for one in checks if one.step == number]
    failed = [one for one in mine if one.outcome == "fail"]
    if failed:
        return "fail", {code for one in failed for code in one.codes}
    return ("pass" if any(one.outcome == "pass" for one in mine) else "not done"), set()
