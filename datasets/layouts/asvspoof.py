"""The ASVspoof challenges: 2019 LA and PA, 2021 LA and DF, ASVspoof 5.

Follows the READMEs of the releases. 2019:
`ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{train.trn,dev.trl,eval.trl}.txt` with SPEAKER FILE ENVIRONMENT
ATTACK KEY, sound in `ASVspoof2019_LA_{train,dev,eval}/flac/` (PA alike; the environment is PA's). 2021:
`ASVspoof2021_LA_eval/flac/` (DF: its four parts may stay `ASVspoof2021_DF_eval_part0N`) and the keys, which are a
download of their own, at `keys/LA/CM/trial_metadata.txt` (accepted too: `LA/CM/`, `LA-keys-full/...`, at the root):
SPEAKER FILE CODEC CHANNEL ATTACK KEY TRIM SUBSET, DF with SOURCE for CHANNEL and the vocoder's type behind. ASVspoof
5: `ASVspoof5.{train,dev.track_1,eval.track_1}.tsv` (or `.metadata.txt`), ten columns divided by a blank or tab,
SPEAKER FILE GENDER CODEC CODEC_Q CODEC_SEED ATTACK_TAG ATTACK_LABEL KEY TMP, sound in `flac_T`, `flac_D`,
`flac_E_eval` or `flac_E`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..corpus import SPOOF, CorpusError, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import unlisted

_ODC = "ODC-By 1.0 (attribution)"
_COLUMNS5 = ("SPEAKER", "FILE", "GENDER", "CODEC", "CODEC_Q", "CODEC_SEED", "ATTACK_TAG", "ATTACK_LABEL", "KEY")
_KEYS = ("keys/{0}/CM", "{0}/CM", "{0}-keys-full/keys/{0}/CM", "keys/CM", ".")


class LA2019(Published):
    """Logical access: speech by 19 synthesis and conversion systems, A01 to A19."""

    part = "LA"
    description = Description(
        title="ASVspoof 2019 LA",
        kinds=("audio",),
        homepage="https://datashare.ed.ac.uk/handle/10283/3336",
        terms=_ODC,
        tree=(
            "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt",
            "ASVspoof2019_LA_{train,dev,eval}/flac/LA_T_1000137.flac",
        ),
        protocols=("ASVspoof2019_LA_cm_protocols/*.txt",),
        signs=("ASVspoof2019_LA_cm_protocols", "ASVspoof2019_LA_train|ASVspoof2019_LA_dev|ASVspoof2019_LA_eval"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a line of the protocols, then recordings that no line names."""
        root = f"ASVspoof2019_{self.part}"
        found = False
        for short, suffix, split in (("train", "trn", "train"), ("dev", "trl", "validation"), ("eval", "trl", "test")):
            protocol = path / f"{root}_cm_protocols" / f"ASVspoof2019.{self.part}.cm.{short}.{suffix}.txt"
            if not protocol.is_file():
                continue
            found, folder, seen = True, f"{root}_{short}/flac", set()
            for speaker, file, place, attack, key, *_ in tables.lines(
                protocol, "SPEAKER", "FILE", "ENVIRONMENT", "ATTACK", "KEY"
            ):
                seen.add(f"{folder}/{file}.flac")
                facts = (speaker, attack, key, split, "" if place == "-" else place)
                yield _item(path, f"{folder}/{file}.flac", facts, protocol)
            yield from unlisted(path, [folder], seen, by=protocol.name)
        if not found:
            names = ", ".join(file.name for file in sorted((path / f"{root}_cm_protocols").iterdir())[:8])
            msg = f"expected ASVspoof2019.{self.part}.cm.train.trn.txt ... in {root}_cm_protocols, found {names}"
            raise CorpusError(msg)


class PA2019(LA2019):
    """Physical access: replayed speech, the attack two letters, the room three (`process`)."""

    part = "PA"
    description = Description(
        title="ASVspoof 2019 PA",
        kinds=("audio",),
        homepage="https://datashare.ed.ac.uk/handle/10283/3336",
        terms=_ODC,
        tree=(
            "ASVspoof2019_PA_cm_protocols/ASVspoof2019.PA.cm.train.trn.txt",
            "ASVspoof2019_PA_{train,dev,eval}/flac/PA_T_0000001.flac",
        ),
        protocols=("ASVspoof2019_PA_cm_protocols/*.txt",),
        signs=("ASVspoof2019_PA_cm_protocols", "ASVspoof2019_PA_train|ASVspoof2019_PA_dev|ASVspoof2019_PA_eval"),
    )


