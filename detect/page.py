"""Reports as one self-contained page: pictures inside, no script, nothing fetched, every stranger's text escaped."""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import __version__
from ..media.errors import InputError
from ..provenance.tree import RELATIONS
from ..provenance.verification import State
from .fuse import Conclusion
from .report import Report, Unexamined

if TYPE_CHECKING:
    from jinja2 import Environment

MEANING = {
    Conclusion.ALTERED: "What was signed is not what is here: the content or its manifest changed afterwards. That can "
    "be harmless (a re-save that kept the manifest) or not; it does not say what was changed.",
    Conclusion.INVALID: "There is a manifest, and it cannot be relied on: its certificate, its form or its parts do "
    "not hold. That does not show that the content was changed.",
    Conclusion.DECLARED: "The file itself says that it, or a part of it, is synthetic: in a manifest, a mark or a "
    "label. Such a statement is rarely false, but an unsigned one can be written by anybody.",
    Conclusion.LIKELY: "Detectors found traces that are at least ten times likelier in synthetic media than in real "
    "media like that they were calibrated on. That is evidence, not proof.",
    Conclusion.INCONCLUSIVE: "What was found leans towards synthetic too little to say so, or contradicts itself.",
    Conclusion.NOTHING_FOUND: "These detectors found nothing. That does not make the file real: a maker that they have "
    "never met may pass them.",
    Conclusion.NOT_EXAMINED: "No detector could look at the content. This says nothing about the file.",
}
_TONE = {
    Conclusion.ALTERED: "found",
    Conclusion.INVALID: "open",
    Conclusion.DECLARED: "found",
    Conclusion.LIKELY: "found",
    Conclusion.INCONCLUSIVE: "open",
    Conclusion.NOTHING_FOUND: "calm",
    Conclusion.NOT_EXAMINED: "calm",
}
_STATE_TONE = {
    State.TRUSTED: "fine",
    State.RECOVERED: "fine",
    State.UNTRUSTED: "open",
    State.INVALID: "found",
    State.ABSENT: "calm",
}


def data_uri(data: bytes, mime: str) -> str:
    """Return `data` as a data: address, so that a page needs nothing beside it."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def environment(*folders: Path) -> Environment:
    """Return the page templates, autoescaped, with `folders` searched before our own."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    here = Path(__file__).parent / "templates"
    pages = Environment(
        loader=FileSystemLoader([*folders, here]),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["tone"] = _TONE.__getitem__
    pages.filters["state_tone"] = _STATE_TONE.__getitem__
    pages.filters["meaning"] = MEANING.__getitem__
    pages.filters["jpeg_uri"] = lambda data: data_uri(data, "image/jpeg")
    pages.filters["png_uri"] = lambda data: data_uri(data, "image/png")
    pages.globals["version"] = __version__
    pages.globals["relations"] = RELATIONS
    pages.globals["receipt_tones"] = {"holds": "fine", "unknown log": "calm", "does not hold": "open"}
    return pages


def _visible(value: object) -> object:
    """Return a stranger's text with control and direction characters made visible, so that it cannot pose as ours."""
    if type(value) is not str or value.isprintable():
        return value
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in value
    )


def write_page(answers: Sequence[Report | Unexamined], path: Path) -> None:
    """Write one page about `answers` to `path`, whole or not at all. Raises `InputError` if it cannot be written."""
    counts = Counter(
        answer.verdict.conclusion.value if isinstance(answer, Report) else Conclusion.NOT_EXAMINED.value
        for answer in answers
    )
    save(environment().get_template("scan.html.j2").render(answers=answers, counts=counts), path)


def check_page_place(path: Path) -> None:
    """Raise `InputError`, before any work is done, unless a page can be written to `path`."""
    if path.is_dir() or not path.parent.is_dir():
        msg = f"expected a file in a folder that exists for the page, got {path}"
        raise InputError(msg)


def save(page: str, path: Path) -> None:
    """Write `page` to a temporary file beside `path` and rename it. Raises `InputError` if that cannot be done."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(page, encoding="utf-8", errors="backslashreplace")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        msg = f"expected a place to write a page at {path}: {error.strerror or error}"
        raise InputError(msg) from error
