"""What a recording went through before it came to be this file: band limits, MP3 and AAC grids, resampling, levels.

It describes and accuses nobody: honest recordings are compressed, resampled and cut every day. Grids are traced in
`grids`, interpolation in `beats`.
"""

from __future__ import annotations

import numpy as np

from ...cue import Measured
from .beats import interpolation
from .cue import F64, AudioCue, Needs, Recording, decibels, framed
from .grids import grids

GRID_HEIGHT = 8.0
"""From here on a grid is told: see docs/audio-cues.md for how often sound without one passes."""
PERIOD_HEIGHT = 14.0
"""Decibels that a period of interpolation stands out of the spectrum of the second difference's size."""
EDGE_DROP = 20.0
"""Decibels that the level falls within 400 Hz where a band ends."""
LOSSY = ("mp3", "mp2", "aac", "opus", "vorbis", "ac3", "eac3", "wma", "amr", "gsm", "g72", "adpcm", "atrac", "speex")
"""Beginnings of the names of codecs that leave traces of their own."""
_FFT = 2048
_EDGES = (
    (3300.0, 4100.0, "a telephone or 8 kHz sampling"),
    (5300.0, 5600.0, "11.025 kHz sampling"),
    (5800.0, 6100.0, "12 kHz sampling, or a strong Opus"),
    (6800.0, 8100.0, "16 kHz sampling, wide-band telephony or Opus"),
    (9800.0, 11_100.0, "22.05 kHz sampling or MP3 at 64 kbit/s and less"),
    (11_400.0, 12_100.0, "24 kHz sampling or Opus"),
    (14_800.0, 16_300.0, "32 kHz sampling, MP3 at 128 kbit/s or AAC"),
    (18_500.0, 20_300.0, "MP3 at 192 to 320 kbit/s, AAC or Opus"),
)


def band_edge(samples: F64, rate: int) -> tuple[float, float]:
    """Return where the band ends in hertz and by how many decibels the level falls there; `(rate / 2, 0)` if nowhere.

    The level is the mean power of the loud frames; from the edge on it must stay below what it fell to, within 6 dB.
    """
    pieces = framed(samples, _FFT, _FFT // 2)
    if not len(pieces):
        return rate / 2, 0.0
    power = np.abs(np.fft.rfft(pieces * np.hanning(_FFT), axis=1)) ** 2
    loud = power.sum(axis=1) >= np.percentile(power.sum(axis=1), 50)
    level = decibels(power[loud].mean(axis=0) / _FFT)
    hertz = rate / _FFT
    reach = max(2, round(200.0 / hertz))
    smooth = np.convolve(level, np.ones(reach) / reach, mode="same")
    best, fall = rate / 2, 0.0
    for place in range(round(2000.0 / hertz), len(level) - 2 * reach):
        drop = float(smooth[place - reach] - smooth[place + reach])
        after = float(smooth[place + reach : -reach].max())
        if drop > fall and after <= smooth[place + reach] + 6.0:
            best, fall = place * hertz, drop
    return (best, fall) if fall >= EDGE_DROP else (rate / 2, fall)


def values_used(samples: F64) -> tuple[int, int]:
    """Return how many different values the samples take, and how many bits of 24 they need.

    G.711 (mu-law, A-law) leaves at most 256 values, whatever the file's own depth.
    """
    whole = np.unique(np.round(samples * 2.0**23).astype(np.int64))
    steps = np.diff(whole)
    if not steps.size:
        return len(whole), 0
    step = int(np.gcd.reduce(steps))
    return len(whole), max(1, 24 - int(np.floor(np.log2(max(step, 1)))))


class CodecDetector(AudioCue):
    """Tells the history of compression and sampling."""

    name = "audio-codec"
    version = "1"
    needs = Needs(seconds=1.0)

    def measure(self, heard: Recording) -> Measured:
        """Return what traces there are."""
        samples, rate = heard.samples, heard.rate
        edge, drop = band_edge(samples, rate)
        period, height = interpolation(samples[: 30 * rate])
        values, bits = values_used(samples[: 30 * rate])
        figures = {"edge": edge, "edge_share": 2.0 * edge / rate, "drop": drop}
        figures |= {"interpolation": height, "values": float(values), "bits": float(bits)}
        told = [_band(edge, rate)] if edge < 0.96 * rate / 2 and drop >= EDGE_DROP else []
        for grid in grids(samples, rate):
            figures[f"{grid.codec.lower()}_grid"] = grid.height
            if grid.height >= GRID_HEIGHT:
                own = heard.codec.startswith(grid.codec.lower())
                told.append(f"the frame grid of {grid.codec}" + (", the file's own codec" if own else ""))
        if height >= PERIOD_HEIGHT:
            told.append(f"interpolation with a period of {1.0 / max(period, 1e-9):.2f} samples")
        if 2 <= values <= 256 and heard.audio.seconds >= 2.0:
            told.append(f"no more than {values} different values (8-bit or G.711 telephony)")
        own_codec = f"; the file itself is {heard.codec}" if heard.codec.startswith(LOSSY) else ""
        found = "; ".join(told) if told else "no trace of an earlier lossy codec, band limit or interpolation"
        return Measured(note=f"history: {found}{own_codec}", figures=figures)


def _band(edge: float, rate: int) -> str:
    known = next((words for low, high, words in _EDGES if low <= edge <= high), "a low-pass")
    return f"nothing above {edge / 1000:.1f} kHz though {rate / 2000:g} kHz would fit ({known})"
