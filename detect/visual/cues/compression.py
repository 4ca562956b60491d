"""Traces of having been saved as JPEG before: in the cosines of the whole picture, and in the face against the rest.

Histograms after Popescu & Farid, "Statistical tools for digital forensics", IH 2004, section 3; ghosts after Farid,
"Exposing digital forgeries from JPEG ghosts", IEEE TIFS 4(1), 2009. That a picture was saved twice says nothing of
a fake: nearly all that was shared was. A face with another past than its surroundings does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....media.extent import Region
from ....media.view import View
from ...cue import Measured, Untold
from .cue import F64
from .portrait import Portrait, PortraitCue, zones

QUALITIES = tuple(range(35, 96, 5))
"""Qualities at which the picture is saved again."""
MODES = ((0, 1), (1, 0), (1, 1), (0, 2), (2, 0))
"""Low cosines, row and column in a block, whose histograms are looked at."""
STEPS = tuple(range(2, 31))
"""Steps of a former table that are tried, in levels."""
LEAST_BLOCKS = 40
LEAST_CHANGE = 4.0
"""Mean squared change, at the lowest quality, below which a block is too smooth to tell anything."""
LEAST_COMB = 0.3
"""Clustering below which no earlier JPEG is told: pictures saved once reach 0.16."""
HEAD_BYTES = 1 << 16
"""Bytes of a file among which its first table is looked for."""


def block_cosines(light: NDArray[np.floating]) -> F64:
    """Return the cosines `[n, 8, 8]` of the 8 x 8 blocks of `light` `[h, w]` (0..255), from the corner on."""
    from scipy.fft import dctn

    rows, columns = (side // 8 for side in light.shape)
    part = np.asarray(light[: rows * 8, : columns * 8], np.float64) - 128.0
    blocks = part.reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    return np.asarray(dctn(blocks, axes=(1, 2), norm="ortho"))


def comb(values: F64) -> tuple[float, int]:
    """Return how clearly `values` cluster at multiples of a step above 1, and that step; (0, 1) where they do not.

    A step is judged by the mean cosine of the values' phase in it, less what chance gives one value in a hundred times.
    """
    rounded = values[np.abs(values) >= 1.5]
    if len(rounded) < LEAST_BLOCKS:
        return 0.0, 1
    found = []
    for step in STEPS:
        # Values under half a step all fall to 0: they tell nothing of the step.
        large = rounded[np.abs(rounded) > 0.6 * step]
        chance = 2.6 / np.sqrt(2.0 * max(len(large), 1))
        found.append(float(np.cos(2.0 * np.pi * large / step).mean()) - chance if len(large) >= LEAST_BLOCKS else 0.0)
    best = max(found)
    if best <= 0.0:
        return 0.0, 1
    # Every divisor of the step clusters as well: the largest that is nearly as clear is the step itself.
    return best, max(step for step, height in zip(STEPS, found, strict=True) if height >= 0.8 * best)


def table_of(data: bytes) -> tuple[int, ...] | None:
    """Return the luminance table of a JPEG file in row order, 64 steps, or `None` if it has none that can be read.

    Segments after ITU-T T.81, B.2.4.1; only lengths that the file holds are followed.
    """
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] not in (0xD9, 0xDA):
        length = int.from_bytes(data[place + 2 : place + 4])
        body = data[place + 4 : place + 2 + length]
        if data[place + 1] == 0xDB and body and body[0] & 0x0F == 0:
            wide = 2 if body[0] >> 4 else 1
            steps = [int.from_bytes(body[1 + n * wide : 1 + (n + 1) * wide]) for n in range(64)]
            return _rows(steps) if len(body) > 64 * wide and min(steps) > 0 else None
        place += 2 + length
    return None


def _rows(zigzag: list[int]) -> tuple[int, ...]:
    """Return 64 numbers in zigzag order (ITU-T T.81, A.6) in order of rows."""
    cells = ((row, column) for row in range(8) for column in range(8))
    places = sorted(cells, key=lambda cell: (sum(cell), cell[0] if sum(cell) % 2 else -cell[0]))
    out = [0] * 64
    for step, (row, column) in zip(zigzag, places, strict=True):
        out[8 * row + column] = step
    return tuple(out)


def ghosts(light: NDArray[np.floating]) -> F64:
    """Return `[qualities, h / 8, w / 8]`: mean squared change of each block when saved again at each of `QUALITIES`.

    `light` is `[h, w]`, 0..255: brightness alone, since colours are mostly saved at half the size.
    """
    import cv2

    height, width = (side // 8 * 8 for side in light.shape)
    part = np.clip(np.round(light[:height, :width]), 0, 255).astype(np.uint8)
    out = []
    for quality in QUALITIES:
        saved = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        again = np.asarray(cv2.imdecode(saved, cv2.IMREAD_GRAYSCALE), np.float32)
        change = (again - part) ** 2
        out.append(cv2.resize(change, (width // 8, height // 8), interpolation=cv2.INTER_AREA))
    return np.asarray(out, np.float64)


def ghost_gap(curves: F64, face: NDArray[np.bool_], beyond: NDArray[np.bool_]) -> tuple[float, int]:
    """Return how far apart the two zones' changes run over quality, in octaves, and the quality where most.

    Each zone's own level and slope are taken off: textured parts change more at every quality.
    """
    steps = np.arange(len(QUALITIES))
    bent = []
    for zone in (face, beyond):
        level = np.log2(np.median(curves[:, zone], axis=1) + 0.05)
        bent.append(level - np.polyval(np.polyfit(steps, level, 2), steps))
    apart = np.abs(bent[0] - bent[1])
    return float(apart.max()), QUALITIES[int(np.argmax(apart))]


class CompressionDetector(PortraitCue):
    """Looks for an earlier JPEG in the picture, and for a face with another past than its surroundings."""

    name = "visual-compression"
    version = "2"
    side = 64.0

    def measure(self, face: Portrait) -> Measured | Untold:
        """Return the ghost's gap between face and surroundings, which is the score, and the comb in the cosines."""
        seen = zones(face)
        inside, outside = (zone[4::8, 4::8] for zone in (seen.face, seen.beyond))
        curves = ghosts(seen.light)
        inside, outside = (zone & (curves[0] >= LEAST_CHANGE) for zone in (inside, outside))
        if min(inside.sum(), outside.sum()) < LEAST_BLOCKS:
            return Untold(
                why=f"needs {LEAST_BLOCKS} blocks of 8 x 8 pixels with some structure in the face and around it"
            )
        gap, quality = ghost_gap(curves, inside, outside)
        note = f"saved again, face and surroundings change alike but for {gap:.2f} octaves at quality {quality}"
        return Measured(score=gap, note=note, figures={"ghost": gap, "quality": float(quality)})

    def asked(self, view: View) -> tuple[Measured | Untold, tuple[Region, ...]]:
        """Return the ghost's gap and the earlier JPEG of a picture, or why it cannot tell, and where.

        A film has no JPEG's past worth telling: its coding is asked by `visual-edits`. Raises what decoding raises.
        """
        if view.kind != "image" or view.still is None:
            return Untold(why="it needs a picture: there is none"), ()
        answer, regions = super().asked(view)
        if isinstance(answer, Untold):
            return answer, regions
        clear, step = earlier(view.still.pixels, own_table(view))
        said = f"an earlier JPEG with steps of {step} levels shows" if step > 1 else "no earlier JPEG shows"
        figures = {**answer.figures, "earlier": clear, "step": float(step)}
        return Measured(score=answer.score, note=f"{answer.note}; {said}", figures=figures), regions


def earlier(pixels: NDArray[np.uint8], table: tuple[int, ...] | None) -> tuple[float, int]:
    """Return how clearly the cosines of `pixels` cluster at steps coarser than `table`'s own, and the coarsest step.

    (0, 1) where they do not. Without a table (PNG and the like) every step above 1 is an earlier JPEG's.
    """
    cosines = block_cosines(pixels @ np.array([0.299, 0.587, 0.114]))
    found = []
    for row, column in MODES:
        own = 1 if table is None else table[8 * row + column]
        clear, step = comb(cosines[:, row, column])
        found.append((clear, step) if step > own else (0.0, 1))
    # One cosine in five may fall so by chance: the middle one tells.
    clear = float(np.median([height for height, _ in found]))
    told = [step for height, step in found if height >= LEAST_COMB]
    return (clear, max(told)) if clear >= LEAST_COMB else (max(0.0, clear), 1)


def own_table(view: View) -> tuple[int, ...] | None:
    """Return the table with which the picture's own file was written, or `None` if it is no JPEG."""
    if view.asset is None or view.asset.container.name != "jpeg":
        return None
    with view.asset.path.open("rb") as file:
        return table_of(file.read(HEAD_BYTES))
