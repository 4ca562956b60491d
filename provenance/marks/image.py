"""The mark for pictures: a lattice that carries the id and a template that finds it after crop, scaling and turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import canvas, codes, template
from .interface import Mark, MarkError

LEAST_SIDE = 128
"""Pixels: a smaller picture has no room for the waves of the mark."""
STEP = 110.0
"""Distance of lattice points in units of an orthonormal DCT coefficient."""
PULL = 0.74
"""How far a sum is moved to its lattice point; less than all leaves a wider step at the same loss (Costa 1983)."""
FLAT_PULL = 0.5
"""The same where the picture is flat and a change is seen most easily."""
WAVE_LEVELS = (0.85, 1.7)
"""Strength of the template in grey levels where it may be, in a smooth and in a busy or partly closed picture."""
WAVE_SHARE = 0.45
"""Part of the loss that the template may take."""
WAVE_NEED = 0.3
"""Level of the template over the picture's own in the same band that is found again in a half of the picture."""
LOSS = 3.9
"""Mean square of the whole change in grey levels squared, at most: 42.2 dB."""
ROUNDS = 2
GAINS = np.geomspace(0.55, 1.8, 97)
GAMMAS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.12, 1.25, 1.4, 1.6, 1.8, 2.1)
TRIED = 6
"""Gains that are decoded, best lattice score first."""
BLURS = ((1.0, 1.0, 1.0), (1.0, 0.5, 0.1), (1.0, 0.0, 0.0))
"""Weights of the three bands of coefficients that are tried: a sharp, a soft and a blurred picture."""
SEEN = 5.2
"""Agreement of the template in standard deviations from which a picture that lies as it was is decoded further."""
LIKELY, FINE = 4.4, 6.2
"""The same from which another placement is made finer, and then decoded."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a canvas gave: the id found, and how many decodings were tried."""

    found: codes.Decoded | None
    trials: int


class CanvasMark:
    """The picture mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.canvas.1"

    def embed(self, pixels: NDArray[np.uint8], payload: int, key: bytes) -> NDArray[np.uint8]:
        """Return `pixels` with `payload` in it. Raises `MarkError` if the picture is small or the key is wrong."""
        codes.check_payload(payload)
        check_size(pixels)
        grey = canvas_of(pixels)
        return add_difference(pixels, difference(grey, codes.encode(payload, key, self.name), key, self.name))

    def detect(self, pixels: NDArray[np.uint8], key: bytes) -> Mark | None:
        """Return the mark of `pixels` under `key`, or `None`."""
        if min(pixels.shape[:2]) < LEAST_SIDE // 4:
            return None
        reading = read_canvas(canvas_of(pixels), pixels.shape[0] / pixels.shape[1], key, self.name)
        if reading.found is None:
            return None
        p = codes.p_false_alarm(reading.found.strength, reading.trials)
        return Mark(scheme=self.name, payload=reading.found.payload, p_false_alarm=p)


def check_size(pixels: NDArray[Any]) -> None:
    """Raise `MarkError` if the picture is too small to be marked."""
    if min(pixels.shape[:2]) < LEAST_SIDE:
        msg = (
            f"a picture of at least {LEAST_SIDE} pixels a side can be marked, got {pixels.shape[1]} x {pixels.shape[0]}"
        )
        raise MarkError(msg)


def canvas_of(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Return the luma of `pixels` on the canonical canvas, float32 `[512, 512]`, 0 to 255."""
    import cv2

    side = canvas.SIDE
    height, width = pixels.shape[:2]
    if height * width > 4 * side * side:
        small = cv2.resize(pixels, (max(side, width // 2), max(side, height // 2)), interpolation=cv2.INTER_AREA)
        return canvas_of(small)
    grey = np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), dtype=np.float32)
    shrink = cv2.INTER_AREA if min(height, width) >= side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, (side, side), interpolation=shrink), dtype=np.float32)


