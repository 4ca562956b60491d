"""What networks of the catalogue say of people that they never met: scores for `benchmarks/seeing_tables.py`.

`cut` keeps every face as a scan would show it, in each version that `benchmarks/seeing.py` wrote into `--cache`: once
for all networks. `score` asks those of the folds that `assay train visual --model NAME --cache WORK` left in
`WORK/NAME-...`, and writes a CSV. An item is scored by the mean of all of them that met neither its group nor, where
the corpus' fakes were taught too (`--others`), its maker: a real one by the fold that it was held out of, a fake most
often by all. Of a person in a film the median over the sightings counts, of several people the most suspect. Both stop
after `--seconds` and go on where they stopped; the CSV is complete when a run ends by itself.

Run: `.venv/bin/python -P benchmarks/seeing_networks.py cut --media ../shared/media --cache FOLDER --crops FOLDER`, then
`score` with the same and `--model NAME --run WORK/NAME-... --out FILE`, and `--others` unless it was taught with
`--own-fakes`.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from assay.datasets import splits
from assay.datasets.corpus import Item, read
from assay.detect.train.eyes import eye_class
from assay.detect.train.eyes.interface import Eye
from assay.detect.train.fit import made
from assay.detect.train.visual_crops import SORTS, made_of
from assay.detect.train.visual_looking import laid_out
from assay.detect.visual.faces import MARGIN, SIDE, flat, shown
from assay.detect.visual.residual import MOST_SIGHTINGS
from assay.media.view import Crop, View
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parent))
import seeing
import seeing_unseen

F64, U8 = NDArray[np.float64], NDArray[np.uint8]


class Whole:
    """Keeps the crop itself, from which every network's is taken."""

    def reads(self, view: View) -> list[tuple[Crop, U8]]:
        """Return each face that is large enough, with its picture."""
        return [(crop, crop.image) for crop in view.crops(SIDE, margin=MARGIN) if seeing_unseen.large(crop)]


def blind(items: Sequence[Item], *, folds: int, seed: int, others: bool) -> dict[str, tuple[int, ...]]:
    """Return for each item's id the folds whose network met neither its group nor its maker."""
    ours = [(item,) if item.spoof else (item, *(made_of(item, sort) for sort in SORTS)) for item in items]
    whole = [one for row in ours for one in row]  # as training deals them: what it makes of a face goes with the face
    known = {one.maker for one in whole if made(one)}
    found: dict[str, tuple[int, ...]] = {item.id: () for item in items}
    for number, (train, _) in enumerate(splits.unseen(whole, folds=folds, seed=seed, known=known)):
        met = [whole[position] for position in train if others or not whole[position].spoof]
        groups, makers = {one.group for one in met}, {one.maker for one in met if one.spoof}
        for item in items:
            if item.group not in groups and not (item.spoof and item.maker in makers):
                found[item.id] += (number,)
    return found


def networks(model: str, run: Path, folds: int) -> list[Eye]:
    """Return the network of each fold."""
    import torch

    eyes = []
    for number in range(folds):
        eye = eye_class(model)()
        eye.load_state_dict(torch.load(run / f"fold-{number}.pt", weights_only=True))
        eyes.append(laid_out(eye.eval(), torch.channels_last))
    return eyes


def answers(eyes: Sequence[Eye], crops: Sequence[U8], *, batch: int = 16) -> F64:
    """Return the mean of what `eyes` say of each crop: logit of spoof less that of bona fide, `[len(crops)]`."""
    import torch

    side, margin = eyes[0].SIDE, eyes[0].MARGIN
    out = []
    for start in range(0, len(crops), batch):
        pictures = flat([shown(crop, side, margin) for crop in crops[start : start + batch]])
        with torch.inference_mode():
            logits = torch.stack([eye(torch.from_numpy(pictures).reshape(-1, 3, side, side)) for eye in eyes])
        out.append((logits[..., 0] - logits[..., 1]).mean(dim=0).double().numpy())
    return np.concatenate(out)


def thinned(people: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the positions of at most `most` sightings of each person, evenly spread, `[kept]`."""
    kept = [np.flatnonzero(people == one) for one in np.unique(people)]
    spread = [own[np.linspace(0, len(own) - 1, min(len(own), most)).round().astype(int)] for own in kept]
    return np.sort(np.concatenate(spread)) if spread else np.zeros(0, np.int64)


def scored(
    given: argparse.Namespace, items: Sequence[Item], there: set[tuple[str, str]]
) -> Iterator[tuple[Item, str, float]]:
    """Yield item, version and score of all that is not `there` yet; not a number where there is no face."""
    begun = time.monotonic()
    eyes = networks(given.model, given.run, given.folds)
    unmet: Mapping[str, tuple[int, ...]] = blind(items, folds=given.folds, seed=given.seed, others=given.others)
    for item, version, _, where in seeing_unseen.places(items, given):
        if (item.id, version) in there or not where.exists() or not unmet[item.id]:
            continue
        if time.monotonic() - begun > given.seconds:
            return
        with np.load(where) as file:
            crops, people = file["values"], file["people"]
        chosen = thinned(people, given.sightings)
        score = math.nan
        if len(chosen):
            told = answers([eyes[fold] for fold in unmet[item.id]], crops[chosen])
            score = max(seeing_unseen.by_person(told, people[chosen]))
        yield item, version, score


def main() -> None:
    """Cut, or score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["cut", "score"])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--crops", type=Path, required=True, dest="features")
    parser.add_argument("--model")
    parser.add_argument("--run", type=Path, help="folder with fold-0.pt and so on")
    parser.add_argument("--folds", type=int, default=2, help="as many as it was trained with")
    parser.add_argument("--seed", type=int, default=1, help="that of the training")
    parser.add_argument("--others", action="store_true", help="it was taught the corpus' fakes too")
    parser.add_argument("--sightings", type=int, default=MOST_SIGHTINGS, help="of a person, at most")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=math.inf)
    given = parser.parse_args()
    items = [item for item in read(given.media) if item.kind != "audio"]
    if given.stage == "cut":
        seeing_unseen.looked(given, items, Whole())
        return
    with seeing.continued(given.out) as (there, add):
        for item, version, score in scored(given, items, there):
            add(item, version, score)


if __name__ == "__main__":
    main()
