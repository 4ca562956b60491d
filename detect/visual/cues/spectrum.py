"""The face's spectrum: how it falls off, peaks that a grid leaves, and block cosines.

Azimuthal average after Durall, Keuper & Keuper, "Watch your up-convolution", CVPR 2020; peaks after Zhang, Karaman &
Chang, "Detecting and simulating artifacts in GAN fake images", IEEE WIFS 2019; block cosines after Frank et al.,
"Leveraging frequency analysis for deep fake image recognition", ICML 2020.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...cue import Measured, Untold
from .cue import F64
from .portrait import Portrait, PortraitCue

FITTED = (0.04, 0.20)
"""Cycles a pixel between which the natural fall of power is fitted."""
HIGH = (0.30, 0.48)
"""Cycles a pixel where it is compared with the fall carried on."""
_ORDER = np.add.outer(np.arange(8), np.arange(8))


def power_of(light: NDArray[np.floating]) -> F64:
    """Return the power spectrum of a square part `[n, n]`, middle at frequency 0."""
    flat = np.asarray(light, np.float64) - float(np.mean(light))
    window = np.hanning(len(flat))
    return np.asarray(np.abs(np.fft.fftshift(np.fft.fft2(flat * window[:, None] * window))) ** 2)


def azimuthal(power: F64) -> tuple[F64, F64]:
    """Return frequencies in cycles a pixel up to 0.5 and the mean power `[n / 2]` on the ring of each."""
    half = len(power) // 2
    rows, columns = np.mgrid[: len(power), : len(power)] - half
    ring = np.minimum(np.hypot(rows, columns).round().astype(np.int64), half)
    total = np.bincount(ring.ravel(), weights=power.ravel(), minlength=half + 1)[1:]
    number = np.bincount(ring.ravel(), minlength=half + 1)[1:]
    return np.arange(1, half + 1) / len(power), total / np.maximum(number, 1)


def excess(power: F64) -> tuple[float, float]:
    """Return the slope of log power over log frequency, and the decibels by which the high end exceeds that line."""
    hertz, mean = azimuthal(power)
    level = 10.0 * np.log10(mean + 1e-6)
    fitted = (hertz >= FITTED[0]) & (hertz <= FITTED[1])
    slope, start = np.polyfit(np.log10(hertz[fitted]), level[fitted], 1)
    high = (hertz >= HIGH[0]) & (hertz <= HIGH[1])
    return float(slope) / 10.0, float(np.mean(level[high] - (start + slope * np.log10(hertz[high]))))


def peak(power: F64) -> tuple[float, float]:
    """Return how far the highest lonely peak stands out of its surroundings, in decibels, and its frequency.

    The axes are left out: edges of pictures and 8 x 8 blocks leave peaks there.
    """
    import cv2

    half = len(power) // 2
    level = np.asarray(10.0 * np.log10(cv2.blur(power, (3, 3)) + 1e-6), np.float32)
    scaled = np.clip((level + 60.0) * (255.0 / 180.0), 0, 255).astype(np.uint8)
    around = cv2.medianBlur(scaled, 17).astype(np.float32) * (180.0 / 255.0) - 60.0
    rows, columns = np.abs(np.mgrid[: len(power), : len(power)] - half) / len(power)
    inside = (np.minimum(rows, columns) > 0.03) & (np.hypot(rows, columns) > 0.12)
    inside[:8] = inside[-8:] = inside[:, :8] = inside[:, -8:] = False
    stands = np.where(inside, level - around, -np.inf)
    place = int(np.argmax(stands))
    return float(stands.flat[place]), float(np.hypot(rows, columns).flat[place])


def cosines(light: NDArray[np.floating]) -> float:
    """Return the decibels of fine against middling block cosines, off the 8 x 8 grid that JPEG would have used."""
    import cv2

    part = np.asarray(light[4:-4, 4:-4], np.float32)
    rows, columns = (side // 8 for side in part.shape)
    blocks = part[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    power = np.mean([cv2.dct(np.ascontiguousarray(block)) ** 2 for block in blocks], axis=0)
    fine, middling = power[_ORDER >= 9].mean(), power[(_ORDER >= 3) & (_ORDER <= 5)].mean()
    return float(10.0 * np.log10((fine + 1e-6) / (middling + 1e-6)))


class SpectrumDetector(PortraitCue):
    """Says how the face's spectrum differs from the even fall of a photograph's."""

    name = "visual-spectrum"
    version = "1"
    side = 96.0

    def measure(self, face: Portrait) -> Measured | Untold:
        """Return slope, high-end excess, highest peak and block cosines; the score is the peak."""
        middle = face.points.mean(axis=0)
        height, width = face.image.shape[:2]
        half = int(min(256, 0.5 * face.side, middle[0], middle[1], width - middle[0], height - middle[1])) // 8 * 8
        if half < 40:
            return Untold(why="the face is cut off by the picture's edge")
        left, top = (int(v) // 8 * 8 for v in middle - half)
        part = face.image[max(0, top) : top + 2 * half, max(0, left) : left + 2 * half]
        size = min(part.shape[:2])
        light = part[:size, :size] @ np.array([0.299, 0.587, 0.114])
        power = power_of(light)
        slope, high = excess(power)
        height_of_peak, where = peak(power)
        figures = {"slope": slope, "excess": high, "peak": height_of_peak, "at": where, "cosines": cosines(light)}
        note = (
            f"power falls with frequency to the {slope:.1f}, its high end {high:+.1f} dB beside that line, "
            f"highest lonely peak {height_of_peak:.1f} dB at {where:.2f} cycles a pixel"
        )
        return Measured(score=height_of_peak, note=note, figures=figures)
