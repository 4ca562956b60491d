"""DF40: forty methods of face forgery on the films of FaceForensics++ and Celeb-DF.

Follows the README of github.com/YZY-stanford/DF40 as remembered: the training archives unpack to `DF40_train/METHOD/
frames/FILM/*.png`, the test archives to `DF40/METHOD/{ff,cdf}/frames/FILM/*.png`, and a few methods collected from
elsewhere (heygen, deepfacelab, MidJourney, whichfaceisreal ...) to `DF40/METHOD/{fake,real}/...`. Accepted are the
folder that holds `DF40` and `DF40_train`, either of them, any spelling of the methods' letters, and pictures or films
at any depth below a method; masks and landmarks are passed over. Real films of FaceForensics++ and Celeb-DF are not
part of the release: index those corpora beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, SPOOF, Item, Unmatched
from .interface import Description, Published
from .kinds import kind_of, media_below

SWAP, REENACT, WHOLE, EDIT = "face swap", "reenactment", "whole face", "face edit"
METHODS = {
    **dict.fromkeys(
        ("fsgan", "faceswap", "simswap", "inswap", "blendface", "uniface", "mobileswap", "e4s", "facedancer"), SWAP
    ),
    **dict.fromkeys(("deepfacelab",), SWAP),
    **dict.fromkeys(
        ("fomm", "fs_vid2vid", "wav2lip", "mraa", "one_shot_free", "pirender", "tpsm", "lia", "danet"), REENACT
    ),
    **dict.fromkeys(("sadtalker", "mcnet", "heygen", "facevid2vid", "hyperreenact"), REENACT),
    **dict.fromkeys(("vqgan", "stylegan2", "stylegan3", "styleganxl", "sd2.1", "ddim", "rddm", "pixart"), WHOLE),
    **dict.fromkeys(("dit", "sit", "midjourney", "midjourney6", "whichfaceisreal", "ddpm"), WHOLE),
    **dict.fromkeys(("collabdiff", "e4e", "stargan", "starganv2", "styleclip"), EDIT),
}
_TERMS = "research only (CC BY-NC 4.0), and the terms of FaceForensics++ and Celeb-DF"
_SPLITS = {"df40_train": "train", "df40_test": "test", "df40": "test"}
_ASIDE = {"masks", "mask", "landmarks"}


class DF40(Published):
    """Fakes by method and kind of forgery; a film's people and number are the groups, as in the source corpora."""

    description = Description(
        title="DF40",
        kinds=("image", "video"),
        homepage="https://github.com/YZY-stanford/DF40",
        terms=_TERMS,
        tree=("DF40_train/METHOD/frames/000_003/*.png", "DF40/METHOD/{ff,cdf}/frames/...", "DF40/METHOD/{real,fake}"),
        signs=("DF40|DF40_train|DF40_test|[sS]im[sS]wap|[fF]sgan|[bB]lend[fF]ace|[hH]ey[gG]en",),
    )

    def fits(self, path: Path) -> bool:
        """Return whether a folder holds methods of the list."""
        return super().fits(path) and any(_methods(path))

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a picture or film; a folder that is no method of the list is told as `unread`."""
        for folder, method in _methods(path):
            for inside in media_below(path, folder):
                if not _ASIDE & set(inside.split("/")):
                    yield _item(path, inside, folder, method)
        for parent in _parents(path):
            for child in sorted(child for child in (path / parent).iterdir() if child.is_dir()):
                if child.name.lower() not in METHODS and child.name.lower() not in _SPLITS:
                    where = child.relative_to(path).as_posix()
                    yield Unmatched(id=where, state="unread", note="a folder that is no method of DF40")


def _parents(root: Path) -> list[str]:
    """Return the folders that hold folders of methods, relative to the root."""
    inner = [child.name for child in sorted(root.iterdir()) if child.name.lower() in _SPLITS and child.is_dir()]
    return inner or ["."]


def _methods(root: Path) -> Iterator[tuple[str, str]]:
    """Yield each folder of a method, relative to the root, with the method's name in small letters."""
    for parent in _parents(root):
        for child in sorted((root / parent).iterdir()):
            if child.name.lower() in METHODS and child.is_dir():
                yield child.relative_to(root).as_posix(), child.name.lower()


def _item(root: Path, inside: str, folder: str, method: str) -> Item:
    parts = PurePosixPath(inside[len(folder) + 1 :]).parts
    real = "real" in parts[:-1]
    above = (root.resolve().name if "/" not in folder else folder.split("/")[0]).lower()
    groups = _groups(parts, method)
    return Item(
        id=inside,
        path=root / inside,
        sha256="",
        label=BONA_FIDE if real else SPOOF,
        maker="" if real else method,
        group=groups[0],
        groups=groups,
        split=_SPLITS.get(above, ""),
        licence=_TERMS,
        kind=kind_of(inside) or "image",
        process="" if real else METHODS[method],
    )


def _groups(parts: tuple[str, ...], method: str) -> tuple[str, ...]:
    """Return the films of FaceForensics++ or people of Celeb-DF that a name tells, else the film itself.

    The name is a folder's, or the file's own where that is no frame's number.
    """
    stem = PurePosixPath(parts[-1]).stem
    named = stem if kind_of(parts[-1]) == "video" or not stem.isdigit() else ""
    for part in (named, *parts[-2::-1]):
        if re.fullmatch(r"\d{3}(_\d{3})?", part):
            return tuple(f"youtube:{film}" for film in part.split("_"))
        if re.fullmatch(r"id\d+(_id\d+)?(_\d+)?", part):
            return tuple(dict.fromkeys(f"celeb:{person}" for person in re.findall(r"id\d+", part)))
    film = "/".join(parts[:-1]) if len(parts) > 2 else "/".join(parts)
    return (f"{method}:{film}",)
