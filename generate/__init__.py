"""Cloned voices and swapped faces, only of people who consent; `publish` is the one way out, marked and signed."""

from __future__ import annotations

from .consent import Consent, ConsentBook, ConsentError, Refusal, Revocation, Terms, check_receipt, file_sha256
from .draft import clone_voice, swap_face
from .interface import Draft, GenerationError, PublishError, Scope, Source
from .publish import Published, publish

__all__ = [
    "Consent",
    "ConsentBook",
    "ConsentError",
    "Draft",
    "GenerationError",
    "PublishError",
    "Published",
    "Refusal",
    "Revocation",
    "Scope",
    "Source",
    "Terms",
    "check_receipt",
    "clone_voice",
    "file_sha256",
    "publish",
    "swap_face",
]
