"""Films in which sound, picture or both are false: FakeAVCeleb, LAV-DF, AV-Deepfake1M.

FakeAVCeleb v1.2 (Khalid et al. 2021, github.com/DASH-Lab/FakeAVCeleb): `TYPE/ETHNICITY/GENDER/ID/FILE.mp4` and
`meta_data.csv` with source, target1, target2, method, category, type, race, gender, the file's name in `path` (or
`filename`) and its folder in a last column without a name (`FakeAVCeleb/RealVideo-RealAudio/African/men/id00076`).
LAV-DF (Cai et al. 2022, github.com/ControlNet/LAV-DF): `metadata.min.json` (or `metadata.json`), a list of {file,
original, split, modify_video, modify_audio, fake_periods}. AV-Deepfake1M (Cai et al. 2024):
`{train,val}_metadata.json`, a list of {file, original, split, modify_type, audio_model, fake_segments}; films in
`train/` and `val/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import unlisted

_TYPES = ("RealVideo-RealAudio", "RealVideo-FakeAudio", "FakeVideo-RealAudio", "FakeVideo-FakeAudio")
_MODIFIED = {
    "real": "",
    "audio_modified": "audio",
    "visual_modified": "video",
    "both_modified": "audio+video",
}


class FakeAVCeleb(Published):
    """A person is a group; a face or voice taken from others makes theirs groups too."""

    description = Description(
        title="FakeAVCeleb",
        kinds=("video",),
        homepage="https://github.com/DASH-Lab/FakeAVCeleb",
        terms="research only (CC BY-NC 4.0), on request by the authors' form",
        tree=("meta_data.csv", "RealVideo-RealAudio/African/men/id00076/00109.mp4", *(f"{t}/..." for t in _TYPES[1:])),
        protocols=("meta_data.csv",),
        signs=("meta_data.csv", "RealVideo-RealAudio|FakeVideo-RealAudio|FakeVideo-FakeAudio"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a row, then films that no row names."""
        table, seen = path / "meta_data.csv", set()
        for row in tables.rows(table, ("source", "method", "type")):
            if row["type"] not in _TYPES:
                msg = f"expected a type out of {', '.join(_TYPES)} in {table}, found {row['type']!r}"
                raise CorpusError(msg)
            inside = _avceleb_path(row, table)
            seen.add(inside)
            false = tuple(part for part in ("Video", "Audio") if f"Fake{part}" in row["type"])
            people = [row[key] for key in ("source", "target1", "target2") if row.get(key, "").startswith("id")]
            groups = tuple(dict.fromkeys(f"person:{person}" for person in people)) or (f"film:{inside}",)
            yield Item(
                id=inside,
                path=tables.inside(path, inside, table),
                sha256="",
                label=SPOOF if false else BONA_FIDE,
                maker=(row["method"] or "unknown") if false else "",
                group=groups[0],
                groups=groups,
                licence="CC BY-NC 4.0",
                kind="video",
                process="+".join(sorted(part.lower() for part in false)),
                speaker=row["source"],
                language="en",
            )
        yield from unlisted(path, _TYPES, seen, by="meta_data.csv")


def _avceleb_path(row: dict[str, str], table: Path) -> str:
    """Return a row's path below the root, from its name and folder columns. Raises `CorpusError` if it lacks them."""
    file = row.get("filename") or row.get("path", "")
    folder = row.get("") or row.get("Unnamed: 9") or (row.get("path", "") if row.get("filename") else "")
    whole = file if "/" in file else f"{folder}/{file}"
    parts = [part for part in whole.split("/") if part and part != "."]
    start = next((place for place, part in enumerate(parts) if part in _TYPES), None)
    if start is None or not parts[-1].endswith(".mp4"):
        msg = f"expected a path below one of {', '.join(_TYPES)} in {table}, found {whole!r}"
        raise CorpusError(msg)
    return "/".join(parts[start:])


