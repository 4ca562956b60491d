"""The words that C2PA manifests may use: actions, digital source types, relationships, key purposes.

c2pa-rs accepts any action name and any source type, so both are held against these tables when Assay signs and when
it verifies. Sources: C2PA Technical Specification 2.2 to 2.4 (section Actions), IPTC NewsCodes digitalsourcetype.
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

Relationship = Literal["parentOf", "componentOf", "inputTo"]
RELATIONSHIPS: Final[tuple[str, ...]] = get_args(Relationship)

_PLAIN = (
    "addedText adjustedColor changedSpeed converted created cropped deleted drawing dubbed edited edited.metadata "
    "enhanced filtered opened orientation placed published redacted removed repackaged resized resized.proportional "
    "transcoded translated trimmed unknown watermarked watermarked.bound watermarked.unbound"
)
ACTIONS: Final = frozenset(f"c2pa.{name}" for name in _PLAIN.split())
DEPRECATED_ACTIONS: Final = {
    "c2pa.color_adjustments": "c2pa.adjustedColor",
    "c2pa.watermarked": "c2pa.watermarked.unbound",
}
FIRST_ACTIONS: Final = ("c2pa.created", "c2pa.opened")
# A name outside the standard's own set carries its owner's domain, reversed: com.example.blurred
_ENTITY = re.compile(r"(?!c2pa\.)[A-Za-z][\w-]*(\.[A-Za-z0-9][\w-]*)+")

IPTC: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
C2PA: Final = "http://c2pa.org/digitalsourcetype/"
_IPTC_TYPES = (
    "trainedAlgorithmicMedia compositeWithTrainedAlgorithmicMedia compositeSynthetic algorithmicMedia "
    "algorithmicallyEnhanced dataDrivenMedia digitalCapture computationalCapture compositeCapture composite humanEdits "
    "digitalCreation screenCapture virtualRecording negativeFilm positiveFilm print"
)
_RETIRED_TYPES = "minorHumanEdits digitalArt softwareImage"
SOURCE_TYPES: Final = frozenset(
    {IPTC + name for name in _IPTC_TYPES.split()} | {C2PA + "empty", C2PA + "trainedAlgorithmicData"}
)
RETIRED_SOURCE_TYPES: Final = frozenset(IPTC + name for name in _RETIRED_TYPES.split())
GENERATIVE_SOURCE_TYPES: Final = frozenset(
    {
        IPTC + "trainedAlgorithmicMedia",
        IPTC + "compositeWithTrainedAlgorithmicMedia",
        IPTC + "compositeSynthetic",
        C2PA + "trainedAlgorithmicData",
    }
)
"""Made by, or composed with, a trained model: the set that the C2PA asset rubrics call GenAI."""
SYNTHETIC_SOURCE_TYPES: Final = GENERATIVE_SOURCE_TYPES | {IPTC + "algorithmicMedia"}
"""The former and media computed without any trained model (a formant voice, a rendered gradient)."""

TRAINING_USES: Final = ("allowed", "notAllowed", "constrained")
TRAINING_PURPOSES: Final = (
    "cawg.data_mining",
    "cawg.ai_inference",
    "cawg.ai_training",
    "cawg.ai_generative_training",
)

EMAIL_PROTECTION: Final = "1.3.6.1.5.5.7.3.4"
DOCUMENT_SIGNING: Final = "1.3.6.1.5.5.7.3.36"
CLAIM_SIGNING: Final = "1.3.6.1.4.1.62558.2.1"
SIGNING_PURPOSES: Final = (EMAIL_PROTECTION, DOCUMENT_SIGNING, CLAIM_SIGNING)
"""Extended key usages that a claim-signing certificate may have; c2pa-rs knows the last two only when told."""


def source_type_uri(name: str) -> str | None:
    """Return the full URI of a digital source type given as a URI or by its last part, `None` if it is not in use."""
    if name in SOURCE_TYPES:
        return name
    for space in (IPTC, C2PA):
        if space + name in SOURCE_TYPES:
            return space + name
    return None


def action_is_known(name: str) -> bool:
    """Tell whether an action is in the standard's set, deprecated in it, or named under its owner's domain."""
    return name in ACTIONS or name in DEPRECATED_ACTIONS or _ENTITY.fullmatch(name) is not None
