"""What a verification says: a state, and every numbered step that led to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

BORROWED: Final = "assay.recovered.borrowed"
"""The code of a check that failed because the mark was found on another asset than the manifest is about."""


class State(StrEnum):
    """The five states that are never merged.

    `absent`: no manifest; this says nothing about the file. `invalid`: a manifest is there and something it covers
    was changed, or it is itself broken. `untrusted`: the file is as it was signed, by somebody unknown to the trust
    store. `trusted`: as it was signed, by somebody the trust store knows. `recovered`: the manifest was stripped
    and found again through a mark, and the content resembles what it describes.
    """

    ABSENT = "absent"
    INVALID = "invalid"
    UNTRUSTED = "untrusted"
    TRUSTED = "trusted"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One numbered step: `outcome`, the C2PA status codes behind it, a plain sentence and what the reader can do."""

    step: int
    name: str
    outcome: Literal["pass", "fail", "not done"]
    sentence: str
    codes: tuple[str, ...] = ()
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        # By hand: `dataclasses.asdict` copies every text, which takes longer than all of the judging
        return {
            "step": self.step,
            "name": self.name,
            "outcome": self.outcome,
            "sentence": self.sentence,
            "codes": list(self.codes),
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The state of one file's provenance and every step behind it.

    `facts` holds what the active manifest declares, as plain JSON values (claim generator, issuer, certificate
    fingerprint, time of signing, title, actions with their digitalSourceType, ingredients, soft bindings);
    all of it is a stranger's text and is escaped before it is shown.
    """

    state: State
    checks: tuple[Check, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the state, the numbered checks and the declared facts as plain JSON values."""
        return {
            "state": self.state.value,
            "checks": [check.to_json() for check in self.checks],
            "facts": self.facts,
        }


def is_borrowed(verification: Verification) -> bool:
    """Tell whether the file's mark leads to a manifest of something that looks or sounds different."""
    return any(BORROWED in check.codes for check in verification.checks)
