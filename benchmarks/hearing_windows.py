"""What hearing a fifth of the windows costs: a scan scores at most 12 of a minute's 59, evenly spread.

    .venv/bin/python -P benchmarks/hearing_windows.py --media ../shared/media --work out/train --cache out/hearing \
        --out out

On the windows kept by the training, scored by lines that met neither page nor maker. A recording is what one page has
of one maker (or of nobody), end to end: all its windows against one in five, at least one. Then clips, of which one
window is heard instead of three. Writes `hearing_windows.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
import numpy as np
from assay.datasets.corpus import Item, read
from assay.detect.train.fit import made
from assay.eval.metrics import auc, eer
from assay.eval.statistics import group_bootstrap
from hearing_ear import ear_rows
from numpy.typing import NDArray

SEED, DRAWS, SHARE, LEAST = 1, 300, 5, 5
F64 = NDArray[np.float64]


def main() -> None:
    """Measure, print and write."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("media", "work", "cache", "out"):
        options.add_argument(f"--{name}", type=Path, required=True)
    given = options.parse_args()
    crops, scores = ear_rows(read(given.media / "speech"), given.work, given.cache)
    table = crops.table
    clean = [n for n, chain in enumerate(table.chain) if chain == "none" and not made(table.items[table.item[n]])]
    recordings: dict[Any, list[int]] = defaultdict(list)
    clips: dict[Any, list[int]] = defaultdict(list)
    for n in clean:
        item = table.items[table.item[n]]
        recordings[item.group, item.maker, item.label].append(n)
        clips[item.id].append(n)
    long = [rows for rows in recordings.values() if len(rows) >= LEAST]
    three = [rows for rows in clips.values() if len(rows) == 3]
    told = {
        "recordings": compared(table.items, table.item, scores, long, share=SHARE),
        "clips of three windows": compared(table.items, table.item, scores, three, share=3),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "hearing_windows.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


def compared(
    items: Sequence[Item], item: NDArray[np.int64], scores: F64, many: Sequence[Sequence[int]], *, share: int
) -> dict[str, Any]:
    """Return figures of the means over all windows of each of `many`, and over one in `share`, evenly spread."""
    first = [items[item[rows[0]]] for rows in many]
    spoof = np.array([one.spoof for one in first])
    ways = {
        "all windows": np.array([scores[rows].mean() for rows in many]),
        f"one in {share}": np.array([scores[_some(rows, share)].mean() for rows in many]),
    }
    told: dict[str, Any] = {
        "bona fide": int((~spoof).sum()),
        "spoof": int(spoof.sum()),
        "windows": sum(map(len, many)),
        "mean move, of the scores' deviation": round(
            float(np.abs(np.subtract(*ways.values())).mean() / next(iter(ways.values())).std()), 3
        ),
    }
    for name, values in ways.items():
        for figure, metric in (("auc", auc), ("eer", eer)):
            one = group_bootstrap(metric, values, spoof, [each.group for each in first], draws=DRAWS, seed=SEED)
            told[f"{name}, {figure}"] = [round(value, 3) for value in (one.value, one.low, one.high)]
    return told


def _some(rows: Sequence[int], share: int) -> list[int]:
    count = max(1, round(len(rows) / share))
    places = (np.arange(count) + 0.5) * len(rows) / count
    return [rows[int(place)] for place in places]


if __name__ == "__main__":
    main()
