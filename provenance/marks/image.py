"""The mark for pictures: a lattice that carries the id and a template that finds it after crop, scaling and turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import canvas, codes, image_reader, presence, template
from .interface import Mark, MarkError

LEAST_SIDE = 128
"""Pixels: a smaller picture has no room for the waves of the mark."""
PULL = 0.74
"""How far a sum is moved to its lattice point; less than all leaves a wider step at the same loss (Costa 1983)."""
FLAT_PULL = 0.5
"""The same where the picture is flat and a change is seen most easily."""
WAVE_SHARE = 0.45
"""Part of the loss that the template may take."""
WAVE_NEED = 0.3
"""Level of the template over the picture's own in the same band that is found again in a half of the picture."""
LOSS = 3.75
"""Mean square of the whole change in grey levels squared, before blurring makes it a little dearer: 42.1 dB after."""
ROUNDS = 4
"""Times that the change is corrected by what it reached: blurring and limits take some of it."""


class CanvasMark:
    """The picture mark under the catalogue name `name`; stateless, the patterns of a key are cached."""

    name = "assay.canvas.1"

    def embed(self, pixels: NDArray[np.uint8], payload: int, key: bytes) -> NDArray[np.uint8]:
        """Return `pixels` with `payload` in it. Raises `MarkError` if the picture is small or the key is wrong."""
        codes.check_payload(payload)
        check_size(pixels)
        grey = canvas.canvas_of(pixels)
        return add_difference(
            pixels,
            difference(
                grey,
                codes.encode(payload, key, self.name),
                canvas.layout(key, self.name, canvas.PICTURES),
                template.pattern(key, self.name),
            ),
        )

    def detect(self, pixels: NDArray[np.uint8], key: bytes) -> Mark | None:
        """Return the mark of `pixels` under `key`, or `None`."""
        if min(pixels.shape[:2]) < LEAST_SIDE // 4:
            return None
        reading = image_reader.read_canvas(canvas.canvas_of(pixels), pixels.shape[0] / pixels.shape[1], key, self.name)
        if reading.found is None:
            return None
        p = codes.p_false_alarm(reading.found.strength, reading.trials)
        return Mark(scheme=self.name, payload=reading.found.payload, p_false_alarm=p)

    def presence(self, pixels: NDArray[np.uint8], key: bytes) -> float:
        """Return the p-value of "`pixels` are unmarked under `key`" as they lie: uniform in (0, 1] without a mark."""
        where = canvas.layout(key, self.name, canvas.PICTURES)
        return presence.p_value(image_reader.turns_of(canvas.canvas_of(pixels), where), where)


def check_size(pixels: NDArray[Any]) -> None:
    """Raise `MarkError` if the picture is too small to be marked."""
    if min(pixels.shape[:2]) < LEAST_SIDE:
        msg = (
            f"a picture of at least {LEAST_SIDE} pixels a side can be marked, got {pixels.shape[1]} x {pixels.shape[0]}"
        )
        raise MarkError(msg)


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


def difference(
    grey: NDArray[np.float32], symbols: NDArray[np.float32], where: canvas.Layout, waved: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what must be added to the canvas `grey` so that it carries `symbols` and the template `waved`."""
    most = 0.3 * where.grid.step
    block, pixel = pulls_of(grey)
    open_ = np.minimum(pixel * 4.0, 1.0)
    waves = wave_level(grey, pixel, where.grid.pilot) * pixel * waved
    sums = canvas.sums_of(canvas.forward(grey + waves, where), where)
    errors = canvas.errors_to_lattice(sums, symbols, where)
    wanted = errors * block[:, None]
    left = LOSS - float(np.square(waves).mean())
    loss = float(np.square(wanted).sum()) / grey.size
    wanted *= np.float32(min(1.15, np.sqrt(left / max(loss, 1e-9))))
    change, out = wanted, waves
    for turn in range(ROUNDS):
        out = waves + open_ * canvas.backward(canvas.spread(change, where), where)
        out = np.clip(grey + out, 0.0, 255.0) - grey
        if turn + 1 < ROUNDS:
            reached = canvas.sums_of(canvas.forward(grey + out, where), where) - sums
            change = change + np.clip(wanted - reached, -most, most)
    return out.astype(np.float32)


def wave_level(grey: NDArray[np.float32], pixel: NDArray[np.float32], levels: tuple[float, float]) -> float:
    """Return the level of the template: the busier the picture and the less of it may be changed, the more."""
    import cv2

    fine = grey - cv2.blur(grey, (11, 11), borderType=cv2.BORDER_REFLECT)
    power = cv2.blur(fine * fine, (21, 21), borderType=cv2.BORDER_REFLECT)
    seen = pixel / np.sqrt(np.maximum(power, 0.0) + 4.0)
    needed = WAVE_NEED / float(np.sqrt(np.square(seen).mean()) + 1e-6)
    most = np.sqrt(WAVE_SHARE * LOSS / (float(np.square(pixel).mean()) + 1e-6))
    return float(np.clip(needed, levels[0], min(levels[1], most)))


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
