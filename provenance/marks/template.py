"""The template of a picture: a sparse, keyed set of waves by which a cropped, scaled or turned picture is put back.

Some tens of plane waves with whole numbers of cycles across the canvas, at places and phases of the key's. After a
crop, scaling or turn the waves are still plane waves: the picture's spectrum shows where they went, which gives scale
and angle (magnitudes alone, so wherever the crop lies), and their phases then give the shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .canvas import BLOCK, BLOCKS, SIDE
from .keys import KeyStream

WAVES = 72
INNER, OUTER = 22.0, 56.0
"""Cycles across the canvas: above most of the picture's energy, below what 0.4 x scaling and JPEG take away."""
APART = 4.0
"""Least distance of two waves in cycles across the canvas."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a received picture lies on the original canvas: `u = matrix @ v + shift`, both from the middle, in widths.

    `score` is the agreement of the waves' phases, in standard deviations of an unmarked picture.
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    score: float


@dataclass(frozen=True, slots=True)
class Received:
    """The whitened and windowed canvas of a received picture, and its spectrum with origin and phases at the middle."""

    canvas: NDArray[np.float32]
    spectrum: NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class Waves:
    """Whole cycles across the canvas `[WAVES, 2]` (x, y) and phases in radians at the middle of the canvas."""

    cycles: NDArray[np.float64]
    phases: NDArray[np.float64]


@lru_cache(maxsize=8)
def waves(key: bytes, scheme: str) -> Waves:
    """Return the waves of `key`."""
    stream = KeyStream(key, f"{scheme} template")
    chosen: list[tuple[float, float]] = []
    while len(chosen) < WAVES:
        radius = np.sqrt(INNER**2 + stream.uniform(1)[0] * (OUTER**2 - INNER**2))
        angle = np.pi * stream.uniform(1)[0]
        x, y = float(np.round(radius * np.cos(angle))), float(np.round(radius * np.sin(angle)))
        clear = all(min(np.hypot(x - a, y - b), np.hypot(x + a, y + b)) >= APART for a, b in chosen)
        if clear and abs(x) >= 4 and abs(y) >= 4:
            chosen.append((x, y))
    return Waves(np.array(chosen), 2.0 * np.pi * stream.uniform(WAVES))


@lru_cache(maxsize=4)
def pattern(key: bytes, scheme: str) -> NDArray[np.float32]:
    """Return the sum of the waves on the canvas with root mean square 1."""
    these = waves(key, scheme)
    spectrum = np.zeros((SIDE, SIDE), dtype=np.complex128)
    for (x, y), phase in zip(these.cycles.astype(int), these.phases, strict=True):
        middle = np.exp(1j * phase - 1j * np.pi * (x + y) * (1.0 - 1.0 / SIDE))
        spectrum[y % SIDE, x % SIDE] += middle
        spectrum[-y % SIDE, -x % SIDE] += np.conj(middle)
    out = np.fft.ifft2(spectrum).real
    unit: NDArray[np.float32] = np.asarray(out / out.std(), dtype=np.float32)
    unit.setflags(write=False)
    return unit


def whitened(canvas: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the canvas with its slow changes taken away and local contrast made even."""
    import cv2

    fine = canvas - cv2.blur(canvas, (11, 11), borderType=cv2.BORDER_REFLECT)
    power = cv2.blur(fine * fine, (21, 21), borderType=cv2.BORDER_REFLECT)
    contrast = np.sqrt(np.maximum(power, 0.0))
    out: NDArray[np.float32] = np.clip(fine / (contrast + 0.7), -2.5, 2.5)
    return out


