"""Checks a file against the labelling rules, with numbers.

Text is not read off the picture: what `Shown` in the metadata says is drawn again and compared with the picture at
that place. A label that another tool put on without telling where it stands is therefore reported as not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...media.asset import Asset
from ...media.decode import decode_image, stream_audio, stream_frames
from ...media.errors import InputError
from ...media.limits import Limits
from ..marks.interface import Mark
from ..verification import State, Verification
from .audible import find_audible_notice
from .explicit import LEAST_SECONDS
from .fields import AIGC_KEYS, SOURCE_TYPES, is_aigc_value, parse_aigc
from .implicit import read_pairs
from .rules import LEAST_LIKENESS, REQUIREMENTS, RULES, Requirement
from .shown import Seen, Shown, measure

_NOTICE_SECONDS = 60.0  # of sound in which a notice at the start is looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One element of one rule: what was `found` (in words, with the number), what is `wanted`, whether it is `ok`.

    `ok` is `None` where nothing was examined: a check that needs evidence which was not given. `value` is the number
    behind `found`: a likeness, a part of the shorter side, a ratio, seconds, or how many were found (tones, marks,
    values); `None` for a manifest, which has a state.
    """

    rule: str
    element: str
    found: str
    wanted: str
    ok: bool | None
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    kind: str
    values: dict[str, str]
    verification: Verification | None
    marks: tuple[Mark, ...] | None
    shown: Shown | None = None
    seen: Seen | None = None
    seconds: float = 0.0
    notice: str = ""
    aigc: dict[str, str] = field(default_factory=dict)


def lint(
    path: Path,
    rules: Sequence[str] = tuple(RULES),
    *,
    verification: Verification | None = None,
    marks: tuple[Mark, ...] | None = None,
    limits: Limits | None = None,
) -> tuple[Measured, ...]:
    """Return every element that `rules` ask of the file at `path`, measured.

    The file is decoded as far as needed (one picture, the first 2 s of a film, the first minute of sound). What the
    EU's code asks of manifest and mark is answered from `verification` and `marks`. Raises `InputError` for an unknown
    rule or a path that cannot be opened, `UnreadableMedia` for what is no media.
    """
    unknown = [rule for rule in rules if rule not in RULES]
    if unknown or not rules:
        msg = f"expected rules out of {', '.join(RULES)}, got {', '.join(unknown) or 'none'}"
        raise InputError(msg)
    asset = Asset.open(path, limits=limits or Limits())
    evidence = _gather(asset, limits or Limits(), verification, marks)
    return tuple(
        _judge(requirement, evidence)
        for requirement in REQUIREMENTS
        if requirement.rule in rules and asset.kind in requirement.kinds
    )


def _gather(
    asset: Asset, limits: Limits, verification: Verification | None, marks: tuple[Mark, ...] | None
) -> _Evidence:
    values = read_pairs(asset.path, limits=limits)
    shown = Shown.parse(values.get("AIVisibleLabel", ""))
    seen, seconds, notice = None, 0.0, ""
    if asset.kind == "audio":
        sound = next(iter(stream_audio(asset, block_seconds=_NOTICE_SECONDS, limits=limits)), None)
        heard = None if sound is None else find_audible_notice(sound)
        if heard is not None:
            lengths = "-".join(f"{tone:.2f}" for tone in heard.tones)
            notice = f"{lengths} s at {heard.pitch:.0f} Hz from {heard.span.start:.2f} s"
    elif shown is not None and asset.kind == "image":
        seen = measure(decode_image(asset, limits=limits).pixels, shown)
    elif shown is not None:
        seen, seconds = _watch(asset, shown, limits)
    return _Evidence(
        kind=asset.kind,
        values=values,
        verification=verification,
        marks=marks,
        shown=shown,
        seen=seen,
        seconds=seconds,
        notice=notice,
        aigc=parse_aigc(values.get("AIGC", "")) or {},
    )


def _watch(asset: Asset, shown: Shown, limits: Limits) -> tuple[Seen | None, float]:
    """Return the first frame's measurement, and how many of the first seconds the label stands without a gap."""
    first: Seen | None = None
    last, start = 0.0, 0.0
    for frame in stream_frames(asset, limits=limits):
        seen = measure(frame.image, shown)
        if first is None:
            first, start = seen, frame.time
        if seen.likeness < LEAST_LIKENESS:
            return first, frame.time - start  # the frame before it stood until now
        last = frame.time - start
        if last >= LEAST_SECONDS:
            return first, last
    length = asset.video.seconds if asset.video is not None and asset.video.seconds else last
    # A film shorter than the law's two seconds that shows its label to the end shows it as long as it can.
    return first, LEAST_SECONDS if 0 < length <= LEAST_SECONDS else last


