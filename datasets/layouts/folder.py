"""The plainest corpus: a folder with `real/` and `fake/`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, Unmatched
from .interface import Description, Published
from .kinds import kind_of, media_below


class FolderLayout(Published):
    """`real/**` and `fake/**`; a first sub-folder of `fake` names the maker, one of `real` or `fake` the group."""

    description = Description(
        title="Plain folder",
        kinds=("audio", "image", "video"),
        homepage="",
        terms="yours to know",
        tree=("a folder with the sub-folders real and fake", "real/GROUP__anything.wav", "fake/MAKER/GROUP__any.wav"),
        signs=("real", "fake"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a media file. Raises `CorpusError` if a sub-folder holds none.

        `fake/MAKER/x.wav` is by MAKER, `fake/x.wav` by `unknown`. The group is the file's stem up to the first `__`
        (`anna__take1.wav` and `anna__take2.wav` stay together), so that a fake can be kept with its original.
        """
        for name, label in (("real", BONA_FIDE), ("fake", SPOOF)):
            empty = True
            for inside in media_below(path, name):
                empty = False
                yield _item(path, inside, label)
            if empty:
                msg = f"expected media files below {path / name}, found none"
                raise CorpusError(msg)


def _item(root: Path, inside: str, label: str) -> Item:
    """Return the item of the file `inside` the corpus."""
    parts = PurePosixPath(inside).parts
    maker = parts[1] if len(parts) > 2 else "unknown"
    return Item(
        id=inside,
        path=root / inside,
        sha256="",
        label=label,
        maker=maker if label == SPOOF else "",
        group=PurePosixPath(inside).stem.split("__")[0],
        kind=kind_of(inside) or "audio",
    )