class LAVDF(Published):
    """Talks in which single words were replaced: the false periods are spans, the original film is the group."""

    description = Description(
        title="LAV-DF",
        kinds=("video",),
        homepage="https://github.com/ControlNet/LAV-DF",
        terms="research only (CC BY-NC 4.0), on request",
        tree=("metadata.min.json", "train/000000.mp4", "dev/...", "test/..."),
        protocols=("metadata.min.json", "metadata.json"),
        signs=("metadata.min.json|metadata.json", "train|dev|test"),
    )

    def fits(self, path: Path) -> bool:
        """Return whether the metadata is a list: other corpora have a `metadata.json` that is none."""
        return super().fits(path) and _head(_first(path, *self.description.protocols)) == b"["

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item an entry, then films that no entry names."""
        file, seen = _first(path, *self.description.protocols), set()
        for entry in tables.document(file, list):
            inside = str(tables.field(entry, "file", str(file)))
            seen.add(inside)
            false = [kind for kind in ("audio", "video") if tables.field(entry, f"modify_{kind}", f"{file}: {inside}")]
            yield Item(
                id=inside,
                path=tables.inside(path, inside, file),
                sha256="",
                label=SPOOF if false else BONA_FIDE,
                maker="LAV-DF" if false else "",
                group=f"film:{entry.get('original') or inside}",
                split=_split(str(entry.get("split") or inside.split("/")[0])),
                licence="CC BY-NC 4.0",
                kind="video",
                process="+".join(false),
                language="en",
                spans=tables.spans(entry.get("fake_periods") or (), f"{file}: {inside}"),
            )
        yield from unlisted(path, ("train", "dev", "test"), seen, by=file.name)


class AVDeepfake1M(Published):
    """A million talks with replaced words; speakers are those of VoxCeleb2. The test set has no labels: no items."""

    description = Description(
        title="AV-Deepfake1M",
        kinds=("video",),
        homepage="https://github.com/ControlNet/AV-Deepfake1M",
        terms="research only (CC BY-NC 4.0), on request",
        tree=("train_metadata.json", "val_metadata.json", "train/id00012/FILM/00001/real.mp4", "val/..."),
        protocols=("train_metadata.json", "val_metadata.json"),
        signs=("train_metadata.json|val_metadata.json", "train|val"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item an entry, then films that no entry names."""
        for folder in ("train", "val"):
            file, seen = path / f"{folder}_metadata.json", set()
            for entry in tables.document(file, list) if file.is_file() else ():
                name = str(tables.field(entry, "file", str(file)))
                inside = name if name.startswith(f"{folder}/") else f"{folder}/{name}"
                seen.add(inside)
                yield _million(path, inside, entry, file)
            yield from unlisted(path, [folder], seen, by=file.name)


def _million(root: Path, inside: str, entry: dict[str, Any], file: Path) -> Item:
    """Return the item of an entry of AV-Deepfake1M. Raises `CorpusError` for an unknown sort of modification."""
    sort = str(tables.field(entry, "modify_type", f"{file}: {inside}"))
    if sort not in _MODIFIED:
        msg = f"expected modify_type out of {', '.join(_MODIFIED)} in {file}: {inside}, found {sort!r}"
        raise CorpusError(msg)
    speaker = inside.split("/")[1]
    return Item(
        id=inside,
        path=tables.inside(root, inside, file),
        sha256="",
        label=SPOOF if _MODIFIED[sort] else BONA_FIDE,
        maker=str(entry.get("audio_model") or "AV-Deepfake1M") if _MODIFIED[sort] else "",
        group=f"speaker:{speaker}",
        split=_split(str(entry.get("split") or inside.split("/")[0])),
        licence="CC BY-NC 4.0",
        kind="video",
        process=_MODIFIED[sort],
        speaker=speaker,
        language="en",
        spans=tables.spans(entry.get("fake_segments") or (), f"{file}: {inside}"),
    )


def _split(word: str) -> str:
    return "validation" if word in {"dev", "val"} else word


def _first(root: Path, *names: str) -> Path:
    return next((root / name for name in names if (root / name).is_file()), root / names[0])


def _head(file: Path) -> bytes:
    """Return the first byte of a JSON document."""
    try:
        with file.open("rb") as stream:
            return stream.read(64).lstrip()[:1]
    except OSError:
        return b""
