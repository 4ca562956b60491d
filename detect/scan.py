"""Scan a file: what it declares, what it carries and what it shows, joined into one verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..media.asset import Asset
from ..media.errors import AssayError, InputError, MissingExtra, NothingToExamine
from ..media.limits import DEFAULT_LIMITS, Limits
from ..media.sampling import Sampling
from ..media.view import View
from ..provenance.finders import Recovery
from ..provenance.foreign.interface import ForeignMark
from ..provenance.labels import read_labels
from ..provenance.marks import SHARED_KEY
from ..provenance.marks.interface import Mark
from ..provenance.marks.reading import read
from ..provenance.notes import NoteKey
from ..provenance.receipts import is_receipt, read_receipts
from ..provenance.recover import recover
from ..provenance.remote import RemoteError
from ..provenance.trust import Trust
from ..provenance.verification import State, Verification
from ..provenance.verify import verify, with_marks
from . import detector, names
from .audio.voices import Voice
from .finding import Evidence, Finding, ModelError, Skipped
from .fuse import fuse
from .preview import preview_of, tree_with_pictures
from .report import Frames, Report, Unexamined

Progress = Callable[[str], None]
QUICK = Sampling(frames=8)
"""What a quick scan looks at of a film."""
SPEAKER = "audio-speaker"
"""The detector that enrolled voices are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """How to scan: whom to trust, which detectors (`None` = all), the limits, and whether previews are kept.

    With a `recovery`, the manifest of a file that lost its own is looked for through its mark. `logs` are the keys of
    the logs whose receipts count (`None` = those that the user knows). `foreign_marks` reads others' marks too; our own
    are read under each of `mark_keys`. `enrolled` voices are compared with, by `audio-speaker`, which they ask for.
    A `quick` scan leaves marks out and looks at few frames of a film.
    """

    trust: Trust
    recovery: Recovery | None = None
    detectors: tuple[str, ...] | None = None
    limits: Limits = DEFAULT_LIMITS
    previews: bool = False
    logs: tuple[NoteKey, ...] | None = None
    foreign_marks: bool = False
    mark_keys: tuple[bytes, ...] = (SHARED_KEY,)
    enrolled: tuple[Voice, ...] = ()
    quick: bool = False

    @property
    def asked(self) -> tuple[str, ...]:
        """The detectors that run. Raises `InputError` for an unknown name."""
        wanted = names(self.detectors)
        return wanted if not self.enrolled or SPEAKER in wanted else (*wanted, SPEAKER)


def scan(path: Path, examination: Examination, *, progress: Progress | None = None) -> Report:
    """Return the report on the file at `path`.

    A detector that cannot answer is `Skipped` with its reason, and the others go on. Raises `InputError` if there is
    no such file and `UnreadableMedia` if it is no media that can be read.
    """
    tell = progress or (lambda _stage: None)
    seconds: dict[str, float] = {}
    with _stage("open", seconds, tell):
        asset = Asset.open(path, limits=examination.limits)
    with _stage("verify", seconds, tell):
        verification = verify(path, trust=examination.trust, limits=examination.limits)
        labels = read_labels(path)
        receipts = read_receipts(path, sha256=asset.sha256, logs=examination.logs)
    with _stage("decode", seconds, tell):
        view = View.open(asset, limits=examination.limits, sampling=QUICK if examination.quick else None)
    with _stage("marks", seconds, tell):
        marks, unread, notes = NO_MARKS if examination.quick else _marks(view, examination.mark_keys)
    foreign: tuple[ForeignMark, ...] = ()
    if examination.foreign_marks:
        with _stage("foreign marks", seconds, tell):
            foreign, more = _foreign(view)
            notes += more
    if verification.state is State.ABSENT and marks and examination.recovery is not None:
        with _stage("recover", seconds, tell):
            verification, more = _recovered(path, marks, view, verification, examination)
            notes += more
    verification = with_marks(verification, marks)
    evidence = Evidence(view=view, verification=verification, marks=marks, labels=labels, enrolled=examination.enrolled)
    findings: list[Finding] = []
    skipped = list(unread)
    unreadable = {skip.detector for skip in unread}
    for name in examination.asked:
        if name in unreadable:
            continue
        with _stage(name, seconds, tell):
            answer = examine(name, evidence)
        if isinstance(answer, Skipped):
            skipped.append(answer)
        else:
            findings.extend(answer)
    frames = _frames(view)
    return Report(
        asset=asset,
        verification=verification,
        marks=marks,
        foreign_marks=foreign,
        labels=labels,
        verdict=fuse(tuple(findings), tuple(skipped), evidence),
        seconds=seconds,
        notes=(*view.notes, *notes, *(() if frames is None else (str(frames),))),
        preview=preview_of(view, findings) if examination.previews else None,
        receipts=receipts,
        tree=tree_with_pictures(view, verification, path) if examination.previews else None,
        frames=frames,
    )


