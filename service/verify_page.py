"""Verifications as one self-contained page: counts, a table, and for each file its tree and every step."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..detect.page import environment
from ..provenance.atomic import settle, temporary
from ..provenance.batch import NOT_CHECKED, OUTCOMES
from ..provenance.tree import RELATIONS
from ..provenance.trust import Trust
from ..provenance.verification import State
from .spool import Spool

_TONES = {
    State.ABSENT.value: "calm",
    State.INVALID.value: "found",
    State.UNTRUSTED.value: "open",
    State.TRUSTED.value: "fine",
    State.RECOVERED.value: "fine",
    NOT_CHECKED: "calm",
}


def write_verify_page(answers: Spool, path: Path, *, trust: Trust, now: datetime) -> None:
    """Write one page about `answers` to `path`, whole or not at all. Raises `InputError` if it cannot be written."""
    pages = environment()
    pages.filters["visible"] = _visible
    template = pages.get_template("verify.html.j2")
    parts = template.generate(
        answers=answers,
        total=len(answers),
        counts=answers.counts,
        broken=answers.broken,
        words=OUTCOMES,
        tones=_TONES,
        relations=RELATIONS,
        anchors=len(trust.anchors_pem) + len(trust.allowed),
        dated=trust.dated.isoformat() if trust.dated else "",
        made=f"{now:%Y-%m-%d %H:%M} UTC",
    )
    with temporary(path) as file:
        for part in parts:
            file.write(part.encode("utf-8", "backslashreplace"))
        settle(file, path)


def _visible(path: str) -> str:
    """Return a path with bytes that are no text made visible."""
    return path.encode("utf-8", "backslashreplace").decode()
