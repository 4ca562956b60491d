"""Partly false speech: ADD (2022 and 2023) and PartialSpoof.

ADD (addchallenge.cn): every release is folders of sound with a label file of `FILE LABEL` lines. As remembered, and
accepted: `{train,dev,...}/label.txt` (or any `*label*.txt` at the root or one folder down) with the sound beside it
or in `wav/`; LABEL is `genuine` or `fake` (tracks 1), a number of the maker (2023 track 3, 0 = genuine), or the
stretches of 2023 track 2, `0.00-1.03-T/1.03-1.58-F` and then 1 = genuine or 0 = fake. PartialSpoof
(zenodo.org/records/5766198; Zhang et al. 2021): `database/{train,dev,eval}/con_wav/*.wav` and
`database/protocols/PartialSpoof_LA_cm_protocols/PartialSpoof. LA.cm.{train,dev,eval}.trl.txt` with SPEAKER FILE -
SORT KEY. Its segment labels (`segment_labels/*.npy`) are pickled Python objects, and nothing pickled is opened here:
they are told as `unread`. Stretches are taken from text instead, where there is any: `*.rttm` files or `*rttm*`
folders in RTTM (NIST RT-09: SPEAKER FILE CHANNEL START LENGTH . . NAME), or lines `FILE 0.00-1.03-T/...` in
`segment_labels/*.txt`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...media.extent import Span
from ..corpus import BONA_FIDE, SPOOF, CorpusError, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import kind_of, unlisted


class ADD(Published):
    """Every label file that is found; nobody says who speaks, so each recording is a group of its own."""

    description = Description(
        title="ADD 2022 and 2023",
        kinds=("audio",),
        homepage="http://addchallenge.cn/",
        terms="research only, on application to the organisers",
        tree=("{train,dev}/label.txt with FILE genuine|fake", "{train,dev}/wav/ADD_T_00000000.wav"),
        protocols=("*label*.txt", "*/*label*.txt"),
        signs=("*label*.txt|*/*label*.txt",),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a line of each label file, then recordings beside it that no line names."""
        for file in sorted({*path.glob("*label*.txt"), *path.glob("*/*label*.txt")}):
            folder = file.parent.relative_to(path).as_posix()
            base = "" if folder == "." else f"{folder}/"
            wav = f"{base}wav" if (path / f"{base}wav").is_dir() else folder
            split = _split(folder if folder != "." else file.stem)
            seen = set()
            for words in tables.lines(file, "FILE", "LABEL"):
                name = words[0] if kind_of(words[0]) else f"{words[0]}.wav"
                inside = name if wav == "." else f"{wav}/{name}"
                seen.add(inside)
                yield _added(path, inside, words[1:], split, file)
            yield from unlisted(path, [wav], seen, by=file.relative_to(path).as_posix())


def _added(root: Path, inside: str, words: list[str], split: str, file: Path) -> Item:
    """Return the item of a line: `words` are what stands behind the file's name."""
    where, maker = f"{file}: {inside}", "ADD"
    spans: tuple[Span, ...] = ()
    if "/" in words[0] or words[0].count("-") == 2:
        spans = tables.segments(words[0], where)
        false = bool(spans)
        if len(words) > 1 and (words[1] == "0") != false:
            msg = f"expected 1 for a genuine and 0 for a partly false recording in {where}, found {' '.join(words)!r}"
            raise CorpusError(msg)
    elif words[0].isdigit():
        false, maker = words[0] != "0", f"ADD-{words[0]}"
    else:
        false = tables.label(words[0], where) == SPOOF
    return Item(
        id=inside,
        path=tables.inside(root, inside, file),
        sha256="",
        label=SPOOF if false else BONA_FIDE,
        maker=maker if false else "",
        group=inside,
        split=split,
        licence="research only",
        kind="audio",
        process="partial" if spans else "",
        language="zh",
        spans=spans,
    )


class PartialSpoof(Published):
    """Real and synthetic stretches of the same text joined: bona fide lines are recordings of ASVspoof 2019 LA."""

    description = Description(
        title="PartialSpoof",
        kinds=("audio",),
        homepage="https://zenodo.org/records/5766198",
        terms="CC BY 4.0",
        tree=("database/protocols/PartialSpoof_LA_cm_protocols/*.trl.txt", "database/{train,dev,eval}/con_wav/*.wav"),
        protocols=("protocols/PartialSpoof_LA_cm_protocols/*.txt", "segment_labels/*.txt", "*.rttm"),
        signs=("database/protocols/PartialSpoof_LA_cm_protocols|protocols/PartialSpoof_LA_cm_protocols",),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a line of the protocols, recordings that no line names, and labels that are not read."""
        base = "database/" if (path / "database").is_dir() else ""
        spans = _stretches(path / base)
        for short in ("train", "dev", "eval"):
            protocol = path / f"{base}protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.{short}.trl.txt"
            folder, seen = f"{base}{short}/con_wav", set()
            for speaker, name, _, _, key, *_ in (
                tables.lines(protocol, "SPEAKER", "FILE", "-", "SORT", "KEY") if protocol.is_file() else ()
            ):
                inside = f"{folder}/{name}.wav"
                seen.add(inside)
                label = tables.label(key, str(protocol))
                yield Item(
                    id=inside,
                    path=tables.inside(path, inside, protocol),
                    sha256="",
                    label=label,
                    maker="PartialSpoof" if label == SPOOF else "",
                    group=f"speaker:{speaker}",
                    split=_split(short),
                    licence="CC BY 4.0",
                    kind="audio",
                    process="partial" if label == SPOOF else "",
                    speaker=speaker,
                    language="en",
                    spans=spans.get(name, ()) if label == SPOOF else (),
                )
            yield from unlisted(path, [folder], seen, by=protocol.name)
        for file in sorted((path / base / "segment_labels").glob("*.npy")):
            note = "a pickled array is not opened; give the stretches as RTTM or text"
            yield Unmatched(id=file.relative_to(path).as_posix(), state="unread", note=note)


def _stretches(base: Path) -> dict[str, tuple[Span, ...]]:
    """Return the false stretches by recording, from RTTM files or lines of text."""
    found: dict[str, tuple[Span, ...]] = {}
    rttm = {*base.glob("*.rttm"), *base.glob("*/*.rttm"), *base.glob("*rttm*/*"), *base.glob("*/*rttm*/*")}
    for file in sorted(file for file in rttm if file.is_file()):
        for words in tables.lines(file, "SPEAKER", "FILE", "CHANNEL", "START", "LENGTH", ".", ".", "NAME"):
            if words[7].lower() in {"spoof", "fake"}:
                end = f"{float(words[3]) + float(words[4]):.6f}" if _number(words[3], words[4]) else ""
                found[words[1]] = (*found.get(words[1], ()), *tables.spans([(words[3], end)], str(file)))
    for file in sorted((base / "segment_labels").glob("*.txt")):
        for words in tables.lines(file, "FILE", "STRETCHES"):
            found[words[0]] = tables.segments(words[1], f"{file}: {words[0]}")
    return found


def _number(*words: str) -> bool:
    return all(word.replace(".", "", 1).isdigit() for word in words)


def _split(word: str) -> str:
    """Return our name of a split from a folder's or label file's name, the name itself where it tells none."""
    plain = PurePosixPath(word).name.lower()
    for sign, split in (("train", "train"), ("dev", "validation"), ("eval", "test"), ("test", "test")):
        if sign in plain:
            return split
    return plain
