"""Real speech, read aloud: LibriSpeech, VCTK, Common Voice. All of it is bona fide.

LibriSpeech (openslr.org/12): `SPEAKERS.TXT` (`ID | SEX | SUBSET | MINUTES | NAME`, comments begin with `;`) and
`SUBSET/SPEAKER/CHAPTER/SPEAKER-CHAPTER-UTTERANCE.flac`. VCTK (datashare.ed.ac.uk/handle/10283/3443): 0.92
`wav48_silence_trimmed/p225/p225_001_mic1.flac`, 0.80 `wav48/p225/p225_001.wav`; `speaker-info.txt` with ID, AGE,
GENDER, ACCENTS (0.80 without the p). Common Voice: `LANGUAGE/clips/*.mp3` and `validated.tsv`, `train.tsv`, `dev.tsv`,
`test.tsv` with client_id and path; the root is a language's folder or the one above. Rejected and unheard clips
(`invalidated.tsv`, `other.tsv`) are no items.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import media_below, unlisted

_SUBSETS = (
    "train-clean-100",
    "train-clean-360",
    "train-other-500",
    "dev-clean",
    "dev-other",
    "test-clean",
    "test-other",
)
_SPLITS = {"train": "train", "dev": "validation", "test": "test"}


class LibriSpeech(Published):
    """Books read by volunteers; speakers do not cross the subsets."""

    description = Description(
        title="LibriSpeech",
        kinds=("audio",),
        homepage="https://www.openslr.org/12",
        terms="CC BY 4.0",
        tree=("SPEAKERS.TXT", "train-clean-100/103/1240/103-1240-0000.flac", "dev-clean/...", "test-clean/..."),
        protocols=("SPEAKERS.TXT",),
        signs=("SPEAKERS.TXT", "|".join(_SUBSETS)),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a recording; a speaker that the table lacks is `unlisted`, a subset's absent one `missing`."""
        table = {}
        for words in tables.lines(path / "SPEAKERS.TXT"):
            if words and not words[0].startswith(";"):
                cells = [cell.strip() for cell in " ".join(words).split("|")]
                table[cells[0]] = cells[2] if len(cells) > 2 else ""
        for subset in _SUBSETS:
            seen = set()
            for inside in media_below(path, subset):
                speaker = PurePosixPath(inside).name.split("-")[0]
                seen.add(speaker)
                if speaker in table:
                    yield _reading(path, inside, speaker, split=_SPLITS[subset.split("-")[0]], licence="CC BY 4.0")
                else:
                    yield Unmatched(id=inside, state="unlisted", note=f"SPEAKERS.TXT has no speaker {speaker}")
            for speaker in sorted(name for name, where in table.items() if where == subset and name not in seen):
                if (path / subset).is_dir():
                    yield Unmatched(id=f"{subset}/{speaker}", state="missing", note="a speaker of SPEAKERS.TXT")


class VCTK(Published):
    """110 speakers of English, the same sentences by many; two microphones in version 0.92 are two recordings."""

    description = Description(
        title="VCTK",
        kinds=("audio",),
        homepage="https://datashare.ed.ac.uk/handle/10283/3443",
        terms="CC BY 4.0 (0.80: ODC-By 1.0)",
        tree=("speaker-info.txt", "wav48_silence_trimmed/p225/p225_001_mic1.flac or wav48/p225/p225_001.wav"),
        protocols=("speaker-info.txt",),
        signs=("speaker-info.txt", "wav48_silence_trimmed|wav48"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a recording; `s5` has no line in the table of 0.80 and is then `unlisted`."""
        known = set()
        for words in tables.lines(path / "speaker-info.txt"):
            if words and words[0] != "ID":
                known |= {words[0], f"p{words[0]}"}
        for folder in ("wav48_silence_trimmed", "wav48"):
            for inside in media_below(path, folder):
                parts = PurePosixPath(inside).parts
                if len(parts) > 2 and parts[1] not in known:
                    yield Unmatched(id=inside, state="unlisted", note=f"speaker-info.txt has no speaker {parts[1]}")
                elif len(parts) > 2:
                    yield _reading(path, inside, parts[1], split="", licence="CC BY 4.0")


class CommonVoice(Published):
    """Sentences read by volunteers in many languages; a voice is a client_id."""

    description = Description(
        title="Common Voice",
        kinds=("audio",),
        homepage="https://commonvoice.mozilla.org/datasets",
        terms="CC0 1.0; speakers must not be identified",
        tree=("LANGUAGE/validated.tsv, train.tsv, dev.tsv, test.tsv", "LANGUAGE/clips/common_voice_en_1.mp3"),
        protocols=("validated.tsv", "train.tsv", "dev.tsv", "test.tsv"),
        signs=("validated.tsv|train.tsv|*/validated.tsv|*/train.tsv", "clips|*/clips"),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield the clips of train, dev and test, then those validated besides, then those that no table names."""
        languages = ["."] if (path / "clips").is_dir() else sorted(p.parent.name for p in path.glob("*/clips"))
        for language in languages:
            base = "" if language == "." else f"{language}/"
            seen: set[str] = set()
            for name in ("train", "dev", "test", "validated"):
                file = path / f"{base}{name}.tsv"
                for row in tables.rows(file, ("client_id", "path"), delimiter="\t") if file.is_file() else ():
                    inside = f"{base}clips/{row['path']}"
                    if inside not in seen:
                        seen.add(inside)
                        tables.inside(path, inside, file)
                        yield _spoken(path, inside, row, _SPLITS.get(name, ""))
            for name in ("invalidated", "other"):
                file = path / f"{base}{name}.tsv"
                rows = tables.rows(file, ("path",), delimiter="\t") if file.is_file() else ()
                seen |= {f"{base}clips/{row['path']}" for row in rows}
            yield from unlisted(path, [f"{base}clips"], seen, by=f"{base}*.tsv")


def _spoken(root: Path, inside: str, row: dict[str, str], split: str) -> Item:
    name = PurePosixPath(inside).name.removeprefix("common_voice_")
    language = row.get("locale") or name.rpartition("_")[0]
    return _reading(root, inside, row["client_id"], split=split, licence="CC0-1.0", language=language)


def _reading(root: Path, inside: str, speaker: str, *, split: str, licence: str, language: str = "en") -> Item:
    return Item(
        id=inside,
        path=root / inside,
        sha256="",
        label=BONA_FIDE,
        maker="",
        group=f"speaker:{speaker}",
        split=split,
        licence=licence,
        kind="audio",
        speaker=speaker,
        language=language,
    )
