"""What an engine makes: a draft, in memory only. `publish` is the one door out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ..media.audio import Audio
from ..media.errors import AssayError
from ..media.image import Still
from ..media.video import Frame


class GenerationError(AssayError):
    """An engine could not make what was asked."""


class Scope(StrEnum):
    """What a person may consent to."""

    VOICE_CLONE = "voice-clone"
    FACE_SWAP = "face-swap"
    REENACT = "reenact"
    AVATAR = "avatar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """Moving pictures in memory: `frames()` starts a fresh pass; `rate` is frames per second; `audio` its sound or none."""

    frames: Callable[[], Iterator[Frame]]
    rate: Fraction
    audio: Audio | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that went into a draft: its path and its C2PA relationship."""

    path: Path
    relationship: Literal["parentOf", "componentOf", "inputTo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Made media that nobody outside has seen, with all that a manifest must say of it.

    `subjects` are the ids of the people whose face or voice was used, each of whom must have consented to `scope`.
    `source_type` is the last part of an IPTC digitalSourceType URI. `engine` is `name/version`; `settings` record
    seed and options. `actions` are C2PA action names in order, the first of them `c2pa.created` or `c2pa.opened`.
    """

    media: Audio | Still | Film
    scope: Scope
    subjects: tuple[str, ...]
    source_type: str
    engine: str
    actions: tuple[str, ...]
    sources: tuple[Source, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    title: str = ""