def pulls_of(grey: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how strongly each block `[64]` and each pixel may be changed: less where flat, not where saturated."""
    import cv2

    mean = cv2.blur(grey, (17, 17), borderType=cv2.BORDER_REFLECT)
    power = cv2.blur(grey * grey, (17, 17), borderType=cv2.BORDER_REFLECT)
    contrast = np.sqrt(np.maximum(power - mean * mean, 0.0))
    rough = np.clip(contrast / 8.0, 0.0, 1.0)
    shape = (canvas.BLOCKS, canvas.BLOCK, canvas.BLOCKS, canvas.BLOCK)
    in_block = rough.reshape(shape).mean(axis=(1, 3)).reshape(-1)
    open_ = cv2.blur(((grey > 1.5) & (grey < 253.5)).astype(np.float32), (5, 5))
    block = FLAT_PULL + (PULL - FLAT_PULL) * np.minimum(1.6 * in_block, 1.0)
    return block.astype(np.float32), np.asarray(open_ * (0.6 + 0.5 * rough), dtype=np.float32)


def difference(grey: NDArray[np.float32], symbols: NDArray[np.float32], key: bytes, scheme: str) -> NDArray[np.float32]:
    """Return what must be added to the canvas `grey` so that it carries `symbols` and the template."""
    where = canvas.layout(key, scheme)
    block, pixel = pulls_of(grey)
    open_ = np.minimum(pixel * 4.0, 1.0)
    waves = wave_level(grey, pixel) * pixel * template.pattern(key, scheme)
    sums = canvas.sums_of(canvas.forward(grey + waves), where)
    errors = canvas.errors_to_lattice(sums, symbols, where, STEP)
    wanted = errors * block[:, None]
    left = LOSS - float(np.square(waves).mean())
    loss = float(np.square(wanted).sum()) / grey.size
    wanted *= np.float32(min(1.15, np.sqrt(left / max(loss, 1e-9))))
    change, out = wanted, waves
    for turn in range(ROUNDS):
        out = waves + open_ * canvas.backward(canvas.spread(change, where))
        out = np.clip(grey + out, 0.0, 255.0) - grey
        if turn + 1 < ROUNDS:
            reached = canvas.sums_of(canvas.forward(grey + out), where) - sums
            change = change + np.clip(wanted - reached, -0.3 * STEP, 0.3 * STEP)
    return out.astype(np.float32)


def wave_level(grey: NDArray[np.float32], pixel: NDArray[np.float32]) -> float:
    """Return the level of the template: the busier the picture and the less of it may be changed, the more."""
    import cv2

    fine = grey - cv2.blur(grey, (11, 11), borderType=cv2.BORDER_REFLECT)
    power = cv2.blur(fine * fine, (21, 21), borderType=cv2.BORDER_REFLECT)
    seen = pixel / np.sqrt(np.maximum(power, 0.0) + 4.0)
    needed = WAVE_NEED / float(np.sqrt(np.square(seen).mean()) + 1e-6)
    most = np.sqrt(WAVE_SHARE * LOSS / (float(np.square(pixel).mean()) + 1e-6))
    return float(np.clip(needed, WAVE_LEVELS[0], min(WAVE_LEVELS[1], most)))


def native(change: NDArray[np.float32], width: int, height: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return what the canvas `change` adds to and takes from each channel of a picture of this size."""
    import cv2

    full = cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC)
    more, less = (np.rint(np.clip(side, 0.0, 255.0)).astype(np.uint8) for side in (full, -full))
    return (
        np.asarray(cv2.merge([more, more, more]), dtype=np.uint8),
        np.asarray(cv2.merge([less, less, less]), dtype=np.uint8),
    )


