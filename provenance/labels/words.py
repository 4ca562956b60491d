"""Which words a visible label says: what the rules ask for, in the languages that are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .explicit import CHINESE, EU_GENERATED, EU_MODIFIED, Style
from .fields import IPTC_BASE
from .interface import LabelError

Language = Literal["auto", "en", "zh", "both"]
LANGUAGES: tuple[Language, ...] = ("auto", "en", "zh", "both")
SHOWN_BY = frozenset({"gb45438", "eu"})
"""Rules that ask for a label that people see or hear; the others ask for metadata alone."""
STYLE = Style(height=0.06)
"""A little higher than the standard's 5 %, so that the letters still measure so after lossy encoding."""

_MODIFIED = frozenset(
    IPTC_BASE + name
    for name in (
        "compositeWithTrainedAlgorithmicMedia",
        "compositeSynthetic",
        "composite",
        "algorithmicallyEnhanced",
        "humanEdits",
    )
)
_ZH_GENERATED, _ZH_MODIFIED = "生成", "合成"


def label_text(rules: Sequence[str], source_type: str, *, language: Language = "auto") -> str | None:
    """Return the text of the visible label, `None` if none of `rules` asks for one.

    A `source_type` (full IPTC address) of something changed by AI gives the words for that. `auto` takes Chinese where
    only GB 45438 is asked for, English where only the EU's code is, and both for both. Raises `LabelError` for English
    alone where GB 45438 is asked for, which wants 生成 or 合成.
    """
    asked = SHOWN_BY & set(rules)
    if language not in LANGUAGES:
        msg = f"expected a language of {', '.join(LANGUAGES)}, got {language!r}"
        raise LabelError(msg)
    if not asked:
        return None
    if language == "en" and "gb45438" in asked:
        msg = "gb45438 asks for 生成 or 合成 beside AI: take zh or both, or leave gb45438 out of the rules"
        raise LabelError(msg)
    if language == "auto":
        language = "both" if len(asked) == 2 else "zh" if "gb45438" in asked else "en"
    modified = source_type in _MODIFIED
    english = EU_MODIFIED if modified else EU_GENERATED
    verb = _ZH_MODIFIED if modified else _ZH_GENERATED
    if language == "zh":
        return CHINESE.replace(_ZH_GENERATED, verb)
    return english if language == "en" else f"{english} {verb}"
