"""What the networks of `visual-seam` say of people they never met: scores for `benchmarks/seeing_tables.py`.

A real item is scored by the network of the half of the people that it is not in, a fake by both, which never saw a fake
by others: in each version that `benchmarks/seeing.py` wrote into `--cache`. `--work` is the folder that
`assay train visual --model seam --cache FOLDER` left its networks in. Stops after `--seconds` and goes on where it
stopped; `--out` is complete when a run ends by itself.

Run: `.venv/bin/python -P benchmarks/seeing_seam.py --media ../shared/media --cache FOLDER --work FOLDER --out FILE`.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

from assay.datasets import splits
from assay.datasets.corpus import read
from assay.detect.train.eyes.seam import Seam
from assay.detect.train.seam import Settings
from assay.detect.train.seam_figures import seen_of

sys.path.append(str(Path(__file__).parent))
import seeing


def networks(work: Path, settings: Settings) -> list[Seam]:
    """Return the network of each fold, after its last cycle."""
    import torch

    eyes = []
    for fold in range(settings.folds):
        eye = Seam()
        kept = work / f"fold-{fold}" / f"cycle-{len(settings.cycles) - 1}" / "eye.pt"
        eye.load_state_dict(torch.load(kept, weights_only=True))
        eyes.append(eye.eval())
    return eyes


def main() -> None:
    """Score every version whose file is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("media", "cache", "work", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=math.inf)
    given = parser.parse_args()
    settings, begun = Settings(), time.monotonic()
    items = [item for item in read(given.media / "faces") if item.kind != "audio"]
    folds = splits.group_folds(items, folds=settings.folds, seed=settings.seed)
    eyes = networks(given.work, settings)
    with seeing.continued(given.out) as (there, add):
        for number in range(4):
            for item, fold in zip(items, folds, strict=True):
                version = seeing.versions(item)[number]
                path = seeing.place_of(item, version, given.cache)
                if (number and not seeing.washable(item)) or (item.id, version) in there or not path.exists():
                    continue
                if time.monotonic() - begun > given.seconds:
                    return
                seen = seen_of(replace(item, path=path, region=None), eyes, fold)
                add(item, version, math.nan if seen is None else seen.score)


if __name__ == "__main__":
    main()
