"""The faces that visual networks are trained on: made once, kept in files, every fake beside the face it was made of.

A version of a face is drawn (its size, a laundering chain), then the face itself and each sort of fake of it go through
that same version. So class and file format, size, blur or background have nothing to do with each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...datasets.corpus import SPOOF, Item
from ...media.errors import AssayError
from ...media.faces import cut, similarity, template
from ..visual.faces import MARGIN, SIDE
from .fit import MADE
from .portraits import portraits, washed
from .selfblend import Pixels, Portrait, laid_in, self_blend
from .table import Table, digest

if TYPE_CHECKING:
    from .redraw import Copiers

CHAINS = (
    *("none", "none", "jpeg-90", "jpeg-70", "jpeg-50", "webp-70", "half", "resize", "blur", "grain", "screenshot"),
    *("resize+jpeg-70", "h264-crf23", "h264-crf28", "h264-crf35", "half+h264-crf28", "resize+h264-crf28"),
    *("h264-crf23+h264-crf28", "vp9-crf40", "chroma"),
)
"""Chains that are drawn from, the same for both classes."""
SORTS = ("self-blend", "redrawn", "redrawn-face")
"""Fakes made of a real face: blended into itself, drawn anew whole, only its inside drawn anew and blended in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """How faces become crops: `versions` of each face of a picture, one of each frame of a film."""

    versions: int = 5
    chains: tuple[str, ...] = CHAINS
    sorts: tuple[str, ...] = SORTS
    sides: tuple[int, int] = (96, 280)
    """Pixels: the drawn side of the face; a smaller face stays as it is."""
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Crops:
    """Crops in files: `table` has no values, but item and chain of each; crop `k` is row `row[k]` of `place[k]`."""

    table: Table
    place: tuple[Path, ...]
    row: tuple[int, ...]

    def crop(self, number: int) -> Pixels:
        """Return a crop, uint8 RGB `[SIDE, SIDE, 3]`."""
        return np.asarray(np.load(self.place[number], mmap_mode="r", allow_pickle=False)[self.row[number]])


def crops_of(
    items: Sequence[Item],
    cutting: Cutting,
    *,
    folder: Path,
    copiers: Copiers | None = None,
    done: Callable[[float], None] = lambda _done: None,
) -> Crops:
    """Return crops of all `items` and of fakes of the real ones, made into files in `folder` unless they lie there.

    Sorts of fakes that are drawn anew need `copiers`; without them those sorts are left out.
    """
    sorts = tuple(sort for sort in cutting.sorts if copiers is not None or not sort.startswith("redrawn"))
    cutting = replace(cutting, sorts=sorts)
    kinds: list[Item] = []
    columns: list[tuple[int, str, Path, int]] = []
    skipped: list[tuple[str, str]] = []
    for number, item in enumerate(items):
        done(number / len(items))
        names = [item] if item.spoof else [item, *(made_of(item, sort) for sort in sorts)]
        try:
            paths = _files(item, cutting, folder, copiers)
        except AssayError as error:
            skipped.append((item.id, str(error)))
            paths = {}
        for name, one in zip(["", *sorts], names, strict=False):
            kinds.append(one)
            for version, chain in enumerate(paths.get(name, ((), None))[0]):
                columns.append((len(kinds) - 1, chain, paths[name][1], version))
    table = Table(
        items=tuple(kinds),
        values=np.zeros((len(columns), 0), np.float32),
        item=np.array([column[0] for column in columns], np.int64),
        chain=tuple(column[1] for column in columns),
        skipped=tuple(skipped),
    )
    return Crops(table=table, place=tuple(column[2] for column in columns), row=tuple(column[3] for column in columns))


def made_of(item: Item, sort: str) -> Item:
    """Return the item of the fakes of a real face; it stays in the face's group."""
    return replace(item, id=f"{item.id}+{sort}", label=SPOOF, maker=f"{sort}{MADE}", process=sort)


