"""Corpora of voices are read from the trees and protocol files that their authors publish."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from assay.datasets.corpus import CorpusError, Item, Unmatched, read
from assay.datasets.layouts import choose, layout

REAL, FAKE = "bona fide", "spoof"
LA, PA = "ASVspoof2019_LA_train/flac", "ASVspoof2019_PA_train/flac"
DF = "ASVspoof2021_DF_eval_part0"
Row = tuple[str, str, str, str, str]

# label, maker, group, split, compression
WANTED: dict[str, dict[str, Row]] = {
    "asvspoof2019-la": {
        f"{LA}/LA_T_1138215.flac": (REAL, "", "speaker:LA_0079", "train", ""),
        f"{LA}/LA_T_1271820.flac": (FAKE, "A01", "speaker:LA_0079", "train", ""),
        "ASVspoof2019_LA_dev/flac/LA_D_1047731.flac": (REAL, "", "speaker:LA_0069", "validation", ""),
    },
    "asvspoof2019-pa": {
        f"{PA}/PA_T_0000001.flac": (REAL, "", "speaker:PA_0079", "train", ""),
        f"{PA}/PA_T_0005401.flac": (FAKE, "BC", "speaker:PA_0079", "train", ""),
    },
    "asvspoof2021-la": {
        "ASVspoof2021_LA_eval/flac/LA_E_9332881.flac": (FAKE, "A07", "speaker:LA_0009", "eval", "alaw"),
        "ASVspoof2021_LA_eval/flac/LA_E_5464494.flac": (REAL, "", "speaker:LA_0009", "progress", ""),
    },
    "asvspoof2021-df": {
        f"{DF}0/flac/DF_E_2000011.flac": (FAKE, "A14", "speaker:LA_0023", "progress", ""),
        f"{DF}1/flac/DF_E_2000013.flac": (FAKE, "Task1-team20", "speaker:TEF2", "eval", "low_m4a"),
    },
    "asvspoof5": {
        "flac_T/T_0000000000.flac": (FAKE, "A05", "speaker:T_4850", "train", ""),
        "flac_D/D_0000000001.flac": (REAL, "", "speaker:D_0062", "validation", ""),
        "flac_E_eval/E_0009538969.flac": (FAKE, "A30", "speaker:E_1607", "test", "C08-4"),
    },
    "wavefake": {
        "LJSpeech-1.1/wavs/LJ001-0001.wav": (REAL, "", "sentence:LJ001-0001", "", ""),
        "generated_audio/ljspeech_melgan/LJ001-0001_gen.wav": (FAKE, "melgan", "sentence:LJ001-0001", "", ""),
        "generated_audio/jsut_parallel_wavegan/BASIC5000_0001_gen.wav": (
            FAKE,
            "parallel_wavegan",
            "sentence:BASIC5000_0001",
            "",
            "",
        ),
        "generated_audio/common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech/gen_0.wav": (
            FAKE,
            "conformer_fastspeech2_pwg",
            "sentence:gen_0",
            "",
            "",
        ),
    },
    "in-the-wild": {
        "0.wav": (FAKE, "wild", "speaker:Alan Watts", "", ""),
        "1.wav": (REAL, "", "speaker:Alan Watts", "", ""),
    },
    "add": {
        "train/wav/ADD_T_00000000.wav": (REAL, "", "train/wav/ADD_T_00000000.wav", "train", ""),
        "train/wav/ADD_T_00000001.wav": (FAKE, "ADD", "train/wav/ADD_T_00000001.wav", "train", ""),
        "dev/wav/ADD2023_T2_D_00000000.wav": (FAKE, "ADD", "dev/wav/ADD2023_T2_D_00000000.wav", "validation", ""),
    },
    "partialspoof": {
        "database/train/con_wav/CON_T_0000000.wav": (FAKE, "PartialSpoof", "speaker:LA_0079", "train", ""),
        "database/train/con_wav/LA_T_1138215.wav": (REAL, "", "speaker:LA_0079", "train", ""),
    },
    "librispeech": {
        "train-clean-100/103/1240/103-1240-0000.flac": (REAL, "", "speaker:103", "train", ""),
        "dev-clean/84/121123/84-121123-0000.flac": (REAL, "", "speaker:84", "validation", ""),
    },
    "vctk": {"wav48_silence_trimmed/p225/p225_001_mic1.flac": (REAL, "", "speaker:p225", "", "")},
    "common-voice": {
        "en/clips/common_voice_en_1.mp3": (REAL, "", "speaker:abc", "train", ""),
        "en/clips/common_voice_en_2.mp3": (REAL, "", "speaker:def", "", ""),
    },
}
UNMATCHED = {
    "asvspoof2019-la": {("unlisted", f"{LA}/LA_T_9999999.flac")},
    "in-the-wild": {("unlisted", "2.wav")},
    "partialspoof": {("unread", "database/segment_labels/train_seglab_0.16.npy")},
    "librispeech": {
        ("unlisted", "dev-clean/77/1/77-1-0000.flac"),
        ("missing", "train-clean-100/1034"),
    },
    "vctk": {("unlisted", "wav48_silence_trimmed/s5/s5_001_mic1.flac")},
    "common-voice": {("unlisted", "en/clips/common_voice_en_4.mp3")},
}


def _all(name: str, root: Path) -> tuple[dict[str, Item], set[tuple[str, str]]]:
    entries = list(choose(root, name=name).items(root))
    items = [entry for entry in entries if isinstance(entry, Item)]
    found = {item.id: item for item in items}
    assert len(found) == len(items), "an id comes twice"
    return found, {(entry.state, entry.id) for entry in entries if isinstance(entry, Unmatched)}


@pytest.mark.parametrize("name", WANTED)
def test_a_published_tree_gives_label_maker_speaker_and_split(corpora: ModuleType, tmp_path: Path, name: str) -> None:
    root = corpora.corpus(name, tmp_path)
    items, unmatched = _all(name, root)
    assert {k: (i.label, i.maker, i.group, i.split, i.compression) for k, i in items.items()} == WANTED[name]
    assert unmatched == UNMATCHED.get(name, set())
    assert type(choose(root)) is type(layout(name)), "the layout is found out without being named"


def test_a_recording_that_the_protocol_names_and_nobody_has_is_an_error_or_told(
    corpora: ModuleType, tmp_path: Path
) -> None:
    root = corpora.corpus("asvspoof2019-la", tmp_path)
    with pytest.raises(CorpusError, match=r"expected the file ASVspoof2019_LA_dev/flac/LA_D_1047731.flac"):
        read(root)
    told: list[Unmatched] = []
    assert len(read(root, on_unmatched=told.append)) == 2
    assert {gap.state for gap in told} == {"missing", "unlisted"}


def test_rooms_channels_and_vocoders_are_the_process(corpora: ModuleType, tmp_path: Path) -> None:
    rooms, _ = _all("asvspoof2019-pa", corpora.corpus("asvspoof2019-pa", tmp_path / "pa"))
    channels, _ = _all("asvspoof2021-la", corpora.corpus("asvspoof2021-la", tmp_path / "la"))
    vocoders, _ = _all("asvspoof2021-df", corpora.corpus("asvspoof2021-df", tmp_path / "df"))
    assert {item.process for item in rooms.values()} == {"aaa", "aab"}
    assert {item.process for item in channels.values()} == {"ita_tx", ""}
    assert {item.process for item in vocoders.values()} == {"traditional_vocoder", "neural_vocoder_nonautoregressive"}


def test_false_stretches_come_from_text_and_never_from_a_pickle(corpora: ModuleType, tmp_path: Path) -> None:
    add, _ = _all("add", corpora.corpus("add", tmp_path / "add"))
    spliced, _ = _all("partialspoof", corpora.corpus("partialspoof", tmp_path / "ps"))
    spans = add["dev/wav/ADD2023_T2_D_00000000.wav"].spans
    assert [(span.start, span.end) for span in spans] == [(1.03, 1.58)]
    spans = spliced["database/train/con_wav/CON_T_0000000.wav"].spans
    assert [(span.start, span.end) for span in spans] == [(0.5, 0.75)]
    assert not spliced["database/train/con_wav/LA_T_1138215.wav"].spans


def test_the_older_vctk_and_a_single_language_are_read_too(corpora: ModuleType, tmp_path: Path) -> None:
    old = corpora.plant(
        tmp_path / "vctk",
        ["wav48/p225/p225_001.wav"],
        {"speaker-info.txt": ["ID  AGE  GENDER  ACCENTS  REGION", "225  23  F    English    Southern  England"]},
    )
    assert [item.speaker for item in read(old)] == ["p225"]
    root = corpora.corpus("common-voice", tmp_path / "cv")
    inner, outer = read(root / "en"), read(root)
    assert [item.id for item in inner] == ["clips/common_voice_en_1.mp3", "clips/common_voice_en_2.mp3"]
    assert {item.language for item in (*inner, *outer)} == {"en"}


@pytest.mark.parametrize(
    ("name", "file", "content", "words"),
    [
        pytest.param(
            "asvspoof2019-la",
            "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt",
            "LA_0079 LA_T_1138215 bonafide",
            "SPEAKER FILE ENVIRONMENT ATTACK KEY in line 1",
            id="too few columns",
        ),
        pytest.param("asvspoof5", "ASVspoof5.train.tsv", "T T_0 F - - - AC1 A05 maybe -", "'maybe'", id="unknown key"),
        pytest.param("in-the-wild", "meta.csv", "file,label\n0.wav,spoof\n", "speaker missing", id="no column"),
        pytest.param("add", "dev/label.txt", "a.wav 0.0-1.0-X/1.0-2.0-F 0", "stretches such as", id="wrong stretch"),
        pytest.param("add", "dev/label.txt", "a.wav 0.0-1.0-T/1.0-2.0-F 1", "0 for a partly false", id="contradiction"),
    ],
)
def test_a_wrong_protocol_is_answered_with_what_was_expected(
    corpora: ModuleType, tmp_path: Path, name: str, file: str, content: str, words: str
) -> None:
    root = corpora.corpus(name, tmp_path)
    (root / file).write_text(content)
    with pytest.raises(CorpusError, match=words):
        list(layout(name).items(root))
