"""Calls every public function of `assay.generate` and prints which of them wrote a file, and where.

A program for `test_generate_only_door.py`: audit hooks cannot be taken away again, so it runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import assay.generate as room
import hibari
import numpy as np
from assay.generate import face, voice
from assay.media.audio import Audio
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.errors import MissingExtra, WeightsError
from assay.media.video import Frame
from assay.provenance.certs import ensure_credentials
from assay.provenance.durable import Store
from assay.provenance.ledger import ensure_ledger
from assay.provenance.trust import Trust
from skimage import data

NOW = datetime.now(UTC)
TEXT = "Seven grey boats sailed slowly home before the storm, and nobody on the pier looked up."
SAID = "How are you today? I hope that all went well on the way."
SCOPES = (room.Scope.FACE_SWAP, room.Scope.VOICE_CLONE)
events: list[tuple[str, str, str]] = []
called: list[str] = []
inside = [""]


def hook(event: str, args: tuple[Any, ...]) -> None:
    """Note who writes, makes or renames a file, while one of the functions runs."""
    if not inside[0]:
        return
    if event == "open":
        path, mode, flags = args
        asked = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if not (asked or (isinstance(mode, str) and set(mode) & set("wax+"))) or isinstance(path, int):
            return
    elif event in {"os.rename", "os.link", "os.symlink"}:
        path = args[1]
    elif event in {"os.mkdir", "os.truncate", "shutil.copyfile", "shutil.move"}:
        path = args[0]
    else:
        return
    if os.fsdecode(path) != os.devnull:
        events.append((inside[0], event, os.fsdecode(path)))


def call(name: str, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function, so that what it writes is put down to `name`."""
    inside[0] = name
    called.append(name.partition(".")[0])
    try:
        return function(*args, **options)
    finally:
        inside[0] = ""


def material(base: Path) -> dict[str, Path]:
    """Make the files that are consented to."""
    picture = np.ascontiguousarray(data.astronaut())
    clip = [Frame(index=n, time=n / 25, image=picture[n : n + 288, 64:416]) for n in range(16)]
    speech = np.asarray(hibari.Hibari()(TEXT + " " + TEXT, seed=2), np.float32)[None]
    made = {
        "target.png": encode_image(picture, "png"),
        "source.png": encode_image(np.ascontiguousarray(picture[:, ::-1]), "png"),
        "target.mp4": encode_film(clip, None, "mp4", rate=Fraction(25)),
        "reference.flac": encode_audio(Audio(samples=speech, rate=hibari.SAMPLE_RATE), "flac"),
    }
    for name, content in made.items():
        (base / name).write_bytes(content)
    return {name: base / name for name in made}


def keep(book: room.ConsentBook, files: dict[str, Path]) -> None:
    """Call all that has to do with consent."""
    sums = tuple(call("file_sha256", room.file_sha256, path) for path in files.values())
    options = {"expires": NOW + timedelta(days=1), "statement": "yes", "purpose": "test", "references": sums}
    terms = call("Terms", room.Terms, subject="alice", scopes=SCOPES, **options)
    spare, consent = (call("ConsentBook.grant", book.grant, terms, now=NOW) for _ in range(2))
    call("ConsentBook.revoke", book.revoke, spare.id, now=NOW)
    call("ConsentBook.revocations", book.revocations)
    call("ConsentBook.all", book.all)
    call("ConsentBook.path", book.path, consent.id)
    call("ConsentBook.show", book.show, consent.id)
    call("ConsentBook.standing", book.standing, consent, now=NOW)
    call("ConsentBook.require", book.require, "alice", SCOPES[0], now=NOW)
    call("ConsentBook.issuer", lambda: book.issuer)
    call("check_receipt", room.check_receipt, consent.receipt(), book.issuer)
    call("Consent", replace, consent, purpose="other").to_json()
    call("Revocation", replace, book.revocations()[0], reason="other")
    call("ConsentError", room.ConsentError, "text", room.Refusal.MISSING)
    call("Refusal", room.Refusal, "missing")
    call("Scope", room.Scope, "avatar")


def make(book: room.ConsentBook, files: dict[str, Path], *, speak: bool) -> list[tuple[str, room.Draft]]:
    """Call every engine, and look at all that it makes."""
    allowed: dict[str, Any] = {"book": book, "purpose": "test", "now": NOW}
    people = {"face_of": "alice", "footage_of": ("alice",)}
    drafts = []
    for engine in face.ENGINES:
        for name in ("target.png", "target.mp4"):
            pair = files[name], files["source.png"]
            drafts.append((name, call("swap_face", room.swap_face, *pair, engine=engine, **people, **allowed)))
        call("swap_face", lambda film: list(film.frames()), drafts[-1][1].media)
    for engine in voice.ENGINES if speak else ():
        options = {"subject": "alice", "seed": 1, "engine": engine}
        with contextlib.suppress(MissingExtra, WeightsError):  # an optional engine that is not installed
            said = call("clone_voice", room.clone_voice, SAID, files["reference.flac"], **options, **allowed)
            drafts.append(("voice.wav", said))
    call("Draft", replace, drafts[0][1], title="other")
    call("Source", replace, drafts[0][1].sources[0], subject="other")
    call("GenerationError", room.GenerationError, "text")
    call("PublishError", room.PublishError, "text")
    return drafts


def rehearse(base: Path, files: dict[str, Path], desk: dict[str, Any], *, speak: bool) -> None:
    """Call everything once, with a book and an `out` folder in `base`."""
    base.mkdir()
    (base / "out").mkdir()
    book = call("ConsentBook", room.ConsentBook, base / "book")
    keep(book, files)
    for number, (name, draft) in enumerate(make(book, files, speak=speak)):
        place, rng = base / "out" / f"{number}-{name}", np.random.default_rng(number)
        published = call("publish", room.publish, draft, place, book=book, now=NOW, rng=rng, **desk)
        call("Published", replace, published, payload=1)


def main(base: Path) -> None:
    """Rehearse twice: libraries fill caches of their own when they are first used, and only the second is noted.

    Voices, which take long to learn, are called in the second alone.
    """
    files = material(base)
    credentials = ensure_credentials(base / "certs", now=NOW)
    trust = Trust().add(credentials.anchor_pem)
    keep = base / "keep"
    desk = {"credentials": credentials, "trust": trust, "store": Store(keep / "store.sqlite")}
    desk["ledger"] = ensure_ledger(keep / "ledger")
    rehearse(base / "first", files, desk, speak=False)
    called.clear()
    sys.addaudithook(hook)
    rehearse(base / "second", files, desk, speak=True)
    sys.stdout.write(json.dumps({"events": events, "called": sorted(set(called)), "public": sorted(room.__all__)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
