"""The survival matrix: each piece marked once by a scheme, put through every attack and read again."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...datasets.launder import Media, launder
from ...media.audio import Audio
from ...media.errors import AssayError
from ...media.image import Still
from . import quality
from .contenders import Contender, Reading
from .ledger import Record
from .material import Piece, draw, load

THUMB = 128
"""Pixels: the longer side of the small pictures of what was lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One piece under one scheme: a unit of work."""

    piece: Piece
    scheme: Contender
    attacks: tuple[str, ...]
    seed: int
    again: bool = False
    """Whether the piece was marked before, and its quality is known."""

    @property
    def unit(self) -> str:
        """What this unit is called in the file of rows."""
        return f"{self.scheme.name}|{self.piece.item}" + ("|again" if self.again else "")


def tried(trial: Trial) -> Iterator[Record]:
    """Yield the rows of one trial: its quality, then a row for each attack; or one row that says why there is none."""
    piece, scheme = trial.piece, trial.scheme
    about = {"kind": piece.kind, "item": piece.item, "group": piece.group, "scheme": scheme.name, "made": piece.made}
    media = load(piece)
    if media is None:
        yield {**about, "row": "left out", "why": "cannot be read, too small, too short or silent"}
        return
    payload = draw(trial.seed, "id", piece.item)
    begun = time.process_time()
    try:
        marked = scheme.embed(media, payload)
    except (AssayError, RuntimeError, ValueError, IndexError, AssertionError) as error:
        yield {**about, "row": "left out", "why": f"not marked: {error}"[:200]}
        return
    seconds = time.process_time() - begun
    if not trial.again:
        yield {**about, "row": "quality", **quality.measured(media, marked), **_size(media), "cpu": round(seconds, 4)}
    for attack in trial.attacks:
        yield {**about, "row": "cell", "attack": attack, **_cell(trial, marked, attack, payload)}


def _cell(trial: Trial, marked: Media, attack: str, payload: int) -> Record:
    rng = np.random.default_rng(draw(trial.seed, trial.piece.item, attack))
    try:
        after = launder(marked, attack, rng)
    except AssayError as error:
        return {"outcome": "no input", "why": str(error)[:200]}
    begun = time.process_time()
    try:
        reading = trial.scheme.read(after, payload)
    except (AssayError, RuntimeError, ValueError, IndexError, AssertionError) as error:
        # A peer's own code may refuse a size; that is a mark lost, and said to be one.
        return {"outcome": "refused", "why": f"{type(error).__name__}: {error}"[:200]}
    seconds = time.process_time() - begun
    outcome = judged(reading, payload, trial.scheme.bits)
    record: Record = {"outcome": outcome, "cpu": round(seconds, 4)}
    if reading.share is not None:
        record["share"] = round(reading.share, 4)
    if reading.p_false_alarm is not None:
        record["p"] = float(f"{reading.p_false_alarm:.3g}")
    if outcome != "right" and trial.scheme.ours:
        record["thumb"] = thumbnail(after)
    return record


def judged(reading: Reading, payload: int, bits: int) -> str:
    """Return `right`, `wrong` (another id) or `missed`.

    A scheme that always reads some bits has no way to say that there is no mark: other bits are `missed` there.
    """
    if not bits:
        return "right" if reading.present else "missed"
    if reading.payload is None:
        return "missed"
    if reading.payload == payload & ((1 << bits) - 1):
        return "right"
    return "missed" if reading.share is not None else "wrong"


def thumbnail(media: Media) -> str:
    """Return a small JPEG of a picture, of a film's middle frame or of a sound's spectrogram, in base64."""
    import cv2

    if isinstance(media, Audio):
        pixels = _spectrogram(media)
    elif isinstance(media, Still):
        pixels = media.pixels
    else:
        pixels = media[len(media) // 2].image
    scale = THUMB / max(pixels.shape[:2])
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.asarray(small)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    return base64.b64encode(data.tobytes()).decode("ascii")


def _spectrogram(audio: Audio) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the first seconds as a picture: low frequencies below, 80 dB from black to white."""
    from scipy.signal import stft

    _, _, bins = stft(audio.mono(), audio.rate, nperseg=512)
    level = 20 * np.log10(np.abs(bins) + 1e-9)
    grey = np.clip((level - level.max() + 80) / 80 * 255, 0, 255).astype(np.uint8)[::-1]
    return np.repeat(grey[..., None], 3, axis=2)


def _size(media: Media) -> Record:
    if isinstance(media, Audio):
        return {"seconds": round(media.seconds, 3), "rate": media.rate}
    frames = (media.pixels,) if isinstance(media, Still) else tuple(frame.image for frame in media)
    return {"height": frames[0].shape[0], "width": frames[0].shape[1], "frames": len(frames)}
