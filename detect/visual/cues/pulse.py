"""The pulse in the colour of the skin: whether there is one, how fast, and whether forehead and cheeks agree.

POS after Wang et al., "Algorithmic principles of remote PPG", IEEE TBME 64(7), 2017, algorithm 1; CHROM and the
signal-to-noise ratio after de Haan & Jeanne, "Robust pulse rate from chrominance-based rPPG", IEEE TBME 60(10), 2013.
Compression takes most of the pulse out of most films, so that no pulse is no sign of a fake.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....media.faces import SKIN
from ...cue import Measured, Untold
from .cue import F64, CueDetector, Needs, Seen, evenly

BAND = (0.7, 3.0)
"""Hertz: 42 to 180 beats a minute."""
WINDOW = 1.6
"""Seconds of one window of either method, as in both papers at rest."""
AGREEMENT = 5.0
"""Beats a minute within which two rates are one."""
LEAST_SNR = 0.0
"""Decibels below which a peak is not called a pulse: see docs/detectors.md for how often noise passes."""
LEAST_TIES = 0.3
"""Mean correlation of the patches' signals below which their common rate is a chance."""
MOST_MISSING = 0.2
"""Share of frames in which a patch may lie outside the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """A rate in beats a minute and how far it stands out: `snr` in decibels; `told` says whether it is believed.

    `patches` is the share of skin patches that by themselves give the same rate; `ties` is the mean correlation of
    the patches' signals in the band of the pulse.
    """

    bpm: float
    snr: float
    patches: float
    ties: float
    told: bool


def pos(colours: F64, rate: float) -> F64:
    """Return the pulse signal `[n]` of mean skin colours `[n, 3]` (RGB) at `rate` hertz, by projection (POS)."""
    length = min(len(colours), max(2, round(WINDOW * rate)))
    out = np.zeros(len(colours))
    for start in range(len(colours) - length + 1):
        part = colours[start : start + length]
        red, green, blue = (part / part.mean(axis=0)).T
        first, second = green - blue, green + blue - 2.0 * red
        mixed = first + first.std() / (second.std() + 1e-12) * second
        out[start : start + length] += mixed - mixed.mean()
    return out


def chrom(colours: F64, rate: float) -> F64:
    """Return the pulse signal `[n]` of mean skin colours `[n, 3]` (RGB) at `rate` hertz, by chrominance (CHROM).

    Colours are divided by their running mean and filtered before they are cut into windows, not after: windows of
    `WINDOW` seconds are too short for a filter that must part 0.7 from 0.5 hertz.
    """
    length = min(len(colours), 2 * max(2, round(WINDOW * rate / 2)))
    red, green, blue = (colours / _running_mean(colours, length)).T
    first, second = in_band(3.0 * red - 2.0 * green, rate), in_band(1.5 * red + green - 1.5 * blue, rate)
    window = np.hanning(length)
    out = np.zeros(len(colours))
    for start in range(0, len(colours) - length + 1, length // 2):
        part = slice(start, start + length)
        mixed = first[part] - first[part].std() / (second[part].std() + 1e-12) * second[part]
        out[part] += window * (mixed - mixed.mean())
    return out


def _running_mean(colours: F64, length: int) -> F64:
    """Return the mean of the `length` rows around each row of `colours` `[n, 3]`, fewer at the ends."""
    sums = np.concatenate([np.zeros((1, colours.shape[1])), np.cumsum(colours, axis=0)])
    places = np.arange(len(colours))
    low, high = np.maximum(places - length // 2, 0), np.minimum(places + length // 2 + 1, len(colours))
    return np.asarray((sums[high] - sums[low]) / (high - low)[:, None])


def in_band(signal: F64, rate: float) -> F64:
    """Return what of `signal` `[n]` lies in `BAND`, its straight trend taken off first."""
    steps = np.arange(len(signal))
    flat = signal - np.polyval(np.polyfit(steps, signal, 1), steps)
    spectrum = np.fft.rfft(flat)
    hertz = np.fft.rfftfreq(len(signal), 1.0 / rate)
    spectrum[(hertz < BAND[0]) | (hertz > BAND[1])] = 0.0
    return np.asarray(np.fft.irfft(spectrum, len(signal)))


def strongest(signal: F64, rate: float) -> tuple[float, float]:
    """Return the rate of the highest peak in beats a minute, and its signal-to-noise ratio in decibels.

    Signal is the power within 0.1 Hz of the peak and 0.2 Hz of its double (wider where the stretch is short), noise
    the rest of 0.5 to 4 Hz.
    """
    steps = np.arange(len(signal))
    flat = signal - np.polyval(np.polyfit(steps, signal, 1), steps)
    size = max(4096, 1 << (len(signal) - 1).bit_length())
    power = np.abs(np.fft.rfft(flat * np.hanning(len(signal)), size)) ** 2
    hertz = np.fft.rfftfreq(size, 1.0 / rate)
    inside = (hertz >= BAND[0]) & (hertz <= BAND[1])
    peak = float(hertz[inside][np.argmax(power[inside])])
    half = max(0.1, rate / len(signal))
    counted = (hertz >= 0.5) & (hertz <= 4.0)
    near = (np.abs(hertz - peak) <= half) | (np.abs(hertz - 2.0 * peak) <= 2.0 * half)
    wanted, rest = float(power[counted & near].sum()), float(power[counted & ~near].sum())
    return 60.0 * peak, float(10.0 * np.log10((wanted + 1e-20) / (rest + 1e-20)))


def pulse_of(skin: F64, rate: float) -> Pulse:
    """Return the pulse in skin colours `[n, patches, 3]` (RGB, 0..255) at even steps of `1 / rate` seconds.

    It is told when POS and CHROM over all patches agree, the peak stands `LEAST_SNR` out of the noise, most patches
    alone give the same rate, and their signals go together by `LEAST_TIES`.
    """
    together = skin.mean(axis=1)
    bpm, snr = strongest(pos(together, rate), rate)
    other = strongest(chrom(together, rate), rate)[0]
    signals = [pos(skin[:, place], rate) for place in range(skin.shape[1])]
    same = [abs(strongest(signal, rate)[0] - bpm) <= AGREEMENT for signal in signals]
    narrow = np.array([in_band(signal, rate) for signal in signals])
    ties = np.corrcoef(narrow + 1e-12 * np.arange(narrow.shape[1]))
    share = float(np.mean(same))
    tied = float(np.nan_to_num(ties)[~np.eye(len(signals), dtype=bool)].mean())
    told = abs(other - bpm) <= AGREEMENT and snr >= LEAST_SNR and share > 0.5 and tied >= LEAST_TIES
    return Pulse(bpm=bpm, snr=snr, patches=share, ties=tied, told=told)


class PulseDetector(CueDetector):
    """Looks for one heartbeat in forehead and cheeks."""

    name = "visual-pulse"
    version = "1"
    needs = Needs(seconds=6.0, rate=15.0, side=80.0)

    def measure(self, seen: Seen) -> Measured | Untold:
        """Return how the pulse stands out; `Untold` if skin is out of sight or the light itself beats."""
        face = seen.followed
        if float(np.isnan(face.skin).any(axis=(1, 2)).mean()) > MOST_MISSING:
            return Untold(why="forehead or cheeks are out of the picture too often")
        found = pulse_of(evenly(face.times, face.skin, face.rate), face.rate)
        figures = {"bpm": found.bpm, "snr": found.snr, "patches": found.patches, "ties": found.ties}
        if found.told and np.isfinite(face.surround).all():
            light = evenly(face.times, face.surround, face.rate).mean(axis=1)
            bpm, snr = strongest(light, face.rate)
            if snr >= LEAST_SNR and abs(bpm - found.bpm) <= AGREEMENT:
                return Untold(why=f"the light around the face beats as well ({bpm:.0f} a minute)")
        agree = f"{round(found.patches * len(SKIN))} of {len(SKIN)} patches of skin agree"
        said = f"{found.bpm:.0f} beats a minute, {found.snr:+.1f} dB, {agree}"
        note = f"a pulse: {said}" if found.told else f"no pulse can be told (strongest: {said})"
        return Measured(score=-found.snr, note=note, figures={**figures, "told": float(found.told)})