def scan_each(
    paths: Iterable[Path], examination: Examination, *, progress: Progress | None = None
) -> Iterator[Report | Unexamined]:
    """Yield a report for each of `paths`, in order; a file that cannot be examined is an answer, not the end."""
    for path in paths:
        try:
            yield scan(path, examination, progress=progress)
        except AssayError as error:
            yield Unexamined(path=str(path), error=error)


def files_below(paths: Iterable[Path]) -> list[Path]:
    """Return `paths` with each folder replaced by the files below it, sorted, but for hidden files, links and receipts.

    Raises `InputError` for a path that does not exist.
    """
    found: list[Path] = []
    for path in paths:
        try:
            folder = path.is_dir()
            if not folder and not path.exists():
                msg = f"expected a file or folder, found nothing at {path}: check the path"
                raise InputError(msg)
            found += sorted(_files(path)) if folder else [path]
        except OSError as error:
            msg = f"cannot look at {path}: {error.strerror}"
            raise InputError(msg) from error
    return found


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and not path.is_symlink() and not is_receipt(path):
            yield path


def examine(name: str, evidence: Evidence) -> tuple[Finding, ...] | Skipped:
    """Return what the detector called `name` answers; one that breaks is `Skipped` and marked as failed."""
    try:
        return detector(name).examine(evidence)
    except NothingToExamine as error:
        return Skipped(detector=name, why=str(error))
    except (ModelError, MissingExtra) as error:
        return Skipped(detector=name, why=str(error), failed=True)
    except AssayError as error:
        return Skipped(detector=name, why=f"it could not examine this file: {error}", failed=True)


def _frames(view: View) -> Frames | None:
    """Return how much of a film was looked at, if it was decoded at all."""
    if view.kind != "video" or "decode" not in view.timings:
        return None
    try:
        return Frames(looked_at=len(view.frames), count=view.frame_count, scenes=view.scenes)
    except AssayError:
        return None


_Marks = tuple[tuple[Mark, ...], list[Skipped], tuple[str, ...]]
NO_MARKS: Final[_Marks] = ((), [Skipped(detector="marks", why="a quick scan reads no marks")], ())


def _marks(view: View, keys: tuple[bytes, ...]) -> _Marks:
    try:
        reading = read(view, keys=keys)
    except NothingToExamine:
        return (), [], ()
    except AssayError as error:
        return (), [Skipped(detector="marks", why=f"marks could not be read: {error}", failed=True)], ()
    return reading.marks, [], reading.notes


def _foreign(view: View) -> tuple[tuple[ForeignMark, ...], tuple[str, ...]]:
    from ..provenance.foreign import read_foreign

    return read_foreign(view)


def _recovered(
    path: Path, marks: tuple[Mark, ...], view: View, verification: Verification, examination: Examination
) -> tuple[Verification, tuple[str, ...]]:
    """Return what the store says of a file without manifest; one that belongs to another work is only noted."""
    if examination.recovery is None:
        return verification, ()
    finders = examination.recovery.finders
    try:
        found = recover(path, marks, finders, view=view, trust=examination.trust, limits=examination.limits)
    except RemoteError as error:
        return verification, (f"a resolution service could not be asked for the manifest: {error}",)
    if found.state is not State.INVALID:
        return found, ()
    failed = "; ".join(check.sentence for check in found.checks if check.outcome == "fail")
    return verification, (f"the mark leads to a manifest that is not this file's: {failed}",)


@contextmanager
def _stage(name: str, seconds: dict[str, float], tell: Progress) -> Iterator[None]:
    tell(name)
    begun = time.perf_counter()
    try:
        yield
    finally:
        seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begun
