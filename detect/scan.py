"""Scan a file: what it declares, what it carries and what it shows, joined into one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..media.asset import Asset, expect
from ..media.errors import AssayError, InputError, MissingExtra, NothingToExamine
from ..media.limits import DEFAULT_LIMITS, Limits
from ..media.sampling import Sampling
from ..media.view import View
from ..media.worker import POOL
from ..provenance.labels import read_labels
from ..provenance.marks import SHARED_KEY
from ..provenance.notes import NoteKey
from ..provenance.receipts import is_receipt, read_receipts
from ..provenance.trust import Trust
from ..provenance.verify import verify
from . import detector, names
from .carried import Carried, read_carried, with_recovered
from .finding import Evidence, Finding, ModelError, Skipped
from .fuse import fuse
from .report import Frames, Report, Unexamined
from .running import DECLARING, Clock, Progress, of_sound, prepare

if TYPE_CHECKING:
    from ..provenance.finders import Recovery
    from ..provenance.tree import Node
    from .audio.voices import Voice
    from .preview import Preview

Answer = tuple[Finding, ...] | Skipped
QUICK = Sampling(frames=8)
"""What a quick scan looks at of a film."""
LEFT_OUT = frozenset({"visual-drawn"})
"""Who does not look at films in a quick scan, unless asked by name: it takes as long as all else."""
STAGES = ("open", "verify", "decode", "marks", "wait for decoding", "faces", "tracks", "meshes", "crops")
"""In which order the seconds of a scan are told, before those of its detectors."""
SPEAKER = "audio-speaker"
"""The detector that enrolled voices are for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """How to scan: whom to trust, which detectors (`None` = all), the limits, and whether previews are kept.

    With a `recovery`, the manifest of a file that lost its own is looked for through its mark. `logs` are the keys of
    the logs whose receipts count (`None` = those that the user knows). `foreign_marks` reads others' marks too; our own
    are read under each of `mark_keys`. `enrolled` voices are compared with, by `audio-speaker`, which they ask for.
    A `quick` scan leaves marks out, and of a film `LEFT_OUT`, and looks at few frames of it.
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
    clock = Clock(progress=progress)
    with clock.stage("open"):
        expect(path, limits=examination.limits)
        asset = Asset.open(path, limits=examination.limits)
    view = View.open(asset, limits=examination.limits, sampling=QUICK if examination.quick else None)
    clock.view = view
    examination, left = _without(examination, asset)
    with ThreadPoolExecutor(max_workers=1) as beside, _ended_with_us(clock):
        reading = beside.submit(_read_and_heard, view, examination, clock)
        with clock.stage("verify"):
            verification = verify(path, trust=examination.trust, limits=examination.limits)
            labels = read_labels(path)
            receipts = read_receipts(path, sha256=asset.sha256, logs=examination.logs)
        found = _seen(view, examination, clock, reading)
        carried, heard = reading.result()
    evidence = Evidence(
        view=view, verification=verification, marks=carried.marks, labels=labels, enrolled=examination.enrolled
    )
    evidence, more = with_recovered(path, evidence, examination, clock)
    unread = {skip.detector for skip in carried.skipped}
    found |= heard | _answers((name for name in examination.asked if name in DECLARING - unread), evidence, clock)
    findings, skipped = _sorted(found, examination.asked)
    preview, tree = _pictures(evidence, findings, path) if examination.previews else (None, None)
    frames = _frames(view)
    return Report(
        asset=asset,
        verification=evidence.verification or verification,
        marks=carried.marks,
        foreign_marks=carried.foreign,
        labels=labels,
        verdict=fuse(findings, (*carried.skipped, *skipped, *left), evidence),
        notes=(*view.notes, *carried.notes, *more, *(() if frames is None else (str(frames),))),
        preview=preview,
        receipts=receipts,
        tree=tree,
        frames=frames,
        seconds=clock.seconds((*STAGES, *examination.asked)),
    )


def _without(examination: Examination, asset: Asset) -> tuple[Examination, tuple[Skipped, ...]]:
    """Return what a quick scan of a film does, and who is left out."""
    if not examination.quick or asset.kind != "video" or examination.detectors is not None:
        return examination, ()
    kept = tuple(name for name in examination.asked if name not in LEFT_OUT)
    why = "a quick scan does not ask it about films: scan without --quick"
    left = tuple(Skipped(detector=name, why=why) for name in examination.asked if name in LEFT_OUT)
    return replace(examination, detectors=kept), left


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


def examine(name: str, evidence: Evidence) -> Answer:
    """Return what the detector called `name` answers; one that breaks is `Skipped` and marked as failed."""
    try:
        return detector(name).examine(evidence)
    except NothingToExamine as error:
        return Skipped(detector=name, why=str(error))
    except (ModelError, MissingExtra) as error:
        return Skipped(detector=name, why=str(error), failed=True)
    except AssayError as error:
        return Skipped(detector=name, why=f"it could not examine this file: {error}", failed=True)


def _answers(asked: Iterable[str], evidence: Evidence, clock: Clock) -> dict[str, Answer]:
    """Return what each of those `asked` answers, one after the other."""
    found: dict[str, Answer] = {}
    for name in asked:
        with clock.stage(name):
            found[name] = examine(name, evidence)
    return found


def _read_and_heard(view: View, examination: Examination, clock: Clock) -> tuple[Carried, dict[str, Answer]]:
    """Read what the file carries, and ask those who listen: one thread's part, beside that of the pictures."""
    carried = read_carried(
        view, clock, marks=not examination.quick, keys=examination.mark_keys, foreign=examination.foreign_marks
    )
    if any(map(_looks, examination.asked)):
        _decoded(view)  # all at once: whoever listens would else have the sound decoded by itself
    return carried, _answers(filter(of_sound, examination.asked), _forensic(view, examination), clock)


