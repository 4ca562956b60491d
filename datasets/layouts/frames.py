"""Small sets of films or frames that are told apart by their folders: UADFV and WildDeepfake.

UADFV (Yang, Li and Lyu 2019): `real/NNNN.mp4` and `fake/NNNN_fake.mp4`, the fake of the film of the same number;
frames below `real/frames/NNNN/` and `fake/frames/NNNN_fake/` are accepted. WildDeepfake (Zi et al. 2020,
github.com/OpenTAI/wild-deepfake): `{real,fake}_{train,test}/N.tar.gz`, unpacked in place to `N/{real,fake}/SEQUENCE/
*.png`; any depth below N is accepted. Archives are not opened: one without its folder is told as `unread`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, Unmatched
from .interface import Description, Published
from .kinds import kind_of, media_below


class UADFV(Published):
    """49 real films and a fake of each: the pair is the group."""

    description = Description(
        title="UADFV",
        kinds=("video", "image"),
        homepage="https://bitbucket.org/ericyang3721/headpose_forensic/",
        terms="research only, on request to the authors",
        tree=("real/0000.mp4", "fake/0000_fake.mp4"),
        signs=(
            "real/*.mp4|real/frames/*",
            "fake/[0-9][0-9][0-9][0-9]_fake.mp4|fake/frames/[0-9][0-9][0-9][0-9]_fake",
        ),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a film or frame, the real ones first."""
        for name, maker in (("real", ""), ("fake", "FakeApp")):
            for inside in media_below(path, name):
                parts = PurePosixPath(inside).parts
                film = parts[2] if parts[1] == "frames" else PurePosixPath(inside).stem
                yield _item(path, inside, maker, f"film:{film.removesuffix('_fake')}", "")


class WildDeepfake(Published):
    """Face crops of films found on the web, one archive a film: the archive is the group, its maker unknown."""

    description = Description(
        title="WildDeepfake",
        kinds=("image",),
        homepage="https://github.com/OpenTAI/wild-deepfake",
        terms="research only, on request by the authors' form",
        tree=("real_train/N/real/SEQUENCE/*.png", "fake_train/N/fake/SEQUENCE/*.png", "real_test/...", "fake_test/..."),
        signs=("real_train|real_test", "fake_train|fake_test"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a crop. Raises `CorpusError` if nothing is unpacked."""
        packed, none = 0, True
        for name in ("real_train", "real_test", "fake_train", "fake_test"):
            for archive in sorted((path / name).glob("*.tar*")):
                if not (path / name / archive.name.split(".")[0]).is_dir():
                    packed += 1
                    note = "an archive is not opened: unpack it here"
                    yield Unmatched(id=f"{name}/{archive.name}", state="unread", note=note)
            for inside in media_below(path, name):
                none = False
                maker = "wild" if name.startswith("fake") else ""
                film = "/".join(PurePosixPath(inside).parts[:2])
                yield _item(path, inside, maker, f"film:{film}", name.partition("_")[2])
        if none:
            msg = f"expected pictures below real_train, fake_train ... of {path}, found {packed} archives: unpack them"
            raise CorpusError(msg)


def _item(root: Path, inside: str, maker: str, group: str, split: str) -> Item:
    return Item(
        id=inside,
        path=root / inside,
        sha256="",
        label=SPOOF if maker else BONA_FIDE,
        maker=maker,
        group=group,
        split=split,
        licence="research only",
        kind=kind_of(inside) or "video",
    )