def _judge(requirement: Requirement, evidence: _Evidence) -> Measured:
    found, ok, value = _look(requirement, evidence)
    return Measured(
        rule=requirement.rule, element=requirement.element, found=found, wanted=requirement.wanted, ok=ok, value=value
    )


def _look(requirement: Requirement, evidence: _Evidence) -> tuple[str, bool | None, float | None]:
    element = requirement.element
    if element in ("visible text", "text height", "contrast", "seconds shown"):
        return _look_at_picture(requirement, evidence)
    if element.startswith("AIGC"):
        return _look_at_aigc(element, evidence)
    if element in ("source type", "machine-readable mark"):
        source = evidence.values.get("DigitalSourceType", "")
        label = evidence.aigc.get("Label") if element == "machine-readable mark" else None
        told = [source] * bool(source) + [f"AIGC label {label}"] * bool(label)
        saying = (SOURCE_TYPES.get(source) == "synthetic") + (label in ("1", "2", "3"))
        return " and ".join(told) or "nothing", saying > 0, float(saying)
    if element == "signed manifest":
        state = None if evidence.verification is None else evidence.verification.state
        good = (State.UNTRUSTED, State.TRUSTED, State.RECOVERED)
        return ("not examined", None, None) if state is None else (str(state), state in good, None)
    if element == "imperceptible mark":
        if evidence.marks is None:
            return "not examined", None, None
        names = [mark.scheme for mark in evidence.marks if mark.payload is not None]
        return ", ".join(names) or "nothing", bool(names), float(len(names))
    if element == "audible notice":
        return evidence.notice or "nothing", bool(evidence.notice), 4.0 if evidence.notice else 0.0
    if element in ("words", "AI in words"):
        text = "" if evidence.shown is None else evidence.shown.text
        ai = "AI" in text or "人工智能" in text
        ok = ai and (element != "words" or "生成" in text or "合成" in text)
        return text or "nothing", ok, float(ok)
    value = evidence.values.get(element, "")
    return value or "nothing", bool(value), float(bool(value))


def _look_at_aigc(element: str, evidence: _Evidence) -> tuple[str, bool | None, float | None]:
    aigc = evidence.aigc
    if element == "AIGC keys":
        missing = [key for key in AIGC_KEYS if key not in aigc]
        count = len(AIGC_KEYS) - len(missing)
        return f"{count} of 7" + (f", without {', '.join(missing)}" if missing else ""), not missing, float(count)
    if element == "AIGC label":
        label = aigc.get("Label", "nothing")
        return label, label in ("1", "2", "3"), float(label in ("1", "2", "3"))
    if element == "AIGC characters":
        bad = [key for key, value in aigc.items() if not is_aigc_value(value)]
        return (
            f"others in {', '.join(bad)}" if bad else "only those" if aigc else "nothing",
            bool(aigc) and not bad,
            float(len(aigc) - len(bad)),
        )
    return ("there" if aigc else "nothing"), bool(aigc), float(bool(aigc))


def _look_at_picture(requirement: Requirement, evidence: _Evidence) -> tuple[str, bool | None, float | None]:
    if evidence.shown is None or evidence.seen is None:
        return "nothing: no visible label is declared", False, 0.0
    seen, least = evidence.seen, requirement.least or 0.0
    value, words = {
        "visible text": (seen.likeness, f"likeness {seen.likeness:.2f}"),
        "text height": (seen.letters, f"{100 * seen.letters:.1f} % of the shorter side"),
        "contrast": (seen.contrast, f"{seen.contrast:.1f} : 1"),
        "seconds shown": (evidence.seconds, f"{evidence.seconds:.2f} s"),
    }[requirement.element]
    if seen.likeness >= LEAST_LIKENESS:
        return words, value >= least, value
    # What is measured at a place without the text is no measure of the text.
    shows = requirement.element in ("visible text", "seconds shown")
    return f"the text is not there, likeness {seen.likeness:.2f}", False, value if shows else 0.0
