"""Contact sheets: a drawn sample of each maker and label, side by side on the same axes."""

from __future__ import annotations

import heapq
import io
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..media.asset import Asset
from ..media.audio import Audio
from ..media.decode import decode_image, stream_audio, stream_frames
from ..media.errors import AssayError, NothingToExamine
from .corpus import Item
from .index import Index
from .splits import draw

if TYPE_CHECKING:
    from PIL import Image

CELL = (192, 144)
"""Width and height of a cell, pixels."""
TOP_HZ = 12_000.0
"""Upper edge of every spectrogram: a narrower band shows as darkness above it."""
SECONDS = 4.0
"""Length of every spectrogram: a shorter sound shows as darkness behind it."""
FLOOR_DB = -80.0
_GAP = 4
_GREY = (70, 70, 70)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One row of samples of a label, kind and maker: a JPEG, the items in order, and why cells are grey."""

    label: str
    kind: str
    maker: str
    rows: int
    items: tuple[Item, ...]
    faults: tuple[tuple[int, str], ...]
    picture: bytes
    number: int

    @property
    def name(self) -> str:
        """A file name of plain letters that tells what is on it, and its number: makers may differ by other letters."""
        words = f"{self.number:03d}-{self.kind}-{self.label}-{self.maker}".lower()
        return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in words).split()) + ".jpg"


def sheets(
    index: Index, *, per: int = 8, seed: int = 0, progress: Callable[[str], None] | None = None
) -> Iterator[Sheet]:
    """Yield a sheet for each kind, label and maker with at most `per` items, chosen by a seeded hash of their ids.

    A file that does not decode is a grey cell, and said. The order of files on disk has no say in the choice.
    """
    drawn = sorted(_chosen(index, per=per, seed=seed).items())
    for place, ((kind, label, maker), (rows, chosen)) in enumerate(drawn, 1):
        cells, faults = [], []
        for number, item in enumerate(chosen):
            if progress:
                progress(item.id)
            try:
                cells.append(_cell(item))
            except AssayError as error:
                cells.append(np.full((CELL[1], CELL[0], 3), _GREY, np.uint8))
                faults.append((number, str(error).replace(str(item.path), "the file")))
        picture = _jpeg(_strip(cells))
        about = {"label": label, "kind": kind, "maker": maker}
        yield Sheet(**about, rows=rows, items=chosen, faults=tuple(faults), picture=picture, number=place)


def _chosen(index: Index, *, per: int, seed: int) -> dict[tuple[str, str, str], tuple[int, tuple[Item, ...]]]:
    """Return how many rows each kind, label and maker has, and the drawn items: those of least hash."""
    least: defaultdict[tuple[str, str, str], list[tuple[float, str]]] = defaultdict(list)
    rows: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for table in index.batches("id", "kind", "label", "maker", "state"):
        columns = (table[name].to_pylist() for name in ("id", "kind", "label", "maker", "state"))
        for name, kind, label, maker, state in zip(*columns, strict=True):
            if state == "ok":
                key = (kind, label, maker)
                rows[key] += 1
                heapq.heappush(least[key], (-draw(name, seed), name))
                if len(least[key]) > per:
                    heapq.heappop(least[key])
    names = [name for heap in least.values() for _, name in heap]
    by_id = {item.id: item for item in index.items({"id": names})}
    return {
        key: (rows[key], tuple(by_id[name] for _, name in sorted(heap, reverse=True))) for key, heap in least.items()
    }


def _cell(item: Item) -> NDArray[np.uint8]:
    """Return an item as a cell, uint8 `[height, width, 3]`. Raises as decoding does."""
    asset = Asset.open(item.path)
    if item.kind == "audio":
        return spectrogram(_beginning(asset))
    pixels = decode_image(asset).pixels if asset.kind == "image" else _middle(asset)
    if item.region is not None:
        height, width = pixels.shape[:2]
        left, top, right, bottom = item.region
        pixels = pixels[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    return _framed(pixels)


def _middle(asset: Asset) -> NDArray[np.uint8]:
    """Return the frame at half of the film, or the last one before."""
    half = (asset.video.seconds or 0.0) / 2 if asset.video else 0.0
    last = None
    for frame in stream_frames(asset, max_side=max(CELL) * 2):
        last = frame.image
        if frame.time >= half:
            break
    if last is None:
        msg = "the film has no frames"
        raise NothingToExamine(msg)
    return last


def _beginning(asset: Asset) -> Audio:
    """Return the first `SECONDS` of the sound."""
    blocks = stream_audio(asset, block_seconds=SECONDS)
    try:
        return next(blocks)
    finally:
        blocks.close()  # type: ignore[attr-defined]


def spectrogram(audio: Audio) -> NDArray[np.uint8]:
    """Return the log-magnitude spectrogram as a cell: 0 to `TOP_HZ` upwards, `SECONDS` rightwards, 80 dB of shade."""
    from matplotlib import colormaps

    samples = audio.mono()
    width, height = CELL
    length = max(16, round(audio.rate * 0.032))
    starts = np.arange(width) * (SECONDS * audio.rate / width)
    padded = np.pad(samples, (0, length + max(0, round(SECONDS * audio.rate) - samples.size)))
    frames = padded[starts.astype(int)[:, None] + np.arange(length)] * np.hanning(length)
    spectrum = np.abs(np.fft.rfft(frames, axis=1))
    level = 20.0 * np.log10(np.maximum(spectrum / max(float(spectrum.max()), 1e-9), 1e-9))
    hertz = np.linspace(0.0, TOP_HZ, height)
    bins = np.fft.rfftfreq(length, 1 / audio.rate)
    rows = np.array([np.interp(hertz, bins, column, right=FLOOR_DB) for column in level])
    shade = np.clip(1.0 - rows / FLOOR_DB, 0.0, 1.0).T[::-1]
    return (colormaps["magma"](shade)[..., :3] * 255.0).astype(np.uint8)


def _framed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture scaled into a cell, on black."""
    from PIL import Image, ImageOps

    fitted: Image.Image = ImageOps.pad(Image.fromarray(pixels), CELL, color=(0, 0, 0))
    return np.asarray(fitted)


def _strip(cells: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Return the cells side by side on white."""
    width, height = CELL
    strip = np.full((height, len(cells) * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for number, cell in enumerate(cells):
        strip[:, number * (width + _GAP) : number * (width + _GAP) + width] = cell
    return strip


def _jpeg(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
