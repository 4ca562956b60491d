"""What `visual-drawn` would say of photographs in which nobody is seen, and of them drawn by a network it never met.

The photographs are 37 of those in Debian's packages of wallpapers (lomiri-wallpapers-16.04, lomiri-wallpapers-20.04,
mate-backgrounds, plasma-workspace-wallpapers, ukui-wallpapers; licences lie in each): drawings and patterns were left
out by eye. Of each the middle 448 pixels, as they are and as Real-ESRGAN's large network (`realesrgan-x4plus`, which no
training uses) draws them from a quarter of the size, both as JPEG 90; and each photograph whole.

Run: `apt-get download` the packages, `dpkg -x` each into FOLDER, then
`.venv/bin/python -P benchmarks/photographs.py --folder FOLDER --out FILE`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from assay.detect.finding import Evidence, Skipped
from assay.detect.model import shipped
from assay.detect.train.enlarge import enlarged
from assay.detect.train.fit import auc
from assay.detect.train.portraits import washed_pixels
from assay.detect.visual.drawn import NAME, DrawnDetector, pooled
from assay.eval.checkout import commit
from assay.media.asset import Asset
from assay.media.decode import decode_image
from assay.media.image import Still
from assay.media.view import View
from numpy.typing import NDArray

CHOSEN = Path(__file__).with_name("parts") / "photographs.txt"
"""SHA-256 of the photographs, the first 16 digits."""
SIDE, TIMES, DRAWS = 448, 4, 1000
Pixels = NDArray[np.uint8]


def chosen(folder: Path) -> list[Path]:
    """Return the photographs below `folder`, one of each."""
    wanted = CHOSEN.read_text(encoding="ascii").split()
    found = {}
    for path in sorted(folder.rglob("*.jpg")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        if digest in wanted:
            found.setdefault(digest, path)
    if len(found) < len(wanted):
        msg = f"expected {len(wanted)} photographs below {folder}, got {len(found)}: unpack the packages named above"
        raise SystemExit(msg)
    return list(found.values())


def score_of(pixels: Pixels) -> tuple[float, float]:
    """Return the raw score of a picture, and the log10 ratio that it would have if there were a face."""
    view = View.of(Still(pixels=np.ascontiguousarray(pixels)))
    answer = DrawnDetector().examine(Evidence(view=view, verification=None))
    if isinstance(answer, Skipped):
        raise SystemExit(answer.why)
    pieces: Any = view.known(NAME)
    return pooled(pieces), shipped(NAME).llr(pooled(pieces))


def drawn(pixels: Pixels) -> Pixels:
    """Return `pixels` as the large network draws them from a quarter of their size."""
    import cv2

    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (width // TIMES, height // TIMES), interpolation=cv2.INTER_AREA)
    return np.asarray(enlarged(np.asarray(small, np.uint8), "realesrgan-x4plus").round(), np.uint8)


def main() -> None:
    """Score, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    rows = []
    for path in chosen(given.folder):
        whole = decode_image(Asset.open(path)).pixels
        top, left = ((side - SIDE) // 2 for side in whole.shape[:2])
        part = np.ascontiguousarray(whole[top : top + SIDE, left : left + SIDE])
        coded = [washed_pixels(one, "jpeg-90", np.random.default_rng(0)) for one in (part, drawn(part))]
        rows.append([*score_of(whole), *score_of(coded[0]), *score_of(coded[1])])
    table = np.array(rows)
    rng = np.random.default_rng(1)
    labels = np.repeat([False, True], len(table))
    draws = (np.arange(len(table)), *rng.integers(len(table), size=(DRAWS, len(table))))
    told_apart = [auc(labels, np.concatenate([table[at, 2], table[at, 4]])) for at in draws]
    between = np.percentile(told_apart[1:], (2.5, 97.5))
    model = shipped(NAME)
    told = {
        "commit": commit(),
        "model": model.card["sha256"][:12],
        "photographs": len(table),
        "whole": _ratios(table[:, 1]),
        "middle, JPEG 90": _ratios(table[:, 3]),
        "middle drawn, JPEG 90": _ratios(table[:, 5]),
        "auc of drawn against real middles": round(told_apart[0], 3),
        "interval": [round(float(value), 3) for value in between],
        "in pairs the drawn one higher": round(float(np.mean(table[:, 4] > table[:, 2])), 3),
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1))


def _ratios(ratios: NDArray[np.float64]) -> dict[str, float]:
    low, middle, high = np.percentile(ratios, (0, 50, 100))
    over = {f"share over {odds} : 1": round(float(np.mean(ratios >= np.log10(odds))), 3) for odds in (2, 10)}
    return {"least": round(low, 2), "median": round(middle, 2), "most": round(high, 2)} | over


if __name__ == "__main__":
    main()