class LA2021(Published):
    """Evaluation only; the systems of 2019 through telephone codecs. The subset (`eval`, `progress`) is the split."""

    part = "LA"
    description = Description(
        title="ASVspoof 2021 LA",
        kinds=("audio",),
        homepage="https://www.asvspoof.org/index2021.html",
        terms=_ODC,
        tree=("ASVspoof2021_LA_eval/flac/LA_E_9332881.flac", "keys/LA/CM/trial_metadata.txt"),
        protocols=("keys/LA/CM/trial_metadata.txt",),
        signs=(
            "ASVspoof2021_LA_eval/flac",
            "|".join(f"{place.format('LA')}/trial_metadata.txt" for place in _KEYS),
        ),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a trial, then recordings that no trial names. Raises `CorpusError` without the keys."""
        places = [path / place.format(self.part) / "trial_metadata.txt" for place in _KEYS]
        keys = next(place for place in places if place.is_file())
        folders = [
            f"{folder.name}/flac" for folder in sorted(path.glob(f"ASVspoof2021_{self.part}_eval*")) if folder.is_dir()
        ]
        seen: set[str] = set()
        for words in tables.lines(keys, "SPEAKER", "FILE", "CODEC", "CHANNEL", "ATTACK", "KEY", "TRIM", "SUBSET"):
            inside = _place(path, folders, f"{words[1]}.flac")
            seen.add(inside)
            process = words[8] if len(words) > 8 else words[3]
            facts = (words[0], words[4], words[5], words[7], "" if process == "-" else process)
            yield _item(path, inside, facts, keys, compression=words[2])
        yield from unlisted(path, folders, seen, by="trial_metadata.txt")


class DF2021(LA2021):
    """Evaluation only; speech through lossy compression, with more than 100 systems of the conversion challenges."""

    part = "DF"
    description = Description(
        title="ASVspoof 2021 DF",
        kinds=("audio",),
        homepage="https://www.asvspoof.org/index2021.html",
        terms=_ODC,
        tree=("ASVspoof2021_DF_eval/flac/DF_E_2000011.flac", "keys/DF/CM/trial_metadata.txt"),
        protocols=("keys/DF/CM/trial_metadata.txt",),
        signs=(
            "ASVspoof2021_DF_eval*/flac",
            "|".join(f"{place.format('DF')}/trial_metadata.txt" for place in _KEYS),
        ),
    )


class ASVspoof5(Published):
    """Track 1: speech from the crowd, 32 attacks, many of them against detectors."""

    description = Description(
        title="ASVspoof 5",
        kinds=("audio",),
        homepage="https://zenodo.org/records/14498691",
        terms="CC BY 4.0 and, in part, ODC-By 1.0: see the release",
        tree=("ASVspoof5.train.tsv", "ASVspoof5.dev.track_1.tsv", "ASVspoof5.eval.track_1.tsv", "flac_T/*.flac ..."),
        protocols=("ASVspoof5.*.tsv", "ASVspoof5.*.metadata.txt", "ASVspoof5_protocols/..."),
        signs=(
            "ASVspoof5.*.tsv|ASVspoof5.*.metadata.txt|ASVspoof5_protocols/ASVspoof5.*.*|protocols/ASVspoof5.*.*",
            "flac_T|flac_D|flac_E|flac_E_eval",
        ),
    )
    _parts = (
        ("train", "train", ("flac_T",)),
        ("dev", "validation", ("flac_D",)),
        ("eval", "test", ("flac_E_eval", "flac_E")),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a line of the protocols, then recordings that no line names."""
        for short, split, folders in self._parts:
            protocol = _protocol5(path, short)
            if protocol is None:
                continue
            here, seen = [folder for folder in folders if (path / folder).is_dir()] or [folders[0]], set()
            for words in tables.lines(protocol, *_COLUMNS5):
                inside = _place(path, here, f"{words[1]}.flac")
                seen.add(inside)
                codec = "" if words[3] == "-" else f"{words[3]}-{words[4]}"
                facts = (words[0], words[7], words[8], split, "" if words[6] == "-" else words[6])
                yield replace(_item(path, inside, facts, protocol, compression=codec), licence=self.description.terms)
            yield from unlisted(path, here, seen, by=protocol.name)


def _protocol5(root: Path, short: str) -> Path | None:
    """Return the protocol of a part of ASVspoof 5, `None` if it was not fetched."""
    for folder in (".", "ASVspoof5_protocols", "protocols"):
        for name in (f"{short}.track_1.tsv", f"{short}.tsv", f"{short}.metadata.txt"):
            if (root / folder / f"ASVspoof5.{name}").is_file():
                return root / folder / f"ASVspoof5.{name}"
    return None


def _place(root: Path, folders: list[str], name: str) -> str:
    """Return where a recording lies; of several folders it is looked for, a single one is taken for granted."""
    if len(folders) > 1:
        return next(
            (f"{folder}/{name}" for folder in folders if (root / folder / name).exists()), f"{folders[0]}/{name}"
        )
    return f"{folders[0]}/{name}"


def _item(
    root: Path, inside: str, facts: tuple[str, str, str, str, str], protocol: Path, *, compression: str = ""
) -> Item:
    """Return the item of a line: `facts` are speaker, attack, key, split and process."""
    speaker, attack, key, split, process = facts
    label = tables.label(key, str(protocol))
    return Item(
        id=inside,
        path=tables.inside(root, inside, protocol),
        sha256="",
        label=label,
        maker=(attack if attack != "-" else "unknown") if label == SPOOF else "",
        group=f"speaker:{speaker}",
        split=split,
        licence=_ODC,
        kind="audio",
        process=process,
        speaker=speaker,
        compression="" if compression in {"-", "none", "nocodec"} else compression,
        language="en",
    )
