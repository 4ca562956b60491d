"""Labels that people see: text on a plate, burned into the picture; what is heard is in `audible`.

GB 45438-2025 asks for words that say AI and "generated", at least 5 % of the shorter side high, and in films for at
least 2 s from the start; the European code of practice for a badge that is seen at first exposure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...media.extent import Region
from ...media.video import Frame
from .audible import Notice, audible_notice, find_audible_notice
from .interface import LabelError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

__all__ = [
    "BILINGUAL",
    "CHINESE",
    "ENGLISH",
    "EU_GENERATED",
    "EU_MODIFIED",
    "Notice",
    "Plate",
    "Style",
    "audible_notice",
    "burn_in",
    "burn_in_frames",
    "draw",
    "find_audible_notice",
    "plate",
]

ENGLISH = "AI-generated"
BILINGUAL = "AI生成 AI-generated"
"""Says it in the words that GB 45438 asks for, and in English."""
CHINESE = "人工智能生成"
EU_GENERATED = "AI GENERATED"
EU_MODIFIED = "AI MODIFIED"

Position = Literal["top left", "top", "top right", "bottom left", "bottom", "bottom right"]
FONT = Path(__file__).with_name("fonts") / "NotoSansSC-labels.otf"
LEAST_HEIGHT = 0.05
"""Least height of the letters as a part of the shorter side (GB 45438-2025, 5.2 and 5.4)."""
LEAST_SECONDS = 2.0
"""Least time in seconds that a film shows the label from its start on (GB 45438-2025, 5.4)."""
_LEGIBLE = 10  # pixels of a capital below which screen text is hard to read; taken where it fits
_LEAST = 6  # pixels below which no letter can be told
_CACHED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a label looks: `height` of a capital as a part of the shorter side, `tone` of the plate, its opacity 0.5 - 1.

    `font` is a TrueType or OpenType file for scripts that the shipped one (Latin and the Chinese label) lacks.
    """

    position: Position = "top right"
    height: float = 0.055
    tone: Literal["black", "white"] = "black"
    opacity: float = 0.75
    font: Path = FONT

    def __post_init__(self) -> None:
        """Raise `LabelError` if the letters would be lower than the law asks or the plate could not be read."""
        if not LEAST_HEIGHT <= self.height <= 0.5:
            msg = f"the label's height must be {LEAST_HEIGHT} to 0.5 of the shorter side, got {self.height}"
            raise LabelError(msg)
        if not 0.5 <= self.opacity <= 1.0:
            msg = f"the plate's opacity must be 0.5 to 1, got {self.opacity}"
            raise LabelError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """A label drawn for one picture size: where it stands, how high its capitals are (pixels), and how it covers.

    `cover` float32 `[h, w, 1]` 0-1 is how much of the picture is replaced, `colour` float32 `[h, w, 3]` 0-255 by what.
    """

    text: str
    region: Region
    letters: int
    cover: NDArray[np.float32]
    colour: NDArray[np.float32]

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a copy of `pixels` (uint8 `[h, w, 3]`) with the label on it."""
        out = pixels.copy()
        top, left = int(self.region.top), int(self.region.left)
        part = out[top : top + self.cover.shape[0], left : left + self.cover.shape[1]]
        part[:] = np.rint(part * (1 - self.cover) + self.colour * self.cover).astype(np.uint8)
        return out


def burn_in(pixels: NDArray[np.uint8], text: str = ENGLISH, *, style: Style | None = None) -> NDArray[np.uint8]:
    """Return a copy of `pixels` (uint8 `[h, w, 3]` RGB) with `text` on a plate.

    Raises `LabelError` if the picture is too small to hold legible text or the font lacks a character.
    """
    height, width = pixels.shape[:2]
    return plate(width, height, text, style=style).apply(pixels)


def burn_in_frames(
    frames: Iterable[Frame], text: str = ENGLISH, *, seconds: float | None = None, style: Style | None = None
) -> Iterator[Frame]:
    """Yield `frames` with `text` on each that is shown before `seconds` (at least 2), by default on all.

    Raises `LabelError` like `burn_in`, or if `seconds` is shorter than the law asks.
    """
    if seconds is not None and not seconds >= LEAST_SECONDS:
        msg = f"a film must show its label for at least {LEAST_SECONDS} s from the start, got {seconds}"
        raise LabelError(msg)
    return _burned(frames, text, math.inf if seconds is None else seconds, style)


def _burned(frames: Iterable[Frame], text: str, seconds: float, style: Style | None) -> Iterator[Frame]:
    start: float | None = None
    for frame in frames:
        start = frame.time if start is None else start
        if frame.time - start <= seconds:
            yield replace(frame, image=burn_in(frame.image, text, style=style))
        else:
            yield frame


@lru_cache(maxsize=_CACHED)
def plate(width: int, height: int, text: str = ENGLISH, *, style: Style | None = None) -> Plate:
    """Return the label for pictures of `width` x `height` pixels; `region` is what a manifest can tell a lint."""
    style = style or Style()
    if not text.strip() or not text.isprintable():
        msg = f"a label needs printable text, got {text!r}"
        raise LabelError(msg)
    shorter = min(width, height)
    wanted = math.ceil(style.height * shorter)
    least = max(math.ceil(LEAST_HEIGHT * shorter), _LEAST)
    for letters in range(max(wanted, _LEGIBLE), least - 1, -1):
        font = _font(style.font, text, letters)
        for lines in _breaks(text):
            drawn = _draw(lines, font, letters)
            margin = letters // 2
            if drawn.shape[1] + 2 * margin <= width and drawn.shape[0] + 2 * margin <= height:
                return _placed(drawn, text, (width, height, margin, letters), style)
    msg = f"a picture of {width} x {height} pixels is too small for a legible label {text!r}: enlarge it first"
    raise LabelError(msg)


def draw(text: str, letters: int, *, shape: tuple[float, float], font: Path = FONT) -> NDArray[np.float32]:
    """Return the ink 0-1 of `text`, capitals `letters` pixels high, in the lines that fit `shape` (width, height)."""
    face = _font(font, text, letters)
    drawn = [_draw(lines, face, letters) for lines in _breaks(text)]
    return min(drawn, key=lambda ink: abs(math.log(ink.shape[1] / ink.shape[0]) - math.log(shape[0] / shape[1])))


def _breaks(text: str) -> Iterator[tuple[str, ...]]:
    """Yield `text` as one line, then broken in two near the middle where a break is allowed."""
    yield (text,)
    places = [i for i in range(1, len(text)) if text[i - 1] in " -" or ord(text[i]) > 0x2E80]
    if places:
        place = min(places, key=lambda i: abs(2 * i - len(text)))
        yield text[:place].strip(), text[place:].strip()


@lru_cache(maxsize=64)
def _font(path: Path, text: str, letters: int) -> FreeTypeFont:
    """Return the font in the smallest size whose capitals and ideographs in `text` are `letters` pixels high."""
    from PIL import ImageFont

    try:
        large = ImageFont.truetype(str(path), 512)
    except OSError as error:
        msg = f"the font {path} cannot be read: name a TrueType or OpenType file"
        raise LabelError(msg) from error
    missing = bytes(large.getmask("\uffff"))
    lacking = [letter for letter in text if not letter.isspace() and bytes(large.getmask(letter)) == missing]
    if lacking:
        msg = f"the font {path.name} has no {''.join(lacking)}: name one that has (Style.font)"
        raise LabelError(msg)
    size = max(4, int(letters * 512 / _ink(large, text)))
    while _ink(font := ImageFont.truetype(str(path), size), text) < letters:
        size += 1
    return font


def _ink(font: FreeTypeFont, text: str) -> int:
    """Return the height in pixels of the lowest capital, digit or ideograph of `text`, of its letters if none."""
    tall = {letter for letter in text if letter.isupper() or letter.isdigit() or ord(letter) > 0x2E80} or set(text)
    boxes = [font.getbbox(letter) for letter in sorted(tall) if not letter.isspace()]
    return int(min(bottom - top for _, top, _, bottom in boxes))


def _draw(lines: tuple[str, ...], font: FreeTypeFont, letters: int) -> NDArray[np.float32]:
    """Return the ink 0-1 of the centred `lines`, with the plate's padding around it."""
    from PIL import Image, ImageDraw

    pad, gap = max(3, letters // 2), max(2, letters // 3)
    boxes = [font.getbbox(line, anchor="ls") for line in lines]
    rise = int(-min(box[1] for box in boxes))
    fall = int(max(box[3] for box in boxes))
    width = int(max(box[2] - box[0] for box in boxes)) + 2 * pad
    step = rise + fall + gap
    canvas = Image.new("L", (width, step * len(lines) - gap + 2 * pad))
    pen = ImageDraw.Draw(canvas)
    for index, (line, box) in enumerate(zip(lines, boxes, strict=True)):
        left = (width - (box[2] - box[0])) / 2 - box[0]
        pen.text((round(left), pad + rise + index * step), line, fill=255, font=font, anchor="ls")
    return np.asarray(canvas, np.float32) / np.float32(255)


def _placed(ink: NDArray[np.float32], text: str, room: tuple[int, int, int, int], style: Style) -> Plate:
    width, height, margin, letters = room
    tall, wide = ink.shape
    top = margin if style.position.startswith("top") else height - margin - tall
    left = (width - wide) // 2
    if style.position.endswith("left"):
        left = margin
    elif style.position.endswith("right"):
        left = width - margin - wide
    paper, pen = (0.0, 255.0) if style.tone == "black" else (255.0, 0.0)
    shown = ink[..., None]
    cover = shown + (1 - shown) * np.float32(style.opacity)
    # The two layers in one: ink over plate over picture.
    colour: NDArray[Any] = (shown * pen + (1 - shown) * np.float32(style.opacity) * paper) / cover
    return Plate(
        text=text,
        region=Region(left=left, top=top, width=wide, height=tall),
        letters=letters,
        cover=cover.astype(np.float32),
        colour=np.broadcast_to(colour, (tall, wide, 3)).astype(np.float32),
    )
