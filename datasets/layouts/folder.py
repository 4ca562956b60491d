"""The plainest corpus: a folder with `real/` and `fake/`."""

from __future__ import annotations

from pathlib import Path

from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, file_sha256
from .kinds import kind_of


class FolderLayout:
    """`real/**` and `fake/**`; a first sub-folder of `fake` names the maker, one of `real` or `fake` the group."""

    expects = "a folder with the sub-folders real and fake"

    def fits(self, path: Path) -> bool:
        """Return whether both sub-folders are there."""
        return (path / "real").is_dir() and (path / "fake").is_dir()

    def items(self, path: Path) -> tuple[Item, ...]:
        """Return one item a media file. Raises `CorpusError` if a sub-folder holds none.

        `fake/MAKER/x.wav` is by MAKER, `fake/x.wav` by `unknown`. The group is the file's stem up to the first `__`
        (`anna__take1.wav` and `anna__take2.wav` stay together), so that a fake can be kept with its original.
        """
        found: list[Item] = []
        for name, label in (("real", BONA_FIDE), ("fake", SPOOF)):
            files = sorted(file for file in (path / name).rglob("*") if file.is_file() and kind_of(file))
            if not files:
                msg = f"expected media files below {path / name}, found none"
                raise CorpusError(msg)
            found.extend(_item(file, path / name, label) for file in files)
        return tuple(sorted(found, key=lambda item: item.id))


def _item(file: Path, root: Path, label: str) -> Item:
    """Return the item of one file below `root`."""
    inside = file.relative_to(root)
    maker = inside.parts[0] if len(inside.parts) > 1 else "unknown"
    return Item(
        id=f"{root.name}/{inside.as_posix()}",
        path=file,
        sha256=file_sha256(file),
        label=label,
        maker=maker if label == SPOOF else "",
        group=file.stem.split("__")[0],
        kind=kind_of(file) or "audio",
    )
