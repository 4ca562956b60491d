"""Labels: disclosures that a file carries, visible, audible or in its metadata; reading, writing and checking them."""

from __future__ import annotations

from .apply import Labelled, Wording, label_file, put_on
from .audible import Notice, audible_notice, find_audible_notice
from .explicit import (
    BILINGUAL,
    CHINESE,
    ENGLISH,
    EU_GENERATED,
    EU_MODIFIED,
    Plate,
    Style,
    burn_in,
    burn_in_frames,
    plate,
)
from .fields import AIGC_KEYS, IPTC_BASE, SOURCE_TYPES, Aigc, Disclosure
from .implicit import read_labels, write_metadata
from .interface import Label, LabelError
from .lint import Measured, lint
from .rules import REQUIREMENTS, RULES, Requirement
from .shown import Shown
from .words import LANGUAGES, SHOWN_BY, label_text

__all__ = [
    "AIGC_KEYS",
    "BILINGUAL",
    "CHINESE",
    "ENGLISH",
    "EU_GENERATED",
    "EU_MODIFIED",
    "IPTC_BASE",
    "LANGUAGES",
    "REQUIREMENTS",
    "RULES",
    "SHOWN_BY",
    "SOURCE_TYPES",
    "Aigc",
    "Disclosure",
    "Label",
    "LabelError",
    "Labelled",
    "Measured",
    "Notice",
    "Plate",
    "Requirement",
    "Shown",
    "Style",
    "Wording",
    "audible_notice",
    "burn_in",
    "burn_in_frames",
    "find_audible_notice",
    "label_file",
    "label_text",
    "lint",
    "plate",
    "put_on",
    "read_labels",
    "write_metadata",
]
