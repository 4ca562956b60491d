"""Small pictures of what was examined, for a page: never more than a reader needs to recognise the file."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..media.audio import Audio
from ..media.errors import AssayError
from ..media.view import View
from ..provenance.thumbnails import SIDE, thumbnails
from ..provenance.tree import OWN, Node, tree_of
from ..provenance.verification import Verification
from . import detector
from .audio.explain import explain
from .audio.explain import picture as listened_png
from .audio.hearing import Heard
from .finding import Finding
from .visual.looking import Looks, Where
from .visual.looking import picture as looked_png

PICTURE_SIDE = 560
FRAME_SIDE = 240
FRAMES = 6
# A spectrogram of at most this many columns, whatever the length of the sound.
COLUMNS = 900
FLOOR_DB = -90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Where the model of `detector` looked in one face, and the PNG of it (see `visual.looking.picture`)."""

    detector: str
    where: Where
    png: bytes = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the maps' numbers, row by row from the top, with the face's box and, in a film, its time."""
        box, where = self.where.region, self.where
        return {
            "detector": self.detector,
            "time": box.time,
            "region": [round(side, 1) for side in (box.left, box.top, box.width, box.height)],
            "score": round(where.score, 4),
            "method": where.method,
            "map": where.heat.round(4).tolist(),
            "boundary": None if where.boundary is None else where.boundary.round(3).tolist(),
            "boundary_of": where.boundary_of,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A JPEG of the picture, or of some frames side by side, and a PNG of the sound's spectrogram.

    `width` and `height` are the pixels of the original picture (regions are given in them), `top_hz` the upper edge of
    the spectrogram, whose lower edge is 0 Hz and whose colours span 90 dB. `listened` is there if a voice detector
    answered: its window from `listened_start` on, for `listened_seconds`, up to `listened_hz`, and by how much
    silencing the patch that mattered most lowered its log10 ratio. `looked` says where the learned eyes that answered
    looked, the most suspect face first.
    """

    picture: bytes | None = None
    width: int = 0
    height: int = 0
    spectrogram: bytes | None = None
    seconds: float = 0.0
    top_hz: float = 0.0
    listened: bytes | None = None
    listened_start: float = 0.0
    listened_seconds: float = 0.0
    listened_hz: float = 0.0
    listened_drop: float = 0.0
    looked: tuple[Looked, ...] = ()


def preview_of(view: View, findings: Iterable[Finding] = ()) -> Preview:
    """Return the preview of what `view` has decoded, and of where those who answered with `findings` looked."""
    picture, width, height = None, 0, 0
    images = _images(view)
    if images:
        chosen = [images[i] for i in np.linspace(0, len(images) - 1, FRAMES).astype(int)]
        height, width = chosen[0].shape[:2]
        still = view.kind == "image"
        picture = jpeg(images[0], side=PICTURE_SIDE) if still else jpeg(strip(chosen), side=FRAME_SIDE * FRAMES)
    audio = _sound(view)
    spectrogram, top = (None, 0.0) if audio is None else (spectrogram_png(audio), audio.rate / 2)
    return Preview(
        picture=picture,
        width=width,
        height=height,
        spectrogram=spectrogram,
        seconds=_seconds(view),
        top_hz=top,
        looked=tuple(_looked(view, findings)),
        **_listened(view),
    )


def _looked(view: View, findings: Iterable[Finding]) -> Iterator[Looked]:
    """Yield where each detector of pictures looked that answered and can tell."""
    for name in dict.fromkeys(finding.detector for finding in findings if finding.modality == "visual"):
        eye = detector(name)
        if isinstance(eye, Looks):
            for where in eye.where(view):
                yield Looked(detector=name, where=where, png=looked_png(where))


def _listened(view: View) -> dict[str, Any]:
    """Return the fields that say where the voice detector listened, none if it did not answer."""
    heard = view.known("heard")
    if not isinstance(heard, Heard):
        return {}
    found = explain(heard)
    return {
        "listened": listened_png(found),
        "listened_start": found.start,
        "listened_seconds": found.seconds,
        "listened_hz": found.top_hz,
        "listened_drop": max(0.0, float(found.drop.max())),
    }


def tree_with_pictures(view: View, verification: Verification, path: Path) -> Node | None:
    """Return the provenance tree of a verified file, `None` without a manifest.

    The file's own picture shows it as it is now, the others what their signers put into the manifest.
    """
    label = verification.facts.get("manifest")
    if not label:
        return None
    try:
        pictures = thumbnails(path)
    except AssayError:
        pictures = {}
    shown = next(iter(_images(view)), None)
    own = {} if shown is None else {(label, OWN): jpeg(shown, side=SIDE)}
    return tree_of(verification, name=path.name, pictures=pictures | own)


def _images(view: View) -> list[NDArray[np.uint8]]:
    """Return the picture, or the film's frames; none where they are broken, as `_sound`."""
    try:
        return [frame.image for frame in view.frames] if view.still is None else [view.still.pixels]
    except AssayError:
        return []


def _seconds(view: View) -> float:
    """Return the length, 0 where nothing decodes."""
    try:
        return view.seconds or 0.0
    except AssayError:
        return 0.0


def _sound(view: View) -> Audio | None:
    """Return the sound, or `None` where it is broken: the report says so elsewhere, and pictures are shown anyway."""
    try:
        return view.audio
    except AssayError:
        return None


def strip(frames: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the frames (uint8 `[h, w, 3]`) scaled down and side by side, in order."""
    from PIL import Image

    height = max(1, round(FRAME_SIDE * frames[0].shape[0] / max(frames[0].shape[:2])))
    width = max(1, round(FRAME_SIDE * frames[0].shape[1] / max(frames[0].shape[:2])))
    small = [np.asarray(Image.fromarray(frame).resize((width, height))) for frame in frames]
    return np.concatenate(small, axis=1)


def jpeg(pixels: NDArray[np.uint8], *, side: int, quality: int = 85) -> bytes:
    """Return `pixels` (uint8 `[h, w, 3]`) as a JPEG whose longer side is at most `side` pixels."""
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def spectrogram_png(audio: Audio) -> bytes:
    """Return the log-magnitude spectrogram of the mean of the channels as a PNG, 0 Hz at the bottom."""
    from matplotlib import colormaps
    from PIL import Image

    samples = audio.mono()
    width = min(512, samples.size)
    starts = np.linspace(0, samples.size - width, min(COLUMNS, max(1, samples.size // 128))).astype(int)
    window = np.hanning(width)
    spectrum = np.abs(np.fft.rfft(samples[starts[:, None] + np.arange(width)] * window, axis=1))
    level = 20.0 * np.log10(np.maximum(spectrum / max(float(spectrum.max()), 1e-9), 1e-9))
    shade = np.clip(1.0 - level / FLOOR_DB, 0.0, 1.0).T[::-1]
    picture = (colormaps["magma"](shade)[..., :3] * 255.0).astype(np.uint8)
    image = Image.fromarray(picture).resize((COLUMNS, 200))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
