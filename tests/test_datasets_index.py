"""An index tells what its corpus holds, answers by any column, is brought up to date, and hides no fault."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay.datasets import indexing
from assay.datasets.checking import check
from assay.datasets.corpus import CorpusError, Item, read
from assay.datasets.groups import components, sides
from assay.datasets.headers import facts_of
from assay.datasets.index import Index
from assay.datasets.indexing import Settings, build
from assay.datasets.sheets import sheets
from assay.datasets.splitting import split_index
from assay.datasets.summary import summarise
from assay.media.asset import Asset
from assay.media.encode import encode_audio, encode_image

ANY = {"state": ("ok", "missing", "unlisted", "unread", "empty", "unreadable", "silent")}


@pytest.fixture
def films(corpora: ModuleType, tmp_path: Path) -> Path:
    """A tiny FaceForensics++ of official splits."""
    root: Path = corpora.corpus("faceforensics", tmp_path / "ff")
    return root


def test_an_index_gives_back_the_items_that_the_corpus_gave(corpora: ModuleType, tmp_path: Path) -> None:
    for name in ("faceforensics", "av-deepfake1m", "asvspoof2019-la"):
        root = corpora.corpus(name, tmp_path / name)
        index = build(root, tmp_path / f"{name}.parquet", settings=Settings(hashed=True))
        assert index.corpus == name
        told = {item.id: item for item in read(root, on_unmatched=lambda _gap: None)}
        kept = {item.id: item for item in index.items()}
        assert set(kept) == set(told)
        for key, item in kept.items():
            fields = ("path", "sha256", "label", "maker", "groups", "split", "kind", "spans", "compression", "licence")
            assert [getattr(item, f) for f in fields] == [getattr(told[key], f) for f in fields]


def test_rows_are_found_by_label_maker_split_kind_and_any_of_their_groups(films: Path, tmp_path: Path) -> None:
    index = build(films, tmp_path / "i.parquet")
    items = list(index.items())

    def ids(**where: str | tuple[str, ...]) -> set[str]:
        return set(index.select(where, columns=("id",))["id"].to_pylist())

    assert ids(label="spoof") == {item.id for item in items if item.spoof}
    assert ids(maker=("Deepfakes", "Face2Face")) == {i.id for i in items if i.maker in {"Deepfakes", "Face2Face"}}
    assert ids(group="youtube:000") == {item.id for item in items if "youtube:000" in item.groups}
    assert len(ids(group="youtube:000")) == 4
    assert ids(group="actor:02", kind="video") == {item.id for item in items if item.maker == "DeepFakeDetection"}
    assert ids(split="test", label="spoof") == set()
    assert len(index.select(limit=3)) == 3
    counts = {count.values: count.rows for count in index.counts("label", "maker")}
    assert counts["spoof", "Face2Face"] == 2
    assert sum(counts.values()) == len(items)
    with pytest.raises(CorpusError, match=r"columns out of .*got colour"):
        index.select({"colour": "red"})


def test_questions_over_many_row_groups_agree_with_a_plain_scan(
    corpora: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [f"fake/m{n % 3}/g{n % 7}__{n}.wav" for n in range(60)] + [f"real/g{n % 7}__{n}.flac" for n in range(40)]
    root = corpora.plant(tmp_path / "c", files)
    monkeypatch.setattr(indexing, "BLOCK", 16)
    monkeypatch.setattr(indexing, "ROWS_PER_GROUP", 8)
    index = build(root, tmp_path / "i.parquet")
    items = list(index.items())
    assert [item.id for item in items] == [*sorted(f for f in files if f[0] == "r"), *sorted(files[:60])]
    for where in ({"group": "g3"}, {"maker": "m1", "group": ("g1", "g2")}, {"id": files[5]}, {"label": "bona fide"}):
        wanted = [i.id for i in items if _meant(i, where)]
        assert index.select(where, columns=("id",))["id"].to_pylist() == wanted
        assert [item.id for item in index.items(where)] == wanted
    assert {c.values: c.rows for c in index.counts("maker")} == {("",): 40, ("m0",): 20, ("m1",): 20, ("m2",): 20}


def _meant(item: Item, where: dict[str, str | tuple[str, ...]]) -> bool:
    return all(getattr(item, name) in ((value,) if isinstance(value, str) else value) for name, value in where.items())


def test_files_that_have_not_changed_are_not_read_again(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "i.parquet"
    build(films, out)
    asked: list[str] = []
    monkeypatch.setattr(indexing, "facts_of", lambda place: asked.append(str(place)) or facts_of(place))
    changed = films / "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4"
    changed.write_bytes(changed.read_bytes() + b"more")
    added = changed.with_name("003_000.mp4")
    added.write_bytes(changed.read_bytes())
    again = build(films, out)
    assert sorted(asked) == [str(changed), str(added)]
    assert len(list(again.items())) == 9


def test_a_build_that_was_cut_off_goes_on_where_it_was(
    corpora: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = corpora.plant(tmp_path / "c", [f"{s}/g__{n:02d}.wav" for s in ("real", "fake") for n in range(20)])
    monkeypatch.setattr(indexing, "BLOCK", 8)
    out = tmp_path / "i.parquet"
    asked: list[str] = []

    def until(place: str) -> object:
        if len(asked) == 24:
            raise KeyboardInterrupt
        asked.append(place)
        return facts_of(place)

    monkeypatch.setattr(indexing, "facts_of", until)
    with pytest.raises(KeyboardInterrupt):
        build(root, out, settings=Settings(jobs=1))
    assert not out.exists()
    done = set(asked)
    asked.clear()
    monkeypatch.setattr(indexing, "facts_of", lambda place: asked.append(place) or facts_of(place))
    assert len(build(root, out)) == 40
    assert len(done) == 24
    assert not done & set(asked)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("i.parquet")] == ["i.parquet"]


def test_a_failed_build_leaves_the_old_index(films: Path, tmp_path: Path) -> None:
    out = tmp_path / "i.parquet"
    before = len(build(films, out))
    (films / "splits" / "train.json").write_text("{")
    with pytest.raises(CorpusError, match="expected JSON"):
        build(films, out)
    assert len(Index(out)) == before
    assert not list(tmp_path.glob("*.parts")), "a build that read nothing leaves nothing"


@pytest.mark.parametrize(
    ("table", "place", "says"),
    [
        pytest.param("path,label,label\na.wav,real,fake\n", "i.parquet", "'label' twice", id="a column twice"),
        pytest.param("path,label\na.wav,real\n", "c.csv/i.parquet", "can be written", id="below a file"),
        pytest.param("path,label\na.wav,real\n", ".", "can be written", id="a folder"),
    ],
)
def test_a_table_of_two_minds_and_a_place_that_cannot_be_are_errors_of_ours(
    corpora: ModuleType, tmp_path: Path, table: str, place: str, says: str
) -> None:
    corpora.plant(tmp_path, ["a.wav"])
    (tmp_path / "c.csv").write_text(table)
    with pytest.raises(CorpusError, match=says):
        build(tmp_path / "c.csv", tmp_path / place)


def test_a_name_with_a_null_byte_is_a_row_that_cannot_be_read_again_and_again(
    corpora: ModuleType, tmp_path: Path
) -> None:
    corpora.plant(tmp_path, ["a.wav"])
    (tmp_path / "c.csv").write_text("path,label\na.wav,real\nb\0.wav,fake\n")
    for _ in range(2):
        assert len(build(tmp_path / "c.csv", tmp_path / "i.parquet").select({"state": "unreadable"})) == 1


def test_a_place_without_anything_is_said_in_one_short_line(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"found nothing there$"):
        build(tmp_path / "nothing", tmp_path / "i.parquet")


def test_an_id_that_comes_twice_is_an_error(tmp_path: Path, corpora: ModuleType) -> None:
    corpora.plant(tmp_path, ["a.wav"])
    table = tmp_path / "c.csv"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("path", "label"), ("a.wav", "real"), ("a.wav", "fake")])
    with pytest.raises(CorpusError, match=r"a\.wav twice"):
        build(table, tmp_path / "i.parquet")


def test_every_fault_is_counted_and_listed(corpora: ModuleType, tmp_path: Path) -> None:
    root = corpora.corpus("asvspoof2019-la", tmp_path / "la")
    folder = root / "ASVspoof2019_LA_train/flac"
    lines = root / "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt"
    more = ("LA_T_EMPTY", "LA_T_BROKEN", "LA_T_TEXT", "LA_T_SILENT", "LA_T_COPY")
    lines.write_text(lines.read_text() + "".join(f"LA_0080 {name} - A02 spoof\n" for name in more))
    whole = (folder / "LA_T_1138215.flac").read_bytes()
    (folder / "LA_T_EMPTY.flac").write_bytes(b"")
    (folder / "LA_T_BROKEN.flac").write_bytes(whole[:12])
    (folder / "LA_T_TEXT.flac").write_text("not a sound")
    (folder / "LA_T_SILENT.flac").write_bytes(corpora.WAV[:40] + bytes(4))
    (folder / "LA_T_COPY.flac").write_bytes(whole)
    index = build(root, tmp_path / "i.parquet")
    found = check(index, hashed=True)
    assert {problem.state: problem.rows for problem in found.problems} == {
        "empty": 1,
        "missing": 1,
        "silent": 1,
        "unlisted": 1,
        "unreadable": 2,
    }
    assert found.usable == 3
    assert found.rows == 9
    assert not found.clean
    (same,) = found.duplicates
    assert same.ids == tuple(f"ASVspoof2019_LA_train/flac/LA_T_{name}.flac" for name in ("1138215", "COPY"))
    assert same.labels == ("bona fide", "spoof")
    assert not check(index).duplicates, "nothing is read unless asked"
    assert next(p for p in found.problems if p.state == "empty").examples[0][1] == "0 bytes"


def test_headers_say_what_a_decoder_says(makers: ModuleType, tmp_path: Path) -> None:
    sound = makers.tone(seconds=0.5, rate=16000)
    files = {
        **{f"a.{form}": encode_audio(sound, form) for form in ("wav", "flac", "mp3", "ogg", "m4a")},
        **{f"b.{form}": encode_image(makers.card(), form) for form in ("jpeg", "png", "webp", "tiff", "avif")},
        **{f"c.{form}": makers.film(10, container=form) for form in ("mp4", "mov", "mkv", "webm")},
        "d.avi": makers.film_of("mpeg4", "avi"),
    }
    for name, content in files.items():
        place = tmp_path / name
        place.write_bytes(content)
        facts, asset = facts_of(place), Asset.open(place)
        assert (facts.state, facts.container, facts.size) == ("ok", asset.container.name, asset.size), name
        shape = asset.video or asset.image
        if shape is not None:
            assert (facts.width, facts.height) == (shape.width, shape.height), name
        if asset.audio is not None and asset.container.name != "ogg":
            assert (facts.rate, facts.channels) == (asset.audio.rate, asset.audio.channels), name
        seconds = asset.video.seconds if asset.video else asset.audio.seconds if asset.audio else None
        if seconds is not None:
            assert facts.seconds == pytest.approx(seconds, abs=0.11), name


def test_no_header_however_cut_off_or_turned_breaks_the_reader(makers: ModuleType, tmp_path: Path) -> None:
    whole = [makers.film(5), encode_image(makers.card(), "jpeg"), encode_audio(makers.tone(seconds=0.1), "flac")]
    place = tmp_path / "x"
    for content in whole:
        for cut in range(0, min(len(content), 1500), 7):
            place.write_bytes(content[:cut] if cut % 2 else content[:cut] + b"\xff" * 9 + content[cut + 9 :])
            assert facts_of(place).state in {"ok", "empty", "unreadable", "silent"}
    assert facts_of(tmp_path).state == "unreadable"
    assert facts_of(tmp_path / "none").state == "missing"
    os.mkfifo(tmp_path / "pipe")
    assert facts_of(tmp_path / "pipe").state in {"empty", "unreadable"}, "a pipe does not hold the build up"


def test_an_index_splits_whole_components_and_says_how_large_they_are(films: Path, tmp_path: Path) -> None:
    index = build(films, tmp_path / "i.parquet")
    done = split_index(index, tmp_path / "s.parquet", seed=3)
    assert len(done.index) == len(index)
    of_group: dict[str, set[str]] = {}
    for item in done.index.items():
        assert item.split
        for name in item.groups:
            of_group.setdefault(name, set()).add(item.split)
    assert all(len(found) == 1 for found in of_group.values())
    assert done.components == 3
    assert done.largest == pytest.approx(5 / 8)
    assert split_index(index, tmp_path / "t.parquet", seed=3).rows == done.rows


def test_what_lies_on_both_sides_can_be_left_out(corpora: ModuleType, tmp_path: Path) -> None:
    files = [f"Celeb-synthesis/id{a}_id{b}_0000.mp4" for a in range(12) for b in range(12) if a != b]
    root = corpora.plant(
        tmp_path / "Celeb-DF-v2",
        [*files, *(f"Celeb-real/id{a}_0000.mp4" for a in range(12)), "YouTube-real/00000.mp4"],
        {"List_of_testing_videos.txt": ["1 YouTube-real/00000.mp4"]},
    )
    index = build(root, tmp_path / "i.parquet")
    together = split_index(index, tmp_path / "a.parquet", seed=1)
    assert together.components == 2
    assert together.largest > 0.99
    apart = split_index(index, tmp_path / "b.parquet", seed=1, leave_out=True)
    assert apart.rows[""] > 0
    split_of = {item.groups[0]: item.split for item in apart.index.items({"label": "bona fide"})}
    for item in apart.index.items({"label": "spoof"}):
        assert item.split == sides(item.groups, split_of)


def test_groups_that_hang_together_have_one_key() -> None:
    key = components([("b", "c"), ("d",), ("c", "a"), ("e", "f")])
    assert key == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "e", "f": "e"}


def test_a_summary_and_sheets_count_what_is_there(makers: ModuleType, tmp_path: Path) -> None:
    for number in range(3):
        for side, seconds in (("real", 0.3), ("fake/vocoder", 0.6)):
            place = tmp_path / "c" / side / f"g{number}__x.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(encode_audio(makers.tone(seconds=seconds, rate=16000, hertz=300 + number), "wav"))
    (tmp_path / "c/real/g9__damaged.flac").write_bytes(
        b"fLaC\x80\x00\x00\x22" + bytes(10) + b"\x0a\xc4\x42" + bytes(99)
    )
    index = build(tmp_path / "c", tmp_path / "i.parquet")
    real, fake = summarise(index).labels
    assert (real.rows, fake.rows, fake.groups) == (4, 3, 3)
    assert fake.seconds[1] == pytest.approx(0.6, abs=0.01)
    assert fake.rates == (("16000 Hz, 1 ch", 3),)
    drawn = {(sheet.label, sheet.maker): sheet for sheet in sheets(index, per=2, seed=4)}
    assert set(drawn) == {("bona fide", ""), ("spoof", "vocoder")}
    assert [len(sheet.items) for sheet in drawn.values()] == [2, 2]
    again = {(sheet.label, sheet.maker): sheet for sheet in sheets(index, per=2, seed=4)}
    assert {key: sheet.picture for key, sheet in drawn.items()} == {key: sheet.picture for key, sheet in again.items()}
    everything = next(sheet for sheet in sheets(index, per=9) if sheet.label == "bona fide")
    assert [place for place, _ in everything.faults] == [
        place for place, item in enumerate(everything.items) if "damaged" in item.id
    ]


def test_a_name_that_is_no_text_is_an_error_of_ours(corpora: ModuleType, tmp_path: Path) -> None:
    root = corpora.plant(tmp_path / "c", ["real/a.wav", "fake/b.wav"])
    try:
        (root / "real" / os.fsdecode(b"\xff.wav")).write_bytes(corpora.WAV)
    except OSError:
        pytest.skip("this file system takes names in UTF-8 alone")
    with pytest.raises(CorpusError, match=r"names in UTF-8.*udcff"):
        build(root, tmp_path / "i.parquet")


def test_something_else_than_an_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("no")
    with pytest.raises(CorpusError, match="assay data index"):
        Index(tmp_path / "x.parquet")


def test_a_header_that_lies_or_lacks_everything_is_a_row_and_no_end_of_the_build(
    makers: ModuleType, tmp_path: Path
) -> None:
    root = tmp_path / "corpus"
    for folder in ("real", "fake/m"):
        (root / folder).mkdir(parents=True)
    (root / "real" / "a.wav").write_bytes(makers.wav_floats(np.zeros((1, 800), np.float32), 16_000))
    hostile = {
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\xff" * 40,  # four thousand million pixels wide
        "mp3": b"ID3\x04\0\0\0\0\0\x0a" + bytes(5000),  # a tag, and no frame after it
        "mp2": b"\xff\xeb\x90\x64" + bytes(5000),  # a version of MPEG that there is not
        "wav": b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0" + b"\xff" * 8 + b"\2\0\x10\0data\x64\0\0\0" + bytes(100),
    }
    for suffix, content in hostile.items():
        (root / "fake" / "m" / f"x.{suffix}").write_bytes(content)
        assert facts_of(root / "fake" / "m" / f"x.{suffix}").state == "unreadable"
    assert facts_of("a\0b.wav").state == "unreadable"
    index = build(root, tmp_path / "i.parquet")
    assert len(index.select({"state": "unreadable"})) >= 3
    assert len(index.select(columns=("id",))) == 1


def test_a_maker_to_be_unseen_that_there_is_not_is_no_promise_kept_by_chance(films: Path, tmp_path: Path) -> None:
    index = build(films, tmp_path / "i.parquet")
    with pytest.raises(CorpusError, match=r"out of .*Deepfakes.*, got Deepfake$"):
        split_index(index, tmp_path / "s.parquet", seed=1, unseen_makers=["Deepfake"])
    assert not (tmp_path / "s.parquet").exists()
