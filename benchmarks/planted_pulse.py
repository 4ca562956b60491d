"""How much compression a planted pulse survives, and how often noise is called one.

Run: `.venv/bin/python -P benchmarks/planted_pulse.py --portraits ../shared/media/demo --out FILE`
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from assay.detect.cue import Untold
from assay.detect.visual.cues.cue import Seen
from assay.detect.visual.cues.pulse import PulseDetector, pulse_of
from assay.media.asset import Asset
from assay.media.decode import decode_image
from assay.media.encode import encode_film
from assay.media.video import Frame
from assay.media.view import View

BPM, RATE, SECONDS, SEED = 72.0, 25, 8, 1
STRENGTHS = (0.0, 0.004, 0.008)
CRFS = (18, 23, 28)
SKIN = np.array([0.33, 0.77, 0.53])
"""Relative strength of the pulse in red, green and blue (de Haan & Jeanne 2013)."""


def beat(times: np.ndarray) -> np.ndarray:
    """Return the pulse's shape at `times` in seconds: a sine with its double."""
    phase = 2 * np.pi * BPM / 60 * times
    return np.sin(phase) + 0.3 * np.sin(2 * phase + 1)


def living(portrait: Path, strength: float, rng: np.random.Generator) -> list[Frame]:
    """Return a portrait 320 pixels wide that sways, beats in its skin and has noise of 2.5 levels."""
    import cv2

    still = decode_image(Asset.open(portrait)).pixels
    small = cv2.resize(still, (320, round(320 * still.shape[0] / still.shape[1]) // 2 * 2)).astype(np.float32)
    red, green, blue = small[..., 0], small[..., 1], small[..., 2]
    mask = cv2.GaussianBlur(((red > green) & (green > blue * 0.9) & (red > 60)).astype(np.float32), (0, 0), 3)
    frames = []
    for number in range(RATE * SECONDS):
        time = number / RATE
        shown = small * (1 + strength * beat(np.array(time)) * SKIN * mask[..., None])
        sway = np.array([[1, 0, 2 * np.sin(time)], [0, 1, 1.5 * np.cos(0.7 * time)]], np.float32)
        shown = cv2.warpAffine(shown, sway, shown.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        noisy = np.clip(np.round(shown + rng.normal(0, 2.5, shown.shape)), 0, 255).astype(np.uint8)
        frames.append(Frame(index=number, time=time, image=noisy))
    return frames


def filmed(portrait: Path, strength: float, crf: int) -> dict[str, Any]:
    """Return what the cue says of one film after H.264."""
    frames = living(portrait, strength, np.random.default_rng([SEED, crf, round(1e4 * strength)]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "face.mp4"
        path.write_bytes(encode_film(frames, None, rate=Fraction(RATE), crf=crf))
        face = View.open(path).followed
    row: dict[str, Any] = {"portrait": portrait.stem, "strength": strength, "crf": crf}
    answer = Untold(why="no face") if face is None else PulseDetector().ask(Seen(followed=face))
    return row | ({"why": answer.why} if isinstance(answer, Untold) else answer.figures)


def noise(rate: float, seconds: float, trials: int) -> dict[str, Any]:
    """Return how often colours that only wander and tremble are called a pulse."""
    rng = np.random.default_rng([SEED, round(rate), round(seconds)])
    told = 0
    for trial in range(trials):
        steps = round(rate * seconds)
        light = 1 + 0.05 * np.cumsum(rng.normal(0, 1, steps)) / np.sqrt(steps)
        colours = (np.array([180.0, 130.0, 110.0]) * light[:, None])[:, None] + rng.normal(0, 0.3, (steps, 3, 3))
        if trial % 2:
            colours += np.cumsum(rng.normal(0, 0.1, (steps, 1, 3)), axis=0)
        told += pulse_of(colours, rate).told
    return {"rate": rate, "seconds": seconds, "trials": trials, "told": told}


def main() -> None:
    """Print a row for each film and each sort of noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = [noise(rate, seconds, 100) for rate in (15.0, 25.0, 30.0) for seconds in (6.0, 12.0)]
    print(json.dumps(rows), flush=True)
    for portrait in sorted(given.portraits.glob("portrait-*.jpg"))[:2]:
        for strength in STRENGTHS:
            for crf in CRFS:
                rows.append(filmed(portrait, strength, crf))
                print(json.dumps(rows[-1]), flush=True)
    if given.out:
        given.out.write_text(json.dumps({"machine": platform.platform(), "seed": SEED, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