def _files(
    item: Item, cutting: Cutting, folder: Path, copiers: Copiers | None
) -> dict[str, tuple[tuple[str, ...], Path]]:
    """Return for the item itself (name "") and each sort of fake the chains of its crops and the file they are in."""
    names = ("",) if item.spoof else ("", *cutting.sorts)
    stem = digest("faces", item.id, item.sha256, cutting)
    paths = {name: folder / f"{stem}{'-' + name if name else ''}.npy" for name in names}
    seed = int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:4])
    kept = [path.exists() for path in paths.values()]
    if not all(kept):
        faces = portraits(item.path, item.kind, item.region)
        folder.mkdir(parents=True, exist_ok=True)
        drawn = _drawn(faces, _versions(item, len(faces), cutting), cutting, seed, copiers)
        for name in names:
            temporary = paths[name].with_suffix(".tmp.npy")
            values = np.stack(drawn[name]) if drawn[name] else np.zeros((0, SIDE, SIDE, 3), np.uint8)
            np.save(temporary, values, allow_pickle=False)
            temporary.replace(paths[name])
    found = {}
    for name in names:
        count = len(np.load(paths[name], mmap_mode="r", allow_pickle=False))
        found[name] = (tuple(_chain(cutting, seed, version) for version in range(count)), paths[name])
    return found


def _versions(item: Item, faces: int, cutting: Cutting) -> int:
    """Return how many versions there are: of a fake as of a real item, of a film at least one a frame."""
    return 0 if not faces else max(faces, cutting.versions)


def _chain(cutting: Cutting, seed: int, version: int) -> str:
    """Return the chain of a version; the first is always untouched."""
    if version == 0:
        return "none"
    return str(np.random.default_rng([cutting.seed, seed, version]).choice(cutting.chains))


def _drawn(
    faces: Sequence[Portrait], versions: int, cutting: Cutting, seed: int, copiers: Copiers | None
) -> dict[str, list[Pixels]]:
    """Return the crops of each version of the faces, and of the same version of each sort of fake."""
    out: dict[str, list[Pixels]] = {name: [] for name in ("", *cutting.sorts)}
    for version in range(versions):
        rng = np.random.default_rng([cutting.seed, seed, version, 1])
        face = faces[version % len(faces)]
        if version:
            face = sized(face, rng.uniform(*cutting.sides))
        chain = _chain(cutting, seed, version)
        for name, crops in out.items():
            shown = face if not name else faked(face, name, rng, copiers)
            crops.append(crop_of(washed(shown, chain, np.random.default_rng([cutting.seed, seed, version, 2]))))
    return out


def faked(face: Portrait, sort: str, rng: np.random.Generator, copiers: Copiers | None) -> Portrait:
    """Return a fake of `face` of one of the `SORTS`. Raises `ValueError` for a redrawn one without `copiers`."""
    if sort == "self-blend":
        return self_blend(face, rng)
    if copiers is None:
        msg = f"expected copiers to make a {sort!r}, got none"
        raise ValueError(msg)
    from .redraw import redrawn

    drawn = redrawn(face.pixels, copiers, rng)
    return replace(face, pixels=drawn) if sort == "redrawn" else laid_in(face, drawn, rng)


def sized(face: Portrait, side: float) -> Portrait:
    """Return the face scaled down so that its landmarks span `side` pixels; a smaller face as it is."""
    import cv2

    scale = side / float(np.ptp(face.mesh, axis=0).max())
    if scale >= 1:
        return face
    pixels = np.asarray(cv2.resize(face.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    ratio = np.array([pixels.shape[1] / face.pixels.shape[1], pixels.shape[0] / face.pixels.shape[0]], np.float32)
    return Portrait(pixels=pixels, mesh=face.mesh * ratio, points=face.points * ratio)


def crop_of(face: Portrait) -> Pixels:
    """Return the face upright, `[SIDE, SIDE, 3]`, as `media.faces.align` cuts it while scanning."""
    points: NDArray[np.float32] = face.points
    return cut(face.pixels, similarity(points, template(MARGIN) * SIDE), SIDE)
