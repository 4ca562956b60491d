"""What each rule asks of a file, as data; `lint` measures a file against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["image", "audio", "video"]
_ALL: tuple[Kind, ...] = ("image", "audio", "video")
_SEEN: tuple[Kind, ...] = ("image", "video")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One thing that `rule` asks for: `element` names the measurement, `least` the number where there is one.

    `source` is the place in the rule's text; `wanted` the words for a reader.
    """

    rule: str
    element: str
    wanted: str
    source: str
    least: float | None = None
    kinds: tuple[Kind, ...] = _ALL


RULES: dict[str, str] = {
    "iptc": "IPTC Photo Metadata: the digital source type",
    "gb45438": "GB 45438-2025, labelling of AI-generated content (China, in force 1 September 2025)",
    "eu": "EU AI Act, article 50, and its code of practice on marking and labelling (duty from 2 August 2026)",
    "sb942": "California SB 942 / AB 853: latent and manifest disclosure (operative 2 August 2026)",
}
"""Rules that can be checked."""

LEAST_LIKENESS = 0.6
"""Correlation with the drawn label from which the text counts as being there; other picture content stays below 0.3."""
LEAST_CONTRAST = 4.5
"""Contrast of text to its plate (WCAG 2.2, 1.4.3); no rule names a number, all say that it must be clear to see."""

REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement(
        rule="iptc",
        element="source type",
        wanted="an address of the IPTC vocabulary that says AI-made",
        source="IPTC NewsCodes, digital source type",
    ),
    Requirement(rule="gb45438", element="AIGC", wanted="the JSON object in the metadata", source="annex E"),
    Requirement(rule="gb45438", element="AIGC keys", wanted="all seven", source="annex E", least=7),
    Requirement(rule="gb45438", element="AIGC label", wanted="'1', '2' or '3'", source="annex E"),
    Requirement(
        rule="gb45438",
        element="AIGC characters",
        wanted="printable ASCII without space, quotation mark and backslash",
        source="annex E",
    ),
    Requirement(
        rule="gb45438",
        element="words",
        wanted="人工智能 or AI, and 生成 or 合成",
        source="section 5",
        kinds=_SEEN,
    ),
    Requirement(
        rule="gb45438",
        element="visible text",
        wanted="the text is in the picture",
        source="section 5",
        least=LEAST_LIKENESS,
        kinds=_SEEN,
    ),
    Requirement(
        rule="gb45438",
        element="text height",
        wanted="at least 5 % of the shorter side",
        source="section 5",
        least=0.05,
        kinds=_SEEN,
    ),
    Requirement(
        rule="gb45438",
        element="contrast",
        wanted="clear to see",
        source="section 5",
        least=LEAST_CONTRAST,
        kinds=_SEEN,
    ),
    Requirement(
        rule="gb45438",
        element="seconds shown",
        wanted="at least 2 s from the start",
        source="section 5",
        least=2.0,
        kinds=("video",),
    ),
    Requirement(
        rule="gb45438",
        element="audible notice",
        wanted="the rhythm short-long-short-short (a spoken notice is not recognised)",
        source="section 5",
        kinds=("audio",),
    ),
    Requirement(
        rule="eu",
        element="machine-readable mark",
        wanted="metadata that says AI-made",
        source="article 50(2)",
    ),
    Requirement(
        rule="eu",
        element="signed manifest",
        wanted="a manifest that is not invalid",
        source="code of practice, measure 1.1.1",
    ),
    Requirement(
        rule="eu",
        element="imperceptible mark",
        wanted="a watermark with an id",
        source="code of practice, measure 1.1.2",
    ),
    Requirement(rule="eu", element="AI in words", wanted="a label that holds AI", source="article 50(4)", kinds=_SEEN),
    Requirement(
        rule="eu",
        element="visible text",
        wanted="the text is in the picture from the start",
        source="article 50(4)",
        least=LEAST_LIKENESS,
        kinds=_SEEN,
    ),
    Requirement(
        rule="eu",
        element="contrast",
        wanted="clear and distinguishable",
        source="article 50(5)",
        least=LEAST_CONTRAST,
        kinds=_SEEN,
    ),
    Requirement(
        rule="eu",
        element="audible notice",
        wanted="a notice at the start (a spoken one is not recognised)",
        source="code of practice, deployers",
        kinds=("audio",),
    ),
    Requirement(rule="sb942", element="AIProvider", wanted="the provider's name", source="22757.3(b)(1)"),
    Requirement(rule="sb942", element="AISystem", wanted="the system's name", source="22757.3(b)(2)"),
    Requirement(rule="sb942", element="AISystemVersion", wanted="the system's version", source="22757.3(b)(2)"),
    Requirement(rule="sb942", element="AIMade", wanted="time and date", source="22757.3(b)(3)"),
    Requirement(rule="sb942", element="AIContentID", wanted="a unique id", source="22757.3(b)(4)"),
)
"""Everything that is measured. Sections of the Chinese standard are those of its chapters, not clauses."""
