"""Celeb-DF, first and second version.

Follows the README of github.com/yuezunli/celeb-deepfakeforensics: `Celeb-real/idA_NNNN.mp4`, `YouTube-real/NNNNN.mp4`,
`Celeb-synthesis/idA_idB_NNNN.mp4` (A in the film, B's face) and `List_of_testing_videos.txt` with lines
`1 YouTube-real/00170.mp4`, where **1 is real and 0 is fake**. Both versions have one tree; the test list of the first
has 100 lines, of the second 518. A root whose name says v1 or v2 is believed; otherwise a list of at most 100 lines
is the first version's. Everything off the test list is for training: the authors name no validation set.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import kind_of, media_below

_LIST = "List_of_testing_videos.txt"
_FOLDERS = {"Celeb-real": "", "YouTube-real": "", "Celeb-synthesis": "Celeb-DF"}
_TERMS = "research only, on request by the authors' form; no redistribution"
_V1_LINES = 100


class CelebDFv2(Published):
    """The second version: 590 + 300 real and 5,639 made films."""

    version = 2
    description = Description(
        title="Celeb-DF v2",
        kinds=("video",),
        homepage="https://github.com/yuezunli/celeb-deepfakeforensics",
        terms=_TERMS,
        tree=("Celeb-real/id0_0000.mp4", "YouTube-real/00000.mp4", "Celeb-synthesis/id0_id1_0000.mp4", _LIST),
        protocols=(_LIST,),
        signs=("Celeb-real", "Celeb-synthesis", "YouTube-real", _LIST),
    )

    def fits(self, path: Path) -> bool:
        """Return whether the tree is there and the version is this one."""
        return super().fits(path) and _version(path) == self.version

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a film; a listed film that is not there is `missing`. Raises `CorpusError` for a wrong list.

        A made film belongs to the groups of both people: they hang together so widely that only few splits do not
        leak. Films from YouTube are groups of their own: who is in them is not published.
        """
        listed = _listed(path / _LIST)
        for folder, maker in _FOLDERS.items():
            for inside in media_below(path, folder):
                yield _item(path, inside, maker, "test" if inside in listed else "train")
        for inside in sorted(name for name in listed if not (path / name).is_file()):
            yield Unmatched(id=inside, state="missing", note=f"named by {_LIST}")


class CelebDFv1(CelebDFv2):
    """The first version: 158 + 250 real and 795 made films."""

    version = 1
    description = Description(
        title="Celeb-DF v1",
        kinds=("video",),
        homepage="https://github.com/yuezunli/celeb-deepfakeforensics",
        terms=_TERMS,
        tree=CelebDFv2.description.tree,
        protocols=(_LIST,),
        signs=CelebDFv2.description.signs,
    )


def _version(root: Path) -> int:
    """Return 1 or 2, by the folder's name or the length of the test list."""
    name = root.resolve().name.lower()
    if "v1" in name or "v2" in name:
        return 1 if "v1" in name else 2
    return 1 if sum(1 for _ in tables.lines(root / _LIST)) <= _V1_LINES else 2


def _listed(path: Path) -> set[str]:
    """Return the films of the test list. Raises `CorpusError` where its 1 = real contradicts the folder."""
    found = set()
    for words in tables.lines(path, "1|0", "FOLDER/FILE"):
        inside = words[1]
        made = inside.startswith("Celeb-synthesis/")
        if words[0] != ("0" if made else "1"):
            msg = f"expected 1 for a real and 0 for a made film in {path}, found {' '.join(words)!r}"
            raise CorpusError(msg)
        tables.inside(path.parent, inside, path)
        found.add(inside)
    return found


def _item(root: Path, inside: str, maker: str, split: str) -> Item:
    stem = PurePosixPath(inside).stem
    people = tuple(f"celeb:{part}" for part in stem.split("_") if part.startswith("id"))
    groups = people or (f"youtube:{stem}",)
    return Item(
        id=inside,
        path=root / inside,
        sha256="",
        label=SPOOF if maker else BONA_FIDE,
        maker=maker,
        group=groups[0],
        groups=groups,
        split=split,
        licence=_TERMS,
        kind=kind_of(inside) or "video",
    )