def received(canvas: NDArray[np.float32]) -> Received:
    """Return what the waves are sought in."""
    seen = whitened(canvas) * _window()
    half = np.fft.rfft2(np.fft.ifftshift(seen))  # numpy's: importing scipy's costs as much as five searches
    full = np.empty((SIDE, SIDE), dtype=np.complex64)
    full[:, : SIDE // 2 + 1] = half
    full[:, SIDE // 2 + 1 :] = np.conj(np.roll(half[::-1, 1 : SIDE // 2], 1, axis=0))[:, ::-1]
    return Received(seen, np.fft.fftshift(full))


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float32]:
    edge = np.hanning(SIDE).astype(np.float32) ** 0.5
    return np.outer(edge, edge)


def place(seen: Received, matrix: NDArray[np.float64], these: Waves) -> Placement:
    """Return the placement with the shift that makes the waves' phases agree best."""
    places = np.clip(np.rint(these.cycles @ matrix).astype(int) + SIDE // 2, 0, SIDE - 1)
    values = seen.spectrum[places[:, 1], places[:, 0]].astype(np.complex128)
    values = values / (np.abs(values) + 1e-9) * np.exp(-1j * these.phases)
    size = 128
    grid = np.zeros((size, size), dtype=np.complex128)
    cycles = these.cycles.astype(int)
    grid[cycles[:, 1] % size, cycles[:, 0] % size] = np.conj(values)
    agreement = np.fft.ifft2(grid).real * size * size
    row, column = np.unravel_index(int(np.argmax(agreement)), agreement.shape)
    shift = np.array([(column + size / 2) % size - size / 2, (row + size / 2) % size - size / 2]) / size
    shift = _nearer(values, shift, these)
    return Placement(matrix, shift, _score(values, shift, these))


def _score(values: NDArray[np.complex128], shift: NDArray[np.float64], these: Waves) -> float:
    off = np.angle(values * np.exp(-2j * np.pi * these.cycles @ shift))
    return float(np.cos(off).sum() / np.sqrt(WAVES / 2.0))


def _nearer(values: NDArray[np.complex128], shift: NDArray[np.float64], these: Waves) -> NDArray[np.float64]:
    """Return `shift` moved so that the phases left over are least."""
    for _ in range(2):
        off = np.angle(values * np.exp(-2j * np.pi * these.cycles @ shift))
        weight = np.cos(off).clip(0.0)[:, None]
        shift = shift + np.linalg.lstsq(weight * these.cycles, weight[:, 0] * off, rcond=None)[0] / (2.0 * np.pi)
    return shift


def refined(seen: Received, placed: Placement, these: Waves) -> Placement:
    """Return `placed` with its matrix and shift moved to where the waves are strongest (Gauss-Newton, five rounds).

    The derivative of a wave's spectrum by its frequency is that of the canvas times the coordinate; its part in
    quadrature to the known phase says how far the frequency is off.
    """
    line = (np.arange(SIDE) - SIDE // 2) / SIDE
    window = _window()[SIDE // 2].astype(np.float64)
    spread = float((window * line**2).sum() / window.sum())
    matrix, shift = placed.matrix, placed.shift
    rows = line.astype(np.float32)
    both = np.concatenate([seen.canvas, seen.canvas * rows], axis=0)
    values = np.zeros(WAVES, dtype=np.complex128)
    known = np.exp(-1j * these.phases)
    for _ in range(5):
        turns = 2.0 * np.pi * (these.cycles @ matrix)
        angles = np.outer(line, turns[:, 0])
        waved = both @ np.concatenate([np.cos(angles), -np.sin(angles)], axis=1).astype(np.float32)
        across = (waved[:, :WAVES] + np.complex64(1j) * waved[:, WAVES:]).reshape(2, SIDE, WAVES)
        angles = np.outer(line, turns[:, 1])
        down = np.cos(angles).astype(np.float32) - np.complex64(1j) * np.sin(angles).astype(np.float32)
        across *= down
        values, by_x = across.sum(axis=1, dtype=np.complex128) * known
        by_y = (rows @ across[0]) * known
        shift = _nearer(values, shift, these)
        back = np.exp(-2j * np.pi * these.cycles @ shift)
        strength = max(float((values * back).real.mean()), 1e-9)
        off = np.stack([(by_x * back).imag, (by_y * back).imag], axis=1) / (2.0 * np.pi * strength * spread)
        matrix = matrix + np.linalg.lstsq(these.cycles, np.clip(off, -1.5, 1.5), rcond=None)[0]
    return Placement(matrix, shift, _score(values, shift, these))


def onto_canvas(grey: NDArray[np.float32], placed: Placement) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the received canvas moved to where it lies on the original one, and how much of each block is there."""
    import cv2

    side = SIDE
    back = np.linalg.inv(placed.matrix)
    middle = (side - 1) / 2.0
    origin = middle - back @ np.array([middle, middle]) - back @ placed.shift * side
    affine = np.column_stack([back, origin])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.asarray(
        cv2.warpAffine(grey, affine, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32
    )
    there = np.asarray(cv2.warpAffine(np.ones_like(grey), affine, (side, side), flags=flags), dtype=np.float32)
    shape = (BLOCKS, BLOCK, BLOCKS, BLOCK)
    share = there.reshape(shape).mean(axis=(1, 3)).reshape(-1)
    return moved, np.where(share > 0.8, share, 0.0).astype(np.float32)
