"""FaceForensics++ and what is published in its tree: DeepFakeDetection and FaceShifter.

Follows the dataset's README and download script (github.com/ondyari/FaceForensics): `original_sequences/{youtube,
actors}` and `manipulated_sequences/METHOD`, in each `raw|c23|c40` (the README calls raw c0), in each `videos/*.mp4` or,
extracted, `images/NAME/*.png` (`frames/` is accepted too). The official splits are `train.json`, `val.json` and
`test.json`, lists of pairs; they are looked for at the root, in `splits/` and in `dataset/splits/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import kind_of, media_below

_TERMS = "research only, after signing the authors' terms of use; no redistribution"
_COMPRESSIONS = {"raw": "c0", "c0": "c0", "c23": "c23", "c40": "c40"}
_FORMS = ("videos", "images", "frames")
_SPLITS = {"train.json": "train", "val.json": "validation", "test.json": "test"}
_TREE = (
    "original_sequences/{youtube,actors}/{raw,c23,c40}/{videos,images}/...",
    "manipulated_sequences/METHOD/{raw,c23,c40}/{videos,images}/...",
    "train.json, val.json, test.json at the root or in splits/",
)


class FaceForensics(Published):
    """All originals and methods that are there; masks and models are no items.

    A fake `TARGET_SOURCE.mp4` belongs to the groups of both films, a DeepFakeDetection fake to those of both actors.
    Official splits are of the YouTube films alone.
    """

    originals: Mapping[str, str] = {"youtube": "youtube", "actors": "actor"}
    methods: tuple[str, ...] = (
        "Deepfakes",
        "Face2Face",
        "FaceSwap",
        "NeuralTextures",
        "FaceShifter",
        "DeepFakeDetection",
    )
    description = Description(
        title="FaceForensics++",
        kinds=("video", "image"),
        homepage="https://github.com/ondyari/FaceForensics",
        terms=_TERMS,
        tree=_TREE,
        protocols=tuple(_SPLITS),
        signs=(
            "original_sequences/youtube|original_sequences/actors",
            "manipulated_sequences/Deepfakes|manipulated_sequences/Face2Face|manipulated_sequences/FaceSwap"
            "|manipulated_sequences/NeuralTextures",
        ),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield originals, then each method; films that the splits name are `missing` where they are not there."""
        pairs = _pairs(path)
        splits = {film: split for pair, split in pairs.items() for film in pair}
        swapped = frozenset(f"{a}_{b}" for pair in pairs for a, b in (pair, pair[::-1]))
        for name, prefix in self.originals.items():
            films = frozenset(splits if prefix == "youtube" else ())
            yield from _films(path, _Part(folder=f"original_sequences/{name}", prefix=prefix, expected=films), splits)
        for method in self.methods:
            folder = f"manipulated_sequences/{method}"
            if method == "DeepFakeDetection":
                part = _Part(folder=folder, prefix="actor", method=method)
            else:
                part = _Part(folder=folder, prefix="youtube", method=method, expected=swapped)
            yield from _films(path, part, splits)


class DeepFakeDetection(FaceForensics):
    """The films with actors that Google and JigSaw made, where only they were fetched."""

    originals: Mapping[str, str] = {"actors": "actor"}
    methods = ("DeepFakeDetection",)
    description = Description(
        title="DeepFakeDetection",
        kinds=("video", "image"),
        homepage="https://github.com/ondyari/FaceForensics",
        terms=_TERMS,
        tree=(
            "original_sequences/actors/{raw,c23,c40}/videos/01__scene.mp4",
            "manipulated_sequences/DeepFakeDetection/{raw,c23,c40}/videos/01_02__scene__ABCDEFGH.mp4",
        ),
        signs=("original_sequences/actors", "manipulated_sequences/DeepFakeDetection"),
    )


class FaceShifter(FaceForensics):
    """FaceShifter's fakes of the FaceForensics++ films, where only they were fetched."""

    originals: Mapping[str, str] = {"youtube": "youtube"}
    methods = ("FaceShifter",)
    description = Description(
        title="FaceShifter",
        kinds=("video", "image"),
        homepage="https://github.com/ondyari/FaceForensics",
        terms=_TERMS,
        tree=_TREE,
        protocols=tuple(_SPLITS),
        signs=("original_sequences/youtube", "manipulated_sequences/FaceShifter"),
    )


def _pairs(root: Path) -> dict[tuple[str, str], str]:
    """Return the pairs of film numbers of the official splits, and the split of each; empty if there are none."""
    found: dict[tuple[str, str], str] = {}
    for file, split in _SPLITS.items():
        places = [root / folder / file for folder in (".", "splits", "dataset/splits")]
        place = next((place for place in places if place.is_file()), None)
        for pair in tables.document(place, list) if place else ():
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(film, str) for film in pair)):
                msg = f'expected pairs such as ["071", "054"] in {place}, found {pair!r}'
                raise CorpusError(msg)
            found[pair[0], pair[1]] = split
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A folder of films: its path, what its groups are named for, the method, and the films that should be there."""

    folder: str
    prefix: str
    method: str = ""
    expected: frozenset[str] = frozenset()


def _films(root: Path, part: _Part, splits: Mapping[str, str]) -> Iterator[Item | Unmatched]:
    """Yield what lies in the compressions of a folder, then the films that should and do not."""
    for inner, compression in _COMPRESSIONS.items():
        for form in _FORMS:
            here = f"{part.folder}/{inner}/{form}"
            if not (root / here).is_dir():
                continue
            seen = set()
            for inside in media_below(root, here):
                film = _film(inside, here)
                seen.add(film)
                groups = _groups(film, part.prefix)
                yield _item(root, inside, groups, part.method, (splits.get(film[:3], ""), compression))
            for film in sorted(part.expected - seen):
                yield Unmatched(id=f"{here}/{film}", state="missing", note="named by the official splits")


def _film(inside: str, folder: str) -> str:
    """Return the film's name: of the file, or of the folder that holds its pictures."""
    parts = PurePosixPath(inside.removeprefix(f"{folder}/")).parts
    return parts[0] if len(parts) > 1 else PurePosixPath(parts[0]).stem


def _groups(film: str, prefix: str) -> tuple[str, ...]:
    """Return the films or actors in `003_000` or `01_02__scene__HASH`, the target first."""
    people = film.split("__")[0].split("_")
    return tuple(f"{prefix}:{person}" for person in people)


def _item(root: Path, inside: str, groups: tuple[str, ...], method: str, facts: tuple[str, str]) -> Item:
    return Item(
        id=inside,
        path=root / inside,
        sha256="",
        label=SPOOF if method else BONA_FIDE,
        maker=method,
        group=groups[0],
        groups=groups,
        split=facts[0] if groups[0].startswith("youtube:") else "",
        licence=_TERMS,
        kind=kind_of(inside) or "video",
        compression=facts[1],
    )
