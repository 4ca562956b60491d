"""A disclosure that a file carries in itself: visible or audible, or in its metadata."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ...media.errors import AssayError


class LabelError(AssayError):
    """A label could not be written or the file cannot hold one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A disclosure found in a file.

    `rule` names where it comes from (`iptc`, `gb45438`, `eu`, ...), `form` how it is told, `says` what it claims:
    `synthetic` (made or changed by AI), `suspected`, or `captured` (declared a camera original). `fields` are its raw
    values: a stranger's text. A label is a claim, not proof; anybody can write or strip one.
    """

    rule: str
    form: Literal["metadata", "visible", "audible"]
    says: Literal["synthetic", "suspected", "captured", "other"]
    fields: dict[str, str] = field(default_factory=dict)
