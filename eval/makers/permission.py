"""What every maker asks first: whether the people in its material consented to the benchmark with that very file."""

from __future__ import annotations

from ...generate.consent import file_sha256
from ...generate.interface import GenerationError, Scope
from ...media.audio import Audio
from ...media.image import Still
from ...media.video import Film
from .interface import PURPOSE, Leave, Real

LEAST_SECONDS = 0.25


def asked(real: Real, scope: Scope, leave: Leave) -> None:
    """Raise `ConsentError` unless whoever is in `real` consented to `scope` for the benchmark with that file."""
    leave.book.require(real.subject, scope, purpose=PURPOSE, source_sha256=file_sha256(real.path), now=leave.now)


def speech(real: Real, leave: Leave, *, least: float = LEAST_SECONDS) -> Audio:
    """Return a recording whose speaker consented to a voice clone.

    Raises `ConsentError` without consent and `GenerationError` if it is no sound of at least `least` seconds.
    """
    asked(real, Scope.VOICE_CLONE, leave)
    if not isinstance(real.media, Audio) or real.media.seconds < least:
        msg = f"expected at least {least:g} s of sound, got {real.kind} {real.path.name}"
        raise GenerationError(msg)
    return real.media


def picture(real: Real, scope: Scope, leave: Leave) -> Still:
    """Return a photograph of somebody who consented to `scope`. Raises as `speech` does, for pictures."""
    asked(real, scope, leave)
    if not isinstance(real.media, Still):
        msg = f"expected a picture, got {real.kind} {real.path.name}"
        raise GenerationError(msg)
    return real.media


def film(real: Real, scope: Scope, leave: Leave) -> Film:
    """Return a film of somebody who consented to `scope`. Raises as `speech` does, for films."""
    asked(real, scope, leave)
    if not isinstance(real.media, Film):
        msg = f"expected a film, got {real.kind} {real.path.name}"
        raise GenerationError(msg)
    return real.media
