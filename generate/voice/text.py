"""What is spoken: a text in sentences, and the sentences by which a converter gets to know a synthesiser."""

from __future__ import annotations

import re

from ..interface import GenerationError
from .interface import MAX_CHARACTERS

_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=\S)|\n+")
_CLAUSE = re.compile(r"(?<=[,;:—])\s+")
_NO_END = re.compile(r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|No|e\.g|i\.e)|\b[A-Z])\.$")
_LONGEST = 300  # characters spoken in one breath

EXAMPLES = (
    "The measure of genius is often a matter of vision, and of pleasure in hard work.",
    "Why did you choose those cheap shoes, Joe, when the thick leather boots cost less?",
    "A young girl threw five flat pebbles into the pool, and watched the rings go out.",
    "Through the thin fog we could hear the huge engine of a lorry changing gear.",
    "He usually enjoys his boiled egg, a piece of toast and a jug of orange juice.",
    "How about a trip to the coast next week, before the schools are out?",
    "Both of them had the same idea at once: to buy the house and paint it beige.",
    "She poured the hot water over the tea leaves, and put the kettle back in its place.",
    "The lawyer asked whether anyone had seen the car turn round at the corner.",
    "My father's old violin hangs above the fire, between the clock and the mirror.",
    "Put the books that you borrowed back on the shelf, and push the big chair aside.",
    "Nobody could say which of the three judges laughed loudest at that joke.",
)
"""English sentences that hold every sound of the language in many surroundings, some fifty seconds of them."""


def sentences(text: str) -> list[str]:
    """Return `text` cut into sentences, and long ones at their commas or spaces.

    Raises `GenerationError` if it is empty or longer than 5,000 characters.
    """
    if len(text) > MAX_CHARACTERS:
        msg = f"expected at most {MAX_CHARACTERS} characters of text, got {len(text)}: speak it in parts"
        raise GenerationError(msg)
    found: list[str] = []
    start = 0
    for gap in _END.finditer(text):
        if "\n" in gap.group() or not _NO_END.search(text[: gap.start()]):
            found.append(text[start : gap.end()])
            start = gap.end()
    found.append(text[start:])
    kept = [part for sentence in found for part in _breaths(sentence.strip()) if part]
    if not kept:
        msg = "expected a text to speak, got none"
        raise GenerationError(msg)
    return kept


def _breaths(sentence: str) -> list[str]:
    """Return a sentence in parts that can be spoken in one breath."""
    if len(sentence) <= _LONGEST:
        return [sentence]
    parts = [""]
    for clause in _CLAUSE.split(sentence):
        for piece in [clause] if len(clause) <= _LONGEST else clause.split():
            for bit in [piece[at : at + _LONGEST] for at in range(0, len(piece), _LONGEST)]:
                if parts[-1] and len(parts[-1]) + 1 + len(bit) > _LONGEST:
                    parts.append("")
                parts[-1] = f"{parts[-1]} {bit}".strip()
    return parts
