"""The Deepfake Detection Challenge: the full set and the preview.

Follows the descriptions of the challenge (Kaggle data page; Dolhansky et al. 2019 and 2020). Full set:
`dfdc_train_part_N/metadata.json`, an object file name -> {label REAL or FAKE, split, original}; where the validation
and test sets lie beside, `validation/labels.csv` (filename, label 0 or 1) and `test/metadata.json` (is_fake 0 or 1).
Parts may lie below `train/` or in a folder of their own name. Preview: `dataset.json`, path -> {label, set,
target_id, swapped_id}; the names of the two ids are as remembered, and an entry without them is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import unlisted

_TERMS = "research, under the challenge's terms of use; no redistribution"
_PARTS = ("dfdc_train_part_*", "train/dfdc_train_part_*", "dfdc_train_part_*/dfdc_train_part_*")
_SIGN = "|".join(f"{part}/metadata.json" for part in _PARTS)


class DFDC(Published):
    """The full set. Its makers are not disclosed film by film: each fake is by `dfdc`, in the group of its original."""

    description = Description(
        title="DFDC",
        kinds=("video",),
        homepage="https://ai.meta.com/datasets/dfdc/",
        terms=_TERMS,
        tree=("dfdc_train_part_N/metadata.json", "dfdc_train_part_N/*.mp4", "validation/labels.csv", "test/..."),
        protocols=("dfdc_train_part_*/metadata.json", "validation/labels.csv", "test/metadata.json"),
        signs=(_SIGN,),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item an entry, part by part in order of number, then films that no entry names."""
        files = {file for part in _PARTS for file in path.glob(f"{part}/metadata.json")}
        for file in sorted(files, key=lambda file: (len(file.parent.name), str(file))):
            folder = file.parent.relative_to(path).as_posix()
            entries = tables.document(file, dict)
            for name, entry in entries.items():
                yield _full(path, f"{folder}/{name}", entry, file)
            yield from unlisted(path, [folder], {f"{folder}/{name}" for name in entries}, by=f"{folder}/metadata.json")
        yield from _later(path)


class DFDCPreview(Published):
    """The preview: two methods, A and B; people by number."""

    description = Description(
        title="DFDC preview",
        kinds=("video",),
        homepage="https://ai.meta.com/datasets/dfdc/",
        terms=_TERMS,
        tree=("dataset.json", "original_videos/ID/*.mp4", "method_A/ID/*.mp4", "method_B/ID/*.mp4"),
        protocols=("dataset.json",),
        signs=("dataset.json", "original_videos|method_A|method_B"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item an entry, then films that no entry names."""
        file = path / "dataset.json"
        entries = tables.document(file, dict)
        for inside, entry in entries.items():
            label = tables.label(str(tables.field(entry, "label", f"{file}: {inside}")), str(file))
            people = [str(entry[key]) for key in ("target_id", "swapped_id") if entry.get(key) is not None]
            people = people or [inside.split("/")[-1].split("_")[0]]
            yield Item(
                id=inside,
                path=tables.inside(path, inside, file),
                sha256="",
                label=label,
                maker=inside.split("/")[0] if label == SPOOF else "",
                group=f"person:{people[0]}",
                groups=tuple(dict.fromkeys(f"person:{person}" for person in people)),
                split=str(entry.get("set", "")),
                licence=_TERMS,
                kind="video",
            )
        yield from unlisted(path, ("original_videos", "method_A", "method_B"), entries, by="dataset.json")


def _full(root: Path, inside: str, entry: Any, file: Path) -> Item:  # noqa: ANN401 - as JSON is
    """Return the item of an entry of a part's metadata. Raises `CorpusError` for a fake without its original."""
    label = tables.label(str(tables.field(entry, "label", f"{file}: {inside}")), str(file))
    original = entry.get("original") if label == SPOOF else inside.split("/")[-1]
    if not isinstance(original, str) or not original:
        msg = f"expected the name of the original of {inside} in {file}, found {original!r}"
        raise CorpusError(msg)
    return _item(root, inside, label, f"film:{original}", str(entry.get("split", "train")))


def _later(root: Path) -> Iterator[Item | Unmatched]:
    """Yield the validation and the test set where they were fetched; each film is a group of its own."""
    table = root / "validation" / "labels.csv"
    if table.is_file():
        for row in tables.rows(table, ("filename", "label")):
            inside = f"validation/{row['filename']}"
            yield _item(root, inside, tables.label(row["label"], str(table)), inside, "validation")
    file = root / "test" / "metadata.json"
    if file.is_file():
        for name, entry in tables.document(file, dict).items():
            label = SPOOF if tables.field(entry, "is_fake", f"{file}: {name}") else BONA_FIDE
            yield _item(root, f"test/{name}", label, f"test/{name}", "test")


def _item(root: Path, inside: str, label: str, group: str, split: str) -> Item:
    return Item(
        id=inside,
        path=tables.inside(root, inside, root),
        sha256="",
        label=label,
        maker="dfdc" if label == SPOOF else "",
        group=group,
        split=split,
        licence=_TERMS,
        kind="video",
    )
