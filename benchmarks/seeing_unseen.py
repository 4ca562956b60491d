"""What eyes that trained on the collection say of those they never met: scores for `benchmarks/seeing_tables.py`.

The shipped `visual-residual`, `visual-face` and `visual-drawn` trained on these very people. Here each item is scored
by the lines of a fold that met neither its group nor, where others' fakes are trained on, its maker; its ratio comes
from a calibration on the clean items of its kind in the other folds, less those by its maker. `look` keeps what is
read of every face that a scan would score, in each version that `benchmarks/seeing.py` wrote into `--cache`; it stops
after `--seconds` and goes on where it stopped. `score` teaches the folds, calibrates, and writes a CSV.
`assay eval scores CSV --score llr --llr log10 --group group --plot FILE` draws its reliability.

Run: `.venv/bin/python -P benchmarks/seeing_unseen.py look --eye visual-residual --media ../shared/media --cache FOLDER
--features FOLDER`, then `score` with the same and `--taught FOLDER` (what training read, kept) and `--out FILE`.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from typing import Protocol as Form

import numpy as np
from assay.datasets import splits
from assay.datasets.corpus import Item, read
from assay.detect.train import visual, visual_drawn, visual_encoder, visual_stages
from assay.detect.train.calibration import Calibration, calibrate
from assay.detect.train.fit import Protocol, fit, made, trainable
from assay.detect.train.nuisance import without_mark
from assay.detect.train.table import Table
from assay.detect.visual import drawn, faces, features
from assay.detect.visual.residual import LEAST_FACE, MOST_SIGHTINGS, face_crop
from assay.media.errors import AssayError
from assay.media.view import Crop, Sampling, View
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parent))
import seeing

F32, F64 = NDArray[np.float32], NDArray[np.float64]
Keyed = dict[tuple[str, str], float]


class Tracked(Form):
    """What was read: the sightings of one `track` are one person's."""

    @property
    def track(self) -> int | None:
        """The track, `None` for what stands alone."""


@dataclass(frozen=True)
class OfOne:
    """A piece of a picture or film, which is judged by all its pieces together."""

    track: int | None = 0


class Reader(Form):
    """Whoever reads something of faces or pieces that is kept."""

    def reads(self, view: View) -> Sequence[tuple[Tracked, NDArray[Any]]]:
        """Return each face or piece that a scan would score, with what is read of it."""


class Eye(ABC):
    """An eye that reads numbers of a face and answers by lines through them."""

    kinds: tuple[str, ...]
    protocol: Protocol
    coded = False
    """Whether its shipped calibration was learned on coded files too: then all versions calibrate here."""

    @abstractmethod
    def reads(self, view: View) -> Sequence[tuple[Tracked, F32]]:
        """Return each face or piece that a scan would score, with what is read of it."""

    @abstractmethod
    def taught(self, items: Sequence[Item], cache: Path) -> tuple[Table, F64]:
        """Return what training reads, and a matrix through which it goes before the lines."""


class Residual(Eye):
    """`visual-residual`."""

    kinds = ("image", "video")
    settings = visual.Settings()
    protocol = Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed, others=False)

    def reads(self, view: View) -> list[tuple[Crop, F32]]:
        """Return the residual features of faces with landmarks."""
        pairs = zip(view.crops(features.SIZE, margin=features.MARGIN), view.meshes, strict=True)
        return [(c, features.features(face_crop(c, m))) for c, m in pairs if m is not None and large(c)]

    def taught(self, items: Sequence[Item], cache: Path) -> tuple[Table, F64]:
        """Return real faces, blends of them, and others' fakes, which are not trained on."""
        table = visual.examples(items, replace(self.settings, cache=cache), lambda _what, _done: None)
        return table, np.eye(table.values.shape[1])


class Face(Eye):
    """`visual-face`."""

    kinds = ("image",)
    settings = visual_stages.Settings()
    protocol = Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed)

    def __init__(self) -> None:
        """Load the encoder."""
        self._encoder = visual_encoder.kept()
        self._read = self._encoder.reader()

    def reads(self, view: View) -> list[tuple[Crop, F32]]:
        """Return what the encoder makes of every face."""
        side, margin = visual_encoder.SIDE, visual_encoder.MARGIN
        crops = [crop for crop in view.crops(faces.SIDE, margin=faces.MARGIN) if large(crop)]
        return [(crop, self._read(faces.flat([faces.shown(crop.image, side, margin)]))[0]) for crop in crops]

    def taught(self, items: Sequence[Item], cache: Path) -> tuple[Table, F64]:
        """Return every picture clean, laundered and marked; the matrix takes out where our mark moves the numbers."""
        pictures = [item for item in items if item.kind == "image"]
        told = replace(self.settings, cache=cache)
        table = visual_stages.looked_at(pictures, told, lambda _what, _done: None, self._encoder)
        unmoved = without_mark(table, directions=self.settings.blind)
        return replace(table, values=(table.values @ unmoved).astype(np.float32)), unmoved


class Drawn(Eye):
    """`visual-drawn`."""

    kinds = ("image", "video")
    coded = True
    settings = visual_drawn.Settings()
    protocol = Protocol(strength=settings.strength, folds=settings.folds, seed=settings.seed, others=False)

    def __init__(self) -> None:
        """Load the encoder."""
        self._encoder = visual_encoder.kept()
        self._read = self._encoder.reader()

    def reads(self, view: View) -> list[tuple[OfOne, F32]]:
        """Return what the encoder makes of every piece."""
        return [(OfOne(), self._read(faces.flat([piece.pixels]))[0]) for piece in drawn.pieces(view)]

    def taught(self, items: Sequence[Item], cache: Path) -> tuple[Table, F64]:
        """Return the coded pieces of real files and what networks drew of them, and the fakes, of which none is."""
        told = replace(self.settings, cache=cache)
        table = visual_drawn.examples(items, told, self._encoder, lambda _what, _done: None)
        rows = visual_drawn.taught_on(table)
        chain = tuple(chain for chain, row in zip(table.chain, rows, strict=True) if row)
        table = replace(table, values=table.values[rows], item=table.item[rows], chain=chain)
        return table, np.eye(table.values.shape[1])


