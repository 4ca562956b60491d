"""Where a visible label stands: told in the metadata, so that a check can measure it there."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .explicit import Plate, Style, draw
from .interface import LabelError

_DIGITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A visible label: its `text`, its plate's box and the height of its capitals.

    `left` and `width` are parts of the picture's width, `top` and `height` of its height, `letters` of the shorter
    side; so they stay true when the picture is scaled. `seconds` is how long a film shows it, `None` for all of it.
    """

    text: str
    left: float
    top: float
    width: float
    height: float
    letters: float
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Raise `LabelError` unless the box lies in the picture and all numbers are finite."""
        sides = (self.left, self.top, self.width, self.height, self.letters)
        inside = self.left + self.width <= 1.001 and self.top + self.height <= 1.001
        if not (all(0.0 <= side <= 1.0 for side in sides) and inside and self.width and self.height and self.letters):
            msg = f"a visible label's box must lie inside the picture, in parts of its sides, got {sides}"
            raise LabelError(msg)
        if not self.text or (self.seconds is not None and not 0 <= self.seconds < math.inf):
            msg = f"a visible label needs a text and finite seconds, got {self.text!r} and {self.seconds}"
            raise LabelError(msg)

    @classmethod
    def of(cls, plate: Plate, *, size: tuple[int, int], seconds: float | None = None) -> Shown:
        """Return what `plate` shows on a picture of `size` (width, height) pixels."""
        wide, tall = size
        box = plate.region
        return cls(
            text=plate.text,
            left=box.left / wide,
            top=box.top / tall,
            width=box.width / wide,
            height=box.height / tall,
            letters=plate.letters / min(size),
            seconds=seconds,
        )

    @classmethod
    def parse(cls, text: str) -> Shown | None:
        """Return what `to_json` wrote, `None` if `text` is another thing."""
        try:
            raw: Any = json.loads(text)
            box = [float(side) for side in raw["box"]]
            seconds = None if raw.get("seconds") is None else float(raw["seconds"])
            sides = dict(zip(("left", "top", "width", "height"), box, strict=True))
            return cls(text=str(raw["text"]), letters=float(raw["letters"]), seconds=seconds, **sides)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError, LabelError):
            return None

    def to_json(self) -> str:
        """Return the JSON text that stands in the metadata."""
        box = [round(side, _DIGITS) for side in (self.left, self.top, self.width, self.height)]
        value = {"text": self.text, "box": box, "letters": round(self.letters, _DIGITS), "seconds": self.seconds}
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the picture has where the label should stand.

    `likeness` is the correlation with the label as our font draws it (1 = the same, about 0 = something else),
    `letters` the measured height of its first letter as a part of the shorter side, `contrast` the WCAG ratio of ink to
    plate (1 - 21).
    """

    likeness: float
    letters: float
    contrast: float


def measure(pixels: NDArray[np.uint8], shown: Shown) -> Seen:
    """Return what `pixels` (uint8 `[h, w, 3]` RGB) has where `shown` says a label stands."""
    import cv2

    tall, wide = pixels.shape[:2]
    left, top = round(shown.left * wide), round(shown.top * tall)
    right, bottom = round((shown.left + shown.width) * wide), round((shown.top + shown.height) * tall)
    box = pixels[top : max(bottom, top + 2), left : max(right, left + 2)]
    light = _luminance(box)
    letters = max(1, round(shown.letters * min(wide, tall)))
    try:
        ink = draw(shown.text, max(letters, 8), shape=(shown.width * wide, shown.height * tall), font=Style().font)
    except LabelError:
        return Seen(likeness=0.0, letters=0.0, contrast=1.0)
    ink = np.asarray(cv2.resize(ink, (light.shape[1], light.shape[0]), interpolation=cv2.INTER_AREA))
    likeness = abs(_correlation(light, ink))
    pen, paper = light[ink > 0.9], light[ink < 0.05]
    if not (pen.size and paper.size):
        return Seen(likeness=likeness, letters=0.0, contrast=1.0)
    bright, dark = sorted((float(np.median(pen)), float(np.median(paper))), reverse=True)
    threshold = (float(np.median(pen)) + float(np.median(paper))) / 2
    inked = (light > threshold) == (float(np.median(pen)) > float(np.median(paper)))
    return Seen(
        likeness=likeness,
        letters=_first_letter(inked) / min(wide, tall),
        contrast=(bright + 0.05) / (dark + 0.05),
    )


def _luminance(box: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the relative luminance 0-1 of sRGB pixels (WCAG 2.2)."""
    part = box.astype(np.float64) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    light: NDArray[np.float64] = linear @ np.array([0.2126, 0.7152, 0.0722])
    return light


def _correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / scale if scale > 1e-9 else 0.0


def _first_letter(inked: NDArray[np.bool_]) -> int:
    """Return the height in pixels of the first stretch of inked columns in the first line."""
    rows = _first_run(np.asarray(inked.sum(axis=1) > 1))
    columns = _first_run(np.asarray(inked[rows].any(axis=0)))
    letter = np.asarray(inked[rows, columns].any(axis=1))
    return int(np.ptp(np.flatnonzero(letter)) + 1) if letter.any() else 0


def _first_run(flags: NDArray[Any]) -> slice:
    where = np.flatnonzero(flags)
    if not where.size:
        return slice(0, 0)
    gaps = np.flatnonzero(np.diff(where) > 1)
    return slice(int(where[0]), int(where[gaps[0]] if gaps.size else where[-1]) + 1)
