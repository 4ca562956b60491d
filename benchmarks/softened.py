"""What `visual-drawn` says of real and fake pictures with a face that were blurred, denoised, enlarged or shared first.

A real picture that was softened or enlarged by plain means was drawn by nobody. 40 real pictures and 20 fakes of the
collection, drawn by seed, through each chain; the lines were taught on the real ones (as they are and by chains of
their own), never on the fakes, so what is told of the real ones is a little kind.

Run: `.venv/bin/python -P benchmarks/softened.py --media ../shared/media --out FILE`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import read
from assay.detect.finding import Evidence, Skipped
from assay.detect.model import shipped
from assay.detect.train.fit import auc
from assay.detect.train.portraits import washed_pixels
from assay.detect.visual.drawn import NAME, DrawnDetector
from assay.eval.checkout import commit
from assay.media.asset import Asset
from assay.media.decode import decode_image
from assay.media.image import Still
from assay.media.view import View
from numpy.typing import NDArray

CHAINS = (
    *("none", "jpeg-90", "blur+jpeg-90", "blur-2+jpeg-90", "median-3+jpeg-70", "scale-2+jpeg-90", "gif", "social-feed"),
)
COUNTS, SEED = {False: 40, True: 20}, 1


def ratio_of(pixels: NDArray[np.uint8]) -> float | None:
    """Return the log10 ratio of a picture; `None` where none counts."""
    view = View.of(Still(pixels=np.ascontiguousarray(pixels)))
    answer = DrawnDetector().examine(Evidence(view=view, verification=None))
    return None if isinstance(answer, Skipped) or not answer[0].weighs else answer[0].llr


def main() -> None:
    """Ask, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    items = [item for item in read(given.media / "faces") if item.kind == "image"]
    rng = np.random.default_rng(SEED)
    chosen = []
    for spoof, count in COUNTS.items():
        some = [item for item in items if item.spoof == spoof]
        chosen += [some[number] for number in sorted(rng.choice(len(some), count, replace=False))]
    told: dict[str, Any] = {"commit": commit(), "model": shipped(NAME).card["sha256"][:12]}
    for chain in CHAINS:
        rows = []
        for number, item in enumerate(chosen):
            pixels = washed_pixels(decode_image(Asset.open(item.path)).pixels, chain, np.random.default_rng(number))
            ratio = ratio_of(pixels)
            if ratio is not None:
                rows.append((item.spoof, ratio))
        spoof, ratios = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        told[chain] = {"auc": round(auc(spoof, ratios), 3)}
        for name, part in (("real", ratios[~spoof]), ("fake", ratios[spoof])):
            told[chain][name] = {
                "answered": len(part),
                "median": round(float(np.median(part)), 2),
                **{f"over {odds} : 1": round(float(np.mean(part >= np.log10(odds))), 3) for odds in (2, 5)},
            }
        print(chain, told[chain], flush=True)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