def _seen(view: View, examination: Examination, clock: Clock, reading: Future[Any]) -> dict[str, Answer]:
    """Return what those answer who look, once the file is decoded."""
    names = tuple(filter(_looks, examination.asked))
    prepare(examination.asked, view)
    if not names or view.kind == "audio":
        return _answers(names, _forensic(view, examination), clock)
    with clock.stage("wait for decoding"):
        # The marks of a film are read while it is decoded, so it is their reader who must begin.
        while not (view.wait_for_decoding(0.1) or reading.done()):
            pass
        _decoded(view)
    return _answers(names, _forensic(view, examination), clock)


def _pictures(evidence: Evidence, findings: Sequence[Finding], path: Path) -> tuple[Preview, Node | None]:
    """Return what a page shows of the file."""
    from .preview import preview_of, tree_with_pictures

    tree = None if evidence.verification is None else tree_with_pictures(evidence.view, evidence.verification, path)
    return preview_of(evidence.view, findings), tree


def _looks(name: str) -> bool:
    return not of_sound(name) and name not in DECLARING


def _forensic(view: View, examination: Examination) -> Evidence:
    """Return what forensic detectors may look at: nothing that the file says of itself."""
    return Evidence(view=view, verification=None, enrolled=examination.enrolled)


def _decoded(view: View) -> None:
    """Have the file decoded; what is wrong with it is told to whoever asks for its parts."""
    with suppress(AssayError):
        _ = view.still if view.kind == "image" else view.frames


@contextmanager
def _ended_with_us(clock: Clock) -> Iterator[None]:
    """If the user breaks off, end what the other thread is waiting for, and what it would do next."""
    try:
        yield
    except KeyboardInterrupt:
        clock.stop()
        POOL.close()
        raise


def _sorted(found: Mapping[str, Answer], order: tuple[str, ...]) -> tuple[tuple[Finding, ...], tuple[Skipped, ...]]:
    """Return findings and those who did not answer, in the order in which they were asked for."""
    known = [found[name] for name in order if name in found]
    skipped = tuple(answer for answer in known if isinstance(answer, Skipped))
    return tuple(one for answer in known if not isinstance(answer, Skipped) for one in answer), skipped


def _frames(view: View) -> Frames | None:
    """Return how much of a film was looked at, if it was decoded at all."""
    if view.kind != "video" or "decode" not in view.timings:
        return None
    try:
        return Frames(looked_at=len(view.frames), count=view.frame_count, scenes=view.scenes)
    except AssayError:
        return None
