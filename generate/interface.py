"""What an engine makes: a draft, in memory only. `publish` is the one door out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from ..media.audio import Audio
from ..media.errors import AssayError
from ..media.image import Still
from ..media.video import Film

SOURCE_TYPES = (
    "trainedAlgorithmicMedia",
    "algorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
)
"""IPTC digital source types that made media may declare: none that could pass for a recording."""


class GenerationError(AssayError):
    """An engine could not make what was asked."""


class PublishError(AssayError):
    """A draft could not be published safely, so nothing was written."""


class Scope(StrEnum):
    """What a person may consent to."""

    VOICE_CLONE = "voice-clone"
    FACE_SWAP = "face-swap"
    REENACT = "reenact"
    AVATAR = "avatar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that went into a draft: its path, its C2PA relationship, whose face or voice it holds, and its SHA-256."""

    path: Path
    relationship: Literal["parentOf", "componentOf", "inputTo"]
    subject: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Made media that nobody outside has seen, with all that a manifest must say of it.

    Each person of `sources` must have consented to `scope` for `purpose` with that very file.
    `source_type` is the last part of an IPTC digitalSourceType URI. `engine` is `name/version`; `settings` record
    seed and options. `actions` are C2PA action names in order, the first of them `c2pa.created` or `c2pa.opened`.
    """

    media: Audio | Still | Film
    scope: Scope
    purpose: str
    source_type: str
    engine: str
    actions: tuple[str, ...]
    sources: tuple[Source, ...]
    settings: dict[str, str] = field(default_factory=dict)
    title: str = ""

    def __post_init__(self) -> None:
        """Raise `GenerationError` unless the draft owns to be made and names the people it was made from."""
        if self.source_type not in SOURCE_TYPES:
            msg = f"a draft must own to be made: expected one of {', '.join(SOURCE_TYPES)}, got {self.source_type!r}"
            raise GenerationError(msg)
        if self.actions[:1] not in (("c2pa.created",), ("c2pa.opened",)):
            msg = f"a draft's first action must be c2pa.created or c2pa.opened, got {self.actions!r}"
            raise GenerationError(msg)
        if not self.sources:
            msg = "a draft must name the files of the people it was made from, got none"
            raise GenerationError(msg)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The people whose face or voice was used, in the order of the sources."""
        return tuple(dict.fromkeys(source.subject for source in self.sources))
