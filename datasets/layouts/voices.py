"""Synthetic voices in plain folders: WaveFake and In-the-Wild.

WaveFake (Frank and Schoenherr 2021, zenodo.org/records/5642694): `generated_audio/{ljspeech,jsut}_VOCODER/*.wav`
(`LJ001-0001_gen.wav`) and `common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech/`; the reals are LJSpeech
(`LJSpeech-1.1/wavs/`) and JSUT (`jsut_ver1.1/basic5000/wav/`), read where they lie beside. The folder of the vocoders
may be the root. In-the-Wild (Mueller et al. 2022): `meta.csv` with file, speaker, label (bona-fide or spoof), sound
beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ..corpus import BONA_FIDE, SPOOF, Item, Unmatched
from . import tables
from .interface import Description, Published
from .kinds import media_below, unlisted

_REALS = (("LJSpeech-1.1/wavs", "ljspeech", "en"), ("jsut_ver1.1/basic5000/wav", "jsut", "ja"))


class WaveFake(Published):
    """Two voices re-synthesised by seven vocoders: the sentence is the group, since there are only two speakers."""

    description = Description(
        title="WaveFake",
        kinds=("audio",),
        homepage="https://zenodo.org/records/5642694",
        terms="CC BY-SA 4.0; LJSpeech is in the public domain, JSUT has terms of its own",
        tree=("generated_audio/ljspeech_melgan/LJ001-0001_gen.wav", "LJSpeech-1.1/wavs/LJ001-0001.wav"),
        signs=("generated_audio/ljspeech_*|generated_audio/jsut_*|ljspeech_*|jsut_*_*_*",),
    )

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield the reals that are there, then each vocoder's recordings."""
        for folder, speaker, language in _REALS:
            for inside in media_below(path, folder):
                yield _clip(path, inside, "", speaker, language)
        base = "generated_audio/" if (path / "generated_audio").is_dir() else ""
        for child in sorted((path / base).iterdir()):
            prefix = child.name.split("_")[0]
            if child.is_dir() and prefix in {"ljspeech", "jsut", "common"}:
                speaker = "jsut" if prefix == "jsut" else "ljspeech"
                maker = child.name.removeprefix(f"{speaker}_") if prefix != "common" else "conformer_fastspeech2_pwg"
                for inside in media_below(path, f"{base}{child.name}"):
                    yield _clip(path, inside, maker, speaker, "ja" if speaker == "jsut" else "en")


def _clip(root: Path, inside: str, maker: str, speaker: str, language: str) -> Item:
    sentence = PurePosixPath(inside).stem.removesuffix("_gen").removesuffix("_generated")
    return Item(
        id=inside,
        path=root / inside,
        sha256="",
        label=SPOOF if maker else BONA_FIDE,
        maker=maker,
        group=f"sentence:{sentence}",
        licence="CC BY-SA 4.0" if maker else "",
        kind="audio",
        process="" if not maker else "tts" if maker.startswith("conformer") else "vocoder",
        speaker=speaker,
        language=language,
    )


class InTheWild(Published):
    """Public figures, real and cloned, from the web: the speaker is the group, the maker unknown."""

    description = Description(
        title="In-the-Wild",
        kinds=("audio",),
        homepage="https://deepfake-total.com/in_the_wild",
        terms="Apache-2.0 as stated by the authors; the voices are other people's",
        tree=("meta.csv with file,speaker,label", "0.wav", "1.wav", "..."),
        protocols=("meta.csv",),
        signs=("meta.csv",),
    )

    def fits(self, path: Path) -> bool:
        """Return whether the table has the three columns."""
        return {"file", "speaker", "label"} <= set(tables.header(path / "meta.csv"))

    def items(self, path: Path) -> Iterator[Item | Unmatched]:
        """Yield one item a row, then recordings that no row names."""
        table, seen = path / "meta.csv", set()
        for row in tables.rows(table, ("file", "speaker", "label")):
            label = tables.label(row["label"], str(table))
            seen.add(row["file"])
            yield Item(
                id=row["file"],
                path=tables.inside(path, row["file"], table),
                sha256="",
                label=label,
                maker="wild" if label == SPOOF else "",
                group=f"speaker:{row['speaker']}",
                licence="Apache-2.0 as stated",
                kind="audio",
                speaker=row["speaker"],
                language="en",
            )
        yield from unlisted(path, ["."], seen, by="meta.csv")
