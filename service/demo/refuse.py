"""Ask for what must be refused, and keep the answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from ...generate import ConsentError, Draft, Scope, Terms, clone_voice
from ...generate.consent import file_sha256
from ...media.errors import AssayError
from .cast import Cast, Member
from .stage import PURPOSE, Refusal, Stage

BROADCAST = "a broadcast"


def refusals(cast: Cast, stage: Stage) -> tuple[Refusal, ...]:
    """Return what was asked and how it was refused. Raises `AssayError` if anything was *not* refused."""
    voice = cast.voices[0]
    owner = voice.people[0]
    with stage.act("ask for what must be refused"):
        _revoke_one(voice, stage)
        late = stage.now + timedelta(days=2)
        path = voice.path
        return (
            _refused("the voice of somebody who was not asked", _clone(stage, path, "a passer-by")),
            _refused("a consented voice, for an advertisement", _clone(stage, path, owner, purpose="advertisement")),
            _refused("a voice whose owner took consent back", _clone(stage, path, owner, purpose=BROADCAST)),
            _refused("a consented voice, two days later", _clone(stage, path, owner, now=late)),
            _refused("that person's name with another file", _clone(stage, cast.portraits[0].path, owner)),
        )


def _revoke_one(voice: Member, stage: Stage) -> None:
    terms = Terms(
        subject=voice.people[0],
        scopes=(Scope.VOICE_CLONE,),
        purpose=BROADCAST,
        references=(file_sha256(voice.path),),
        expires=stage.now + timedelta(days=1),
        statement="Granted and taken back, to show that it is gone.",
    )
    stage.book.revoke(stage.book.grant(terms, now=stage.now).id, "changed my mind", now=stage.now)


def _clone(
    stage: Stage, path: Path, subject: str, *, purpose: str = PURPOSE, now: datetime | None = None
) -> Callable[[], Draft]:
    return lambda: clone_voice(
        "This must not be said.",
        path,
        subject=subject,
        book=stage.book,
        purpose=purpose,
        now=now or stage.now,
        seed=stage.seed,
    )


def _refused(asked: str, attempt: Callable[[], Draft]) -> Refusal:
    try:
        attempt()
    except ConsentError as error:
        return Refusal(asked=asked, answer=str(error))
    msg = f"{asked} was not refused: do not use this installation"
    raise AssayError(msg)
