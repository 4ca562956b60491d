"""Labels: disclosures that a file carries, visible, audible or in its metadata; reading, writing and checking them."""

from __future__ import annotations

from .fields import AIGC_KEYS, IPTC_BASE, SOURCE_TYPES, Aigc, Disclosure
from .implicit import read_labels, write_metadata
from .interface import Label, LabelError

__all__ = [
    "AIGC_KEYS",
    "IPTC_BASE",
    "SOURCE_TYPES",
    "Aigc",
    "Disclosure",
    "Label",
    "LabelError",
    "read_labels",
    "write_metadata",
]