def add_difference(pixels: NDArray[np.uint8], change: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return `pixels` plus the canvas `change` at their own size, the same in red, green and blue."""
    import cv2

    more, less = native(change, pixels.shape[1], pixels.shape[0])
    return np.asarray(cv2.subtract(cv2.add(np.ascontiguousarray(pixels), more), less), dtype=np.uint8)


def read_canvas(grey: NDArray[np.float32], aspect: float, key: bytes, scheme: str) -> Reading:
    """Search the id: as it lies, other brightness, other gamma, then wherever the template shows it to lie."""
    whole = np.ones(canvas.BLOCKS**2, dtype=np.float32)
    straight = read_lattice(grey, whole, key, scheme)
    if straight.found is not None or float(grey.std()) < 0.5:
        return straight
    seen, waves = template.received(grey), template.waves(key, scheme)
    trials = straight.trials
    for number, placed in enumerate(_placements(seen, waves, aspect, key, scheme)):
        curves = placed is None or number == 0
        moved, there = (grey, whole) if placed is None else onto_canvas(grey, placed)
        for gamma in (1.0, *(GAMMAS if curves else ())):
            reading = read_lattice(_curved(moved, gamma), there, key, scheme)
            trials += reading.trials
            if reading.found is not None:
                return Reading(reading.found, trials)
    return Reading(None, trials)


def _placements(
    seen: template.Received, waves: template.Waves, aspect: float, key: bytes, scheme: str
) -> Iterator[template.Placement | None]:
    """Yield where the picture may lie, likeliest first; `None` stands for as it is."""
    own = template.place(seen, np.eye(2), waves)
    if own.score >= SEEN and float(np.abs(own.shift).max()) < 0.005:
        yield None
    for found in template.search(seen, aspect, key, scheme)[:2]:
        if found.score < LIKELY:
            return
        fine = template.refined(seen, found, waves)
        if fine.score >= FINE:
            yield fine
            yield from template.simpler(fine, aspect)


def _curved(grey: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
    return grey if gamma == 1.0 else gamma_table(gamma)[np.rint(np.clip(grey, 0, 255)).astype(np.uint8)]


@lru_cache(maxsize=32)
def gamma_table(gamma: float) -> NDArray[np.float32]:
    """Return the 256 values of the power curve with exponent `gamma`."""
    return (255.0 * (np.arange(256) / 255.0) ** gamma).astype(np.float32)


def read_lattice(grey: NDArray[np.float32], there: NDArray[np.float32], key: bytes, scheme: str) -> Reading:
    """Decode the canvas as it lies at gain 1 and at the gains with the best lattice score.

    `there` says how much of each block `[64]` is in the picture; blocks at the ends of the scale count less.
    """
    where = canvas.layout(key, scheme)
    weights = there * open_blocks(grey)
    phases = canvas.sums_of(canvas.forward(grey), where) / np.float32(STEP)
    each = weights[:, None] * np.ones_like(phases)
    scores = canvas.gain_scores(phases, where, each, GAINS)
    gains = [1.0, *GAINS[np.argsort(-scores)[:TRIED]]]
    soft = np.stack(
        [
            canvas.soft_values(phases / np.float32(gain), where, weights[:, None] * canvas.band_weights(*bands))
            for gain in gains
            for bands in BLURS
        ]
    )
    decoded = [one for one in codes.decode(soft, key, scheme) if one is not None]
    best = max(decoded, key=lambda one: one.strength, default=None)
    return Reading(best, len(soft))


def open_blocks(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each block `[64]` how far it lies inside the scale of grey, 1 where nothing was cut off."""
    inside = ((grey > 1.5) & (grey < 253.5)).astype(np.float32)
    shape = (canvas.BLOCKS, canvas.BLOCK, canvas.BLOCKS, canvas.BLOCK)
    return np.asarray(inside.reshape(shape).mean(axis=(1, 3)).reshape(-1) ** 2 + 1e-3, dtype=np.float32)


def onto_canvas(
    grey: NDArray[np.float32], placed: template.Placement
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the received canvas moved to where it lies on the original one, and how much of each block is there."""
    import cv2

    side = canvas.SIDE
    back = np.linalg.inv(placed.matrix)
    middle = (side - 1) / 2.0
    origin = middle - back @ np.array([middle, middle]) - back @ placed.shift * side
    affine = np.column_stack([back, origin])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved = np.asarray(
        cv2.warpAffine(grey, affine, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32
    )
    there = np.asarray(cv2.warpAffine(np.ones_like(grey), affine, (side, side), flags=flags), dtype=np.float32)
    shape = (canvas.BLOCKS, canvas.BLOCK, canvas.BLOCKS, canvas.BLOCK)
    share = there.reshape(shape).mean(axis=(1, 3)).reshape(-1)
    return moved, np.where(share > 0.8, share, 0.0).astype(np.float32)