EYES: dict[str, type[Eye]] = {"visual-residual": Residual, "visual-face": Face, "visual-drawn": Drawn}


def places(items: Sequence[Item], given: argparse.Namespace) -> Iterator[tuple[Item, str, Path, Path]]:
    """Yield item, version, the version's file and that of what is read of it, the clean first."""
    for number in range(4):
        for item in items:
            if number == 0 or seeing.washable(item):
                version = seeing.versions(item)[number]
                where = given.features / f"{seeing.key(item)}-{version}.npz"
                yield item, version, seeing.place_of(item, version, given.cache), where


def looked(given: argparse.Namespace, items: Sequence[Item], eye: Reader) -> None:
    """Keep what is read of every version whose file is there."""
    begun = time.monotonic()
    given.features.mkdir(parents=True, exist_ok=True)
    for _, _, path, where in places(items, given):
        if where.exists() or not path.exists():
            continue
        if time.monotonic() - begun > given.seconds:
            return
        try:
            found = eye.reads(View.open(path, sampling=Sampling(frames=seeing.FRAMES)))
        except AssayError:
            found = []
        people = [number if one.track is None else one.track for number, (one, _) in enumerate(found)]
        with where.with_suffix(".part").open("wb") as file:
            np.savez(file, values=np.array([row for _, row in found]), people=np.array(people, np.int64))
        where.with_suffix(".part").replace(where)


def large(crop: Crop) -> bool:
    """Tell whether a face is one that a scan would score."""
    return min(crop.face.region.width, crop.face.region.height) >= LEAST_FACE


def scored(given: argparse.Namespace, items: Sequence[Item], eye: Eye) -> tuple[Keyed, Keyed]:
    """Return the score and the ratio of each item in each version, by lines and calibrations that never met it."""
    table, through = eye.taught(items, given.taught)
    told = eye.protocol
    known = {item.maker for item in table.items if made(item)}
    folds = list(splits.unseen(table.items, folds=told.folds, seed=told.seed, known=known))
    kept = {(i.id, version): _held(where) for i, version, _, where in places(items, given) if where.exists()}
    raw: dict[tuple[str, str], list[float]] = {}
    for train, test in folds:
        lines = fit(table, table.rows(train) & trainable(table, told), strength=told.strength)
        held = {table.items[position].id for position in test}
        raw |= {k: by_person(lines.scores(v @ through), p) for k, (v, p) in kept.items() if k[0] in held and len(v)}
    ratios: Keyed = {}
    kinds = {item.id: item.kind for item in items}
    for train, test in folds:
        held = {table.items[position].id for position in test}
        others = [one for one in (table.items[position] for position in train) if one.id in kinds]
        of_kind = {kind: [one for one in others if one.kind == kind] for kind in eye.kinds}
        lines_of = {kind: calibrated(raw, some, coded=eye.coded) for kind, some in of_kind.items()}
        for key, people in raw.items():
            if key[0] in held:
                ratios[key] = _joined(lines_of[kinds[key[0]]].llr(np.array(people)))
    return {key: float(np.max(raw[key])) if key in raw else math.nan for key in kept}, ratios


def calibrated(raw: Mapping[tuple[str, str], Sequence[float]], others: Sequence[Item], *, coded: bool) -> Calibration:
    """Return the calibration on `others`, each by its most suspect face: as they are, or in every version."""
    have = [(one, version) for one in others for version in (seeing.versions(one) if coded else ("none",))]
    have = [(one, version) for one, version in have if (one.id, version) in raw]
    scores = np.array([max(raw[one.id, version]) for one, version in have])
    spoof = np.array([one.spoof for one, _ in have])
    return calibrate(scores, spoof, [one.group for one, _ in have], seed=1)


def _held(path: Path) -> tuple[F32, NDArray[np.int64]]:
    with np.load(path) as file:
        return file["values"], file["people"]


def by_person(scores: F64, people: NDArray[np.int64]) -> list[float]:
    """Return each person's median over at most as many sightings as a scan takes."""
    out = []
    for one in dict.fromkeys(people.tolist()):
        own = scores[people == one]
        chosen = np.linspace(0, len(own) - 1, min(len(own), MOST_SIGHTINGS)).round().astype(int)
        out.append(float(np.median(own[chosen])))
    return out


def _joined(ratios: F64) -> float:
    """Return the ratio for "one of them is a fake", as a scan does."""
    return float(np.log10(np.mean(10.0**ratios)))


def main() -> None:
    """Look, or score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["look", "score"])
    parser.add_argument("--eye", choices=list(EYES), required=True)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--taught", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--seconds", type=float, default=math.inf)
    given = parser.parse_args()
    eye = EYES[given.eye]()
    items = [item for item in read(given.media) if item.kind in eye.kinds]
    if given.stage == "look":
        looked(given, items, eye)
        return
    scores, ratios = scored(given, items, eye)
    with given.out.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(seeing.COLUMNS)
        about = {item.id: [item.kind, item.label, item.group] for item in items}
        for item, version in sorted(scores):
            ratio = ratios.get((item, version))
            told = [f"{scores[item, version]:.6g}", "" if ratio is None else f"{ratio:.6g}"]
            out.writerow([item, version, *about[item], *told])


if __name__ == "__main__":
    main()
