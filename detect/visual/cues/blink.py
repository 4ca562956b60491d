"""How often and how fully the eyes close, by the aspect ratio of the lids' landmarks.

Ratio after Soukupova & Cech, "Real-time eye blink detection using facial landmarks", CVWW 2016, equation 1; the idea
that made faces blink too seldom after Li, Chang & Lyu, "In ictu oculi", IEEE WIFS 2018. People blink 4 to 30 times
a minute.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...cue import Measured, Untold
from .cue import F64, CueDetector, Needs, Seen, evenly

RATE = 25.0
"""Hertz at which the lids are looked at."""
CLOSED = 0.72
"""Share of the eye's usual opening below which it counts as closed."""
SHORTEST, LONGEST = 0.06, 0.6
"""Seconds that a blink lasts; longer is a look down or eyes shut."""
_EYES = ((33, 160, 158, 133, 153, 144), (362, 385, 387, 263, 373, 380))


def aspect(points: NDArray[np.floating]) -> F64:
    """Return the mean aspect ratio of both eyes, `[n]`, of landmarks `[n, 468, 3]`: about 0.3 open, under 0.15 shut."""
    ratios = []
    for eye in _EYES:
        corner, up1, up2, other, low2, low1 = (points[:, mark, :2] for mark in eye)
        high = np.linalg.norm(up1 - low1, axis=1) + np.linalg.norm(up2 - low2, axis=1)
        ratios.append(high / np.maximum(2.0 * np.linalg.norm(corner - other, axis=1), 1e-6))
    return np.asarray(np.mean(ratios, axis=0), np.float64)


def blinks(ratio: F64, *, rate: float = RATE) -> list[tuple[float, float, float]]:
    """Return each blink in `ratio` `[n]`: when it is deepest and how long it lasts, in seconds, and how far it closes.

    How far is 0..1 of the usual opening, which is the median of the two seconds around.
    """
    half = round(rate)
    usual = np.array([np.median(ratio[max(0, n - half) : n + half + 1]) for n in range(len(ratio))])
    share = ratio / np.maximum(usual, 1e-6)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (share < CLOSED).astype(np.int8), [0]]))).reshape(-1, 2)
    found = []
    for start, end in edges:
        lasting = (end - start) / rate
        if SHORTEST <= lasting <= LONGEST:
            deepest = int(start + np.argmin(share[start:end]))
            found.append((deepest / rate, float(lasting), float(1.0 - share[deepest])))
    return found


class BlinkDetector(CueDetector):
    """Counts blinks."""

    name = "visual-blink"
    version = "1"
    needs = Needs(seconds=8.0, rate=15.0, side=80.0)

    def measure(self, seen: Seen) -> Measured | Untold:
        """Return the rate of blinks; their absence in so short a stretch is common among people too."""
        face = seen.followed
        found = blinks(evenly(face.times, aspect(face.points), RATE))
        a_minute = 60.0 * len(found) / face.seconds
        longest = f", {np.median([lasting for _, lasting, _ in found]):.2f} s each" if found else ""
        return Measured(
            score=-a_minute,
            note=f"{len(found)} blink{'s' * (len(found) != 1)} in {face.seconds:.1f} s{longest}",
            figures={"a_minute": a_minute, "count": float(len(found))},
        )
