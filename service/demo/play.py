"""Play the demonstration: consent, make, publish, verify, strip, recover, tamper, refuse, scan, measure, tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ...detect.report import Report, Unexamined
from ...detect.scan import Examination, scan_each
from ...eval.bench import NotMade, Plan, chains_by_kind, run
from ...eval.makers import PURPOSE as BENCHMARK
from ...eval.makers import Leave, Real
from ...eval.page import Result, collect
from ...eval.reals import load_real
from ...eval.rows import Row
from ...generate import ConsentBook, Scope, Terms
from ...generate.consent import file_sha256
from ...media.errors import InputError
from ...provenance.certs import ensure_credentials
from ...provenance.durable import Store
from ...provenance.finders import LocalFinder, Recovery
from ...provenance.ledger import ensure_ledger
from ...provenance.trust import Trust
from ..cli.progress import Steps
from . import acts
from .cast import Cast, Member, read_cast
from .made import make_cast
from .page import write_report
from .refuse import refusals
from .stage import PURPOSE, Damaged, Play, Stage, Work

PHOTO_FAKE, FILM_FAKE, VOICE_FAKE = "swapped-photo.jpg", "swapped-film.mp4", "cloned-voice.wav"
DETECTORS = ("audio-whisper", "visual-residual")
MAKERS = ("hibari-world", "world-copy", "griffin-lim", "landmark-swap", "landmark-swap-film")
# What the benchmark takes of each kind: enough to show a table, little enough to end in a minute.
BENCH_MOST = {"image": 4, "audio": 4, "video": 1}


def play(media: Path | None, out: Path, *, seed: int, progress: Steps) -> Path:
    """Play with the media in `media` (or what packages ship) into the folder `out`; return the report's path.

    Raises `InputError` if `out` holds files already, and what any part of Assay raises.
    """
    if out.exists() and any(out.iterdir()):
        msg = f"expected an empty or new folder for the demonstration, {out} has files in it: choose another with --out"
        raise InputError(msg)
    stage = _stage(out, seed, progress)
    with stage.act("gather the material"):
        cast = read_cast(media) if media else make_cast(out / "material")
    with stage.act("write down consent"):
        _consent(cast, stage)
    works = (
        acts.clone(cast, stage, VOICE_FAKE),
        acts.swap_photo(cast, stage, PHOTO_FAKE),
        acts.swap_film(cast, stage, FILM_FAKE),
    )
    voice, photo, film = works
    stripped = acts.strip(photo, stage)
    tampered = acts.tamper(voice, stage)
    refused = refusals(cast, stage)
    told = Play(
        stage=stage,
        made_cast=cast.made,
        works=works,
        stripped=stripped,
        tampered=tampered,
        refusals=refused,
        scans=_scans(cast, (photo, film, voice), (stripped, tampered), stage),
        bench=_bench(cast, stage),
        licences=tuple((member.path.name, member.licence) for member in cast.everyone()),
    )
    with stage.act("write the report"):
        return write_report(told, out / "report.html")


def _stage(out: Path, seed: int, progress: Steps) -> Stage:
    out.mkdir(parents=True, exist_ok=True)
    home = out / "keys-and-records"
    credentials = ensure_credentials(home / "certs", organisation="Assay demonstration")
    return Stage(
        out=out,
        book=ConsentBook(home / "consents"),
        credentials=credentials,
        trust=Trust(anchors_pem=(credentials.anchor_pem,)),
        store=Store(home / "store.sqlite"),
        ledger=ensure_ledger(home / "ledger"),
        now=datetime.now(UTC),
        rng=np.random.default_rng(seed),
        seed=seed,
        progress=progress,
    )


def _consent(cast: Cast, stage: Stage) -> None:
    """Keep a receipt for each person: their files, the demonstration and the benchmark, for one day."""
    files: dict[str, set[str]] = {}
    for member in cast.everyone():
        for person in member.people:
            files.setdefault(person, set()).add(file_sha256(member.path))
    for person, hashes in files.items():
        for purpose in (PURPOSE, BENCHMARK):
            terms = Terms(
                subject=person,
                scopes=(Scope.FACE_SWAP, Scope.VOICE_CLONE),
                purpose=purpose,
                references=tuple(sorted(hashes)),
                expires=stage.now + timedelta(days=1),
                statement="Whoever started the demonstration states that this person consents to it.",
            )
            stage.book.grant(terms, now=stage.now)


def _scans(
    cast: Cast, works: tuple[Work, ...], damaged: tuple[Damaged, ...], stage: Stage
) -> tuple[tuple[str, Report | Unexamined], ...]:
    """Scan the originals, the fakes, the stripped and the tampered copy."""
    real = [("original", member.path) for member in (cast.portraits[0], cast.films[0], cast.voices[0])]
    fake = [("published fake", work.published.path) for work in works]
    worn = [(one.done, stage.out / one.look.name) for one in damaged]
    listed = [*real, *fake, *worn]
    recovery = Recovery(finders=(LocalFinder(stage.store),))
    examination = Examination(trust=stage.trust, recovery=recovery, previews=True, logs=(stage.ledger.key,))
    with stage.act("scan reals and fakes"):
        answers = scan_each([path for _, path in listed], examination, progress=stage.progress.stage)
        return tuple((what, answer) for (what, _), answer in zip(listed, answers, strict=True))


def _bench(cast: Cast, stage: Stage) -> Result:
    members: list[Member] = [*cast.portraits[: BENCH_MOST["image"]], *cast.films[: BENCH_MOST["video"]]]
    left_out = []
    if cast.made:
        left_out = ["the voice: it is synthetic, so it is no bona fide sound; use --media for a benchmark of voices"]
    else:
        members += cast.voices[: BENCH_MOST["audio"]]
    reals: list[Real] = [load_real(member.path, member.path.name, member.people[0]) for member in members]
    plan = Plan(makers=MAKERS, detectors=DETECTORS, chains=chains_by_kind(["mp3-64k", "jpeg-70"]), seed=stage.seed)
    answers: list[Row | NotMade] = []
    with stage.act("measure the detectors"):
        answers += run(reals, plan, Leave(book=stage.book, now=stage.now), progress=stage.progress.stage)
    return collect(answers, left_out, plan, command="assay demo", material="the demonstration's own")
