"""Corpora of faces and films are read from the trees and protocol files that their authors publish."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from assay.datasets.corpus import CorpusError, Item, Unmatched, read
from assay.datasets.layouts import LAYOUTS, choose, layout

REAL, FAKE = "bona fide", "spoof"
FF = "manipulated_sequences"
PAIR = ("youtube:000", "youtube:003")
Row = tuple[str, str, tuple[str, ...], str]
CELEB: dict[str, Row] = {
    "Celeb-real/id0_0000.mp4": (REAL, "", ("celeb:id0",), "train"),
    "Celeb-real/id1_0000.mp4": (REAL, "", ("celeb:id1",), "train"),
    "YouTube-real/00170.mp4": (REAL, "", ("youtube:00170",), "test"),
    "Celeb-synthesis/id0_id1_0000.mp4": (FAKE, "Celeb-DF", ("celeb:id0", "celeb:id1"), "test"),
}

WANTED: dict[str, dict[str, Row]] = {
    "faceforensics": {
        "original_sequences/youtube/c23/videos/000.mp4": (REAL, "", ("youtube:000",), "train"),
        "original_sequences/youtube/c23/videos/003.mp4": (REAL, "", ("youtube:003",), "train"),
        "original_sequences/youtube/raw/videos/004.mp4": (REAL, "", ("youtube:004",), "test"),
        "original_sequences/actors/c23/videos/01__exit_phone_room.mp4": (REAL, "", ("actor:01",), ""),
        f"{FF}/Deepfakes/c23/videos/000_003.mp4": (FAKE, "Deepfakes", PAIR, "train"),
        f"{FF}/Face2Face/c40/images/003_000/0000.png": (FAKE, "Face2Face", PAIR[::-1], "train"),
        f"{FF}/Face2Face/c40/images/003_000/0001.png": (FAKE, "Face2Face", PAIR[::-1], "train"),
        f"{FF}/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4": (
            FAKE,
            "DeepFakeDetection",
            ("actor:01", "actor:02"),
            "",
        ),
    },
    "deepfakedetection": {
        "original_sequences/actors/c23/videos/01__exit_phone_room.mp4": (REAL, "", ("actor:01",), ""),
        f"{FF}/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4": (
            FAKE,
            "DeepFakeDetection",
            ("actor:01", "actor:02"),
            "",
        ),
    },
    "faceshifter": {
        "original_sequences/youtube/c40/videos/000.mp4": (REAL, "", ("youtube:000",), "train"),
        f"{FF}/FaceShifter/c40/videos/000_003.mp4": (FAKE, "FaceShifter", PAIR, "train"),
    },
    "celeb-df-v1": CELEB,
    "celeb-df-v2": CELEB,
    "dfdc": {
        "dfdc_train_part_0/aaa.mp4": (REAL, "", ("film:aaa.mp4",), "train"),
        "dfdc_train_part_0/bbb.mp4": (FAKE, "dfdc", ("film:aaa.mp4",), "train"),
        "validation/vvv.mp4": (REAL, "", ("validation/vvv.mp4",), "validation"),
        "test/ttt.mp4": (FAKE, "dfdc", ("test/ttt.mp4",), "test"),
    },
    "dfdc-preview": {
        "original_videos/643669/643669_A_001.mp4": (REAL, "", ("person:643669",), "test"),
        "method_A/1224068/1224068_A_001.mp4": (FAKE, "method_A", ("person:1224068", "person:643669"), "train"),
    },
    "deeperforensics": {
        "source_videos/M101/light_down/neutral/camera_front.mp4": (REAL, "", ("actor:M101",), ""),
        "manipulated_videos/end_to_end/000_M101.mp4": (FAKE, "DF-VAE", ("youtube:000", "actor:M101"), "train"),
        "manipulated_videos/end_to_end_level_3/000_M101.mp4": (FAKE, "DF-VAE", ("youtube:000", "actor:M101"), "train"),
    },
    "uadfv": {
        "real/0000.mp4": (REAL, "", ("film:0000",), ""),
        "real/0001.mp4": (REAL, "", ("film:0001",), ""),
        "fake/0000_fake.mp4": (FAKE, "FakeApp", ("film:0000",), ""),
    },
    "wilddeepfake": {
        "real_train/1/real/101/12.png": (REAL, "", ("film:real_train/1",), "train"),
        "fake_test/7/fake/3/4.png": (FAKE, "wild", ("film:fake_test/7",), "test"),
    },
    "df40": {
        "DF40_train/simswap/frames/000_003/000.png": (FAKE, "simswap", PAIR, "train"),
        "DF40/blendface/cdf/frames/id0_id1_0000/012.png": (FAKE, "blendface", ("celeb:id0", "celeb:id1"), "test"),
        "DF40/MidJourney/real/0001.png": (REAL, "", ("midjourney:real/0001.png",), "test"),
        "DF40/MidJourney/fake/f_1.png": (FAKE, "midjourney", ("midjourney:fake/f_1.png",), "test"),
    },
    "fakeavceleb": {
        "RealVideo-RealAudio/African/men/id00076/00109.mp4": (REAL, "", ("person:id00076",), ""),
        "FakeVideo-FakeAudio/African/men/id00076/00109_2_id00701_wavtolip.mp4": (
            FAKE,
            "wav2lip",
            ("person:id00076", "person:id00701"),
            "",
        ),
    },
    "lav-df": {
        "train/000000.mp4": (REAL, "", ("film:train/000000.mp4",), "train"),
        "dev/000001.mp4": (FAKE, "LAV-DF", ("film:train/000000.mp4",), "validation"),
    },
    "av-deepfake1m": {
        "train/id00012/21Uxsk56VDQ/00001/real.mp4": (REAL, "", ("speaker:id00012",), "train"),
        "val/id00017/xyz/00002/fake_video_real_audio.mp4": (FAKE, "vits", ("speaker:id00017",), "validation"),
    },
}
UNMATCHED = {
    "dfdc": {("unlisted", "dfdc_train_part_0/zzz.mp4")},
    "deeperforensics": {("missing", "manipulated_videos/*/001_M102.mp4")},
    "celeb-df-v1": {("missing", "Celeb-real/id9_0000.mp4")},
    "celeb-df-v2": {("missing", "Celeb-real/id9_0000.mp4")},
    "wilddeepfake": {("unread", "fake_test/8.tar.gz")},
    "df40": {("unread", "DF40/unheard")},
    "fakeavceleb": {("unlisted", "FakeVideo-FakeAudio/African/men/id00076/unlisted.mp4")},
}


def _all(name: str, root: Path) -> tuple[dict[str, Item], set[tuple[str, str]]]:
    entries = list(choose(root, name=name).items(root))
    items = [entry for entry in entries if isinstance(entry, Item)]
    found = {item.id: item for item in items}
    assert len(found) == len(items), "an id comes twice"
    return found, {(entry.state, entry.id) for entry in entries if isinstance(entry, Unmatched)}


@pytest.mark.parametrize("name", WANTED)
def test_a_published_tree_gives_label_maker_groups_and_split(corpora: ModuleType, tmp_path: Path, name: str) -> None:
    root = corpora.corpus(name, tmp_path)
    items, unmatched = _all(name, root)
    assert {key: (item.label, item.maker, item.groups, item.split) for key, item in items.items()} == WANTED[name]
    if name not in {"faceforensics", "faceshifter"}:
        assert unmatched == UNMATCHED.get(name, set())
    assert all(item.path == root / item.id and item.licence for item in items.values())
    assert all(item.path.is_file() for item in items.values())


@pytest.mark.parametrize("name", WANTED)
def test_the_layout_is_found_out_without_being_named(corpora: ModuleType, tmp_path: Path, name: str) -> None:
    root = corpora.corpus(name, tmp_path)
    assert type(choose(root)) is type(layout(name))


def test_films_of_the_official_splits_that_were_not_fetched_are_told(corpora: ModuleType, tmp_path: Path) -> None:
    items, unmatched = _all("faceforensics", corpora.corpus("faceforensics", tmp_path))
    missing = {key for state, key in unmatched if state == "missing"}
    assert "original_sequences/youtube/c23/videos/001" in missing
    assert f"{FF}/Deepfakes/c23/videos/003_000" in missing
    assert f"{FF}/Face2Face/c40/images/003_000" not in missing
    assert not any("DeepFakeDetection" in key or "FaceSwap" in key for key in missing), "what nobody fetched is no gap"
    compressions = {item.compression for item in items.values()}
    assert compressions == {"c0", "c23", "c40"}


def test_reading_joins_both_people_of_a_swap_to_one_group(corpora: ModuleType, tmp_path: Path) -> None:
    items = read(corpora.corpus("faceforensics", tmp_path), on_unmatched=lambda _gap: None)
    group = {item.id: item.group for item in items}
    assert group["original_sequences/youtube/c23/videos/000.mp4"] == "youtube:000"
    assert group["original_sequences/youtube/c23/videos/003.mp4"] == "youtube:000"
    assert group[f"{FF}/Face2Face/c40/images/003_000/0000.png"] == "youtube:000"
    assert group["original_sequences/youtube/raw/videos/004.mp4"] == "youtube:004"


def test_false_stretches_and_what_is_false_are_kept(corpora: ModuleType, tmp_path: Path) -> None:
    lav, _ = _all("lav-df", corpora.corpus("lav-df", tmp_path / "a"))
    million, _ = _all("av-deepfake1m", corpora.corpus("av-deepfake1m", tmp_path / "b"))
    avc, _ = _all("fakeavceleb", corpora.corpus("fakeavceleb", tmp_path / "c"))
    fake = lav["dev/000001.mp4"]
    assert [(span.start, span.end) for span in fake.spans] == [(0.5, 1.25)]
    assert fake.process == "audio+video"
    fake = million["val/id00017/xyz/00002/fake_video_real_audio.mp4"]
    assert [(span.start, span.end) for span in fake.spans] == [(1.0, 1.4), (1.6, 1.9)]
    assert fake.process == "video"
    assert {item.process for item in avc.values()} == {"", "audio+video"}


@pytest.mark.parametrize(
    ("name", "file", "content", "words"),
    [
        pytest.param(
            "celeb-df-v2", "List_of_testing_videos.txt", "0 YouTube-real/00170.mp4", "1 for a real", id="0=real"
        ),
        pytest.param("celeb-df-v2", "List_of_testing_videos.txt", "1", r"FOLDER/FILE in line 1", id="short line"),
        pytest.param("celeb-df-v2", "List_of_testing_videos.txt", "1 ../../x.mp4", "inside", id="path outside"),
        pytest.param("dfdc-preview", "dataset.json", "[]", "JSON dict.*found list", id="another document"),
        pytest.param("dfdc-preview", "dataset.json", "{", "expected JSON", id="cut off"),
        pytest.param("dfdc-preview", "dataset.json", '{"a/b.mp4": {"set": "x"}}', "object with 'label'", id="no label"),
        pytest.param("faceforensics", "splits/train.json", '[["000"]]', "pairs such as", id="no pair"),
        pytest.param("fakeavceleb", "meta_data.csv", "source,method\n", "type missing", id="no column"),
        pytest.param("lav-df", "metadata.min.json", '[{"file": "train/0.mp4"}]', "modify_audio", id="no field"),
        pytest.param(
            "av-deepfake1m",
            "train_metadata.json",
            '[{"file": "a/b.mp4", "modify_type": ["real"]}]',
            "expected modify_type out of real",
            id="a list for a word",
        ),
    ],
)
def test_a_wrong_protocol_is_answered_with_what_was_expected(
    corpora: ModuleType, tmp_path: Path, name: str, file: str, content: str, words: str
) -> None:
    root = corpora.corpus(name, tmp_path / "v2")
    (root / file).write_text(content)
    with pytest.raises(CorpusError, match=words):
        list(layout(name).items(root))


def test_a_wrong_layout_names_what_it_looks_like(corpora: ModuleType, tmp_path: Path) -> None:
    root = corpora.corpus("celeb-df-v2", tmp_path / "Celeb-DF-v2")
    with pytest.raises(CorpusError, match=r"expected FaceForensics\+\+.*found .*Celeb-real/.*looks like Celeb-DF"):
        read(root, name="faceforensics")
    (root / "List_of_testing_videos.txt").unlink()
    with pytest.raises(CorpusError, match=r"looks like Celeb-DF.*List_of_testing_videos.txt is missing"):
        read(root)


def test_a_folder_too_high_or_too_low_is_pointed_at_the_right_one(corpora: ModuleType, tmp_path: Path) -> None:
    corpora.corpus("dfdc-preview", tmp_path / "down" / "dfdc")
    with pytest.raises(CorpusError, match=r"DFDC preview \(dfdc-preview\) lies at .*down/dfdc"):
        read(tmp_path / "down")
    with pytest.raises(CorpusError, match=r"DFDC preview \(dfdc-preview\) lies at .*down/dfdc;"):
        read(tmp_path / "down" / "dfdc" / "method_A")


def test_every_layout_of_the_catalogue_has_a_tree_in_the_tests(corpora: ModuleType) -> None:
    assert set(LAYOUTS) - set(corpora.TREES) == {"index", "faces", "speech", "folder"}


def test_a_protocol_cannot_reach_outside_of_its_corpus(corpora: ModuleType, tmp_path: Path) -> None:
    root = corpora.corpus("lav-df", tmp_path)
    entry = {"file": "/etc/passwd", "modify_video": False, "modify_audio": False}
    (root / "metadata.min.json").write_text(json.dumps([entry]))
    with pytest.raises(CorpusError, match="inside"):
        list(layout("lav-df").items(root))
