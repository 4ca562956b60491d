"""DeeperForensics-1.0.

Follows the README and dataset guide of github.com/EndlessSora/DeeperForensics-1.0: `manipulated_videos/VARIANT/
TARGET_ACTOR.mp4` (`000_M101.mp4`: film 000 of FaceForensics++ with the face of actor M101; variants such as
`end_to_end`, `end_to_end_level_3`, `end_to_end_mix_2_distortions`, `reenact_postprocess`), `source_videos/ACTOR/...`
and `lists/splits/{train,val,test}.txt`, a film's name a line. The real films of the targets are those of
FaceForensics++ and not part of the release.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, SPOOF, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import kind_of, media_below

_TERMS = "research only, after signing the authors' terms of use"
_SPLITS = {"train.txt": "train", "val.txt": "validation", "test.txt": "test"}


class DeeperForensics(Published):
    """Made films by variant (`process`), and the recordings of the paid actors whose faces they bear."""

    description = Description(
        title="DeeperForensics-1.0",
        kinds=("video",),
        homepage="https://github.com/EndlessSora/DeeperForensics-1.0",
        terms=_TERMS,
        tree=("manipulated_videos/end_to_end/000_M101.mp4", "source_videos/M101/...", "lists/splits/train.txt"),
        protocols=tuple(f"lists/splits/{name}" for name in _SPLITS),
        signs=("manipulated_videos", "lists/splits|source_videos"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield actors' recordings, then made films; films of the lists are `missing` where no variant has them."""
        for inside in media_below(path, "source_videos"):
            actor = PurePosixPath(inside).parts[1].split("_")[0].removesuffix(".mp4")
            yield _item(path, inside, "", (f"actor:{actor}",), "")
        splits = _splits(path)
        seen = set()
        for inside in media_below(path, "manipulated_videos"):
            film = PurePosixPath(inside).stem
            seen.add(film)
            target, _, actor = film.partition("_")
            yield _item(path, inside, "DF-VAE", (f"youtube:{target}", f"actor:{actor}"), splits.get(film, ""))
        for film in sorted(set(splits) - seen):
            yield Unmatched(id=f"manipulated_videos/*/{film}.mp4", state="missing", note="named by lists/splits")


def _splits(root: Path) -> dict[str, str]:
    found = {}
    for name, split in _SPLITS.items():
        file = root / "lists" / "splits" / name
        for words in tables.lines(file, "FILE") if file.is_file() else ():
            found[PurePosixPath(words[0]).stem] = split
    return found


def _item(root: Path, inside: str, maker: str, groups: tuple[str, ...], split: str) -> Item:
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
        process=PurePosixPath(inside).parts[1] if maker else "",
    )
