"""What a file carries, as a scan reads it: marks of ours and of others, and manifests that a mark leads back to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..media.errors import AssayError, NothingToExamine
from ..media.view import View
from ..provenance.marks.interface import Mark
from ..provenance.verification import State, Verification
from ..provenance.verify import with_marks
from .finding import Evidence, Skipped
from .running import Clock

if TYPE_CHECKING:
    from ..provenance.foreign.interface import ForeignMark
    from .scan import Examination

_UNREAD = Skipped(detector="marks", why="a quick scan reads no marks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Marks of ours and of others, why they could not be read, and notes on what was not looked at."""

    marks: tuple[Mark, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    foreign: tuple[ForeignMark, ...] = ()


def read_carried(view: View, clock: Clock, *, marks: bool, keys: tuple[bytes, ...], foreign: bool) -> Carried:
    """Return what `view` carries under `keys`; without `marks` that they were not read; others' if `foreign`."""
    found = Carried(skipped=(_UNREAD,))
    if marks:
        with clock.stage("marks"):
            found = _ours(view, keys)
    if not foreign:
        return found
    from ..provenance.foreign import read_foreign

    with clock.stage("foreign marks"):
        theirs, notes = read_foreign(view)
    return Carried(marks=found.marks, skipped=found.skipped, notes=found.notes + notes, foreign=theirs)


def _ours(view: View, keys: tuple[bytes, ...]) -> Carried:
    from ..provenance.marks.reading import read

    try:
        reading = read(view, keys=keys)
    except NothingToExamine:
        return Carried()
    except AssayError as error:
        why = f"marks could not be read: {error}"
        return Carried(skipped=(Skipped(detector="marks", why=why, failed=True),))
    return Carried(marks=reading.marks, notes=reading.notes)


def with_recovered(
    path: Path, evidence: Evidence, examination: Examination, clock: Clock
) -> tuple[Evidence, tuple[str, ...]]:
    """Return `evidence` with its verification as the marks leave it, and notes on that.

    A file that lost its manifest is looked up by its marks if the `examination` says where.
    """
    verification, notes = evidence.verification, tuple[str, ...]()
    if verification is None:
        return evidence, notes
    if verification.state is State.ABSENT and evidence.marks and examination.recovery is not None:
        with clock.stage("recover"):
            verification, notes = _recovered(path, evidence, verification, examination)
    return replace(evidence, verification=with_marks(verification, evidence.marks)), notes


def _recovered(
    path: Path, evidence: Evidence, verification: Verification, examination: Examination
) -> tuple[Verification, tuple[str, ...]]:
    """Return what the store says of a file without manifest; one that belongs to another work is only noted."""
    from ..provenance.recover import recover
    from ..provenance.remote import RemoteError

    if examination.recovery is None:
        return verification, ()
    try:
        found = recover(
            path,
            evidence.marks,
            examination.recovery.finders,
            view=evidence.view,
            trust=examination.trust,
            limits=examination.limits,
        )
    except RemoteError as error:
        return verification, (f"a resolution service could not be asked for the manifest: {error}",)
    if found.state is not State.INVALID:
        return found, ()
    failed = "; ".join(check.sentence for check in found.checks if check.outcome == "fail")
    return verification, (f"the mark leads to a manifest that is not this file's: {failed}",)
