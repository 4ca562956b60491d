"""Corpora become items, wrong layouts are answered with what was expected, and splits do not leak."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from assay.datasets import splits
from assay.datasets.corpus import BONA_FIDE, SPOOF, CorpusError, Item, both_labels, file_sha256, read
from assay.datasets.layouts import LAYOUTS, layout


def _write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def _media(root: Path, name: str, content: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def _item(number: int, *, group: str, maker: str = "") -> Item:
    label = SPOOF if maker else BONA_FIDE
    return Item(id=str(number), path=Path(f"{number}.wav"), sha256="0" * 64, label=label, maker=maker, group=group)


def test_a_plain_folder_gives_makers_and_groups_from_its_names(tmp_path: Path) -> None:
    _media(tmp_path, "real/anna__1.wav", "a")
    _media(tmp_path, "fake/worldly/anna__2.wav", "b")
    _media(tmp_path, "fake/loose.wav", "c")
    _media(tmp_path, "fake/notes.txt", "no media")
    items = {item.id: item for item in read(tmp_path)}
    assert set(items) == {"real/anna__1.wav", "fake/worldly/anna__2.wav", "fake/loose.wav"}
    assert items["real/anna__1.wav"].label == BONA_FIDE
    assert items["fake/worldly/anna__2.wav"].maker == "worldly"
    assert items["fake/loose.wav"].maker == "unknown"
    assert items["real/anna__1.wav"].group == items["fake/worldly/anna__2.wav"].group == "anna"
    assert items["fake/loose.wav"].sha256 == file_sha256(tmp_path / "fake/loose.wav")


def test_a_csv_index_is_read_with_what_it_tells(tmp_path: Path) -> None:
    _media(tmp_path, "a.jpg", "a")
    _media(tmp_path, "b.mp4", "b")
    index = _write_csv(
        tmp_path / "index.csv",
        [
            {"path": "a.jpg", "label": "real", "maker": "", "group": "g", "split": "train"},
            {"path": "b.mp4", "label": "fake", "maker": "m", "group": "g", "split": "test"},
        ],
    )
    real, fake = read(index)
    assert (real.kind, real.label, real.split) == ("image", BONA_FIDE, "train")
    assert (fake.kind, fake.maker, fake.group) == ("video", "m", "g")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        pytest.param([{"path": "a.jpg", "label": "perhaps"}], "label such as real or fake", id="unknown label"),
        pytest.param([{"path": "none.jpg", "label": "real"}], "found none", id="missing file"),
        pytest.param([{"path": "../a.jpg", "label": "real"}], "inside", id="path outside"),
        pytest.param([{"path": "a.txt", "label": "real"}], "expected a media file", id="not media"),
        pytest.param([{"path": "a.jpg", "label": "real"}] * 2, "twice", id="same row twice"),
    ],
)
def test_a_wrong_index_is_answered_with_what_was_expected(
    tmp_path: Path, rows: list[dict[str, str]], words: str
) -> None:
    _media(tmp_path, "c/a.jpg", "a")
    _media(tmp_path, "c/a.txt", "a")
    _media(tmp_path, "a.jpg", "a")
    with pytest.raises(CorpusError, match=words):
        read(_write_csv(tmp_path / "c" / "index.csv", rows))


def test_an_unknown_layout_names_the_known_ones_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    with pytest.raises(CorpusError, match=r"found clips/.*sub-folders real and fake"):
        read(tmp_path)


def test_an_empty_class_is_an_error(tmp_path: Path) -> None:
    _media(tmp_path, "real/a.wav", "a")
    (tmp_path / "fake").mkdir()
    with pytest.raises(CorpusError, match="found none"):
        read(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "speech").mkdir()
    _write_csv(tmp_path / "speech" / "manifest.csv", [{"path": "x.wav", "label": "real", "system_family": ""}])
    with pytest.raises(CorpusError, match="sha256 missing"):
        read(tmp_path)


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_loads_and_says_what_it_expects(name: str, tmp_path: Path) -> None:
    reader = layout(name)
    about = reader.description
    assert about.title
    assert about.terms
    assert about.kinds
    assert about.tree
    assert reader.fits(tmp_path) is False
    assert reader.fits(tmp_path / "none") is False


def test_an_item_must_agree_with_itself() -> None:
    with pytest.raises(CorpusError, match="without a maker"):
        Item(id="1", path=Path("x"), sha256="", label=BONA_FIDE, maker="someone", group="g")
    with pytest.raises(CorpusError, match="region"):
        Item(id="1", path=Path("x"), sha256="", label=SPOOF, maker="m", group="g", region=(0.5, 0, 0.2, 1))


def test_the_collected_manifests_are_read(shared: Path) -> None:
    speech = read(shared / "media" / "speech")
    faces = read(shared / "media" / "faces" / "manifest.csv")
    assert (len(speech), len(faces)) == (885, 402)
    assert len({item.maker for item in speech if item.spoof}) >= 70
    assert sum(item.region is not None for item in faces) == 17
    assert all(item.path.stem == item.id for item in speech)


def test_a_split_never_divides_a_group_and_does_not_move_when_items_are_added() -> None:
    items = [_item(i, group=f"g{i % 40}", maker="m" if i % 3 == 0 else "") for i in range(400)]
    first = splits.assign(items, seed=1)
    assert all(len({item.split for item in first if item.group == g}) == 1 for g in {item.group for item in items})
    assert {item.split for item in first} == {"train", "calibration", "test"}
    more = splits.assign([*items, _item(1000, group="new")], seed=1)
    assert more[: len(first)] == first
    assert splits.assign(items, seed=2) != first


def test_makers_to_be_unseen_go_to_test_with_their_groups() -> None:
    items = [_item(i, group=f"g{i % 40}", maker=f"m{i % 5}" if i % 2 else "") for i in range(400)]
    done = splits.assign(items, seed=1, unseen_makers=["m3"])
    assert {item.split for item in done if item.maker == "m3"} == {"test"}
    assert not {item.group for item in done if item.maker == "m3"} & {i.group for i in done if i.split != "test"}


def test_unseen_folds_test_each_item_once_and_leak_neither_group_nor_maker() -> None:
    items = [_item(i, group=f"g{i % 23}", maker=f"m{(i % 23) // 2}" if i % 2 else "") for i in range(460)]
    tested: list[int] = []
    for train, test in splits.unseen(items, folds=5, seed=3):
        assert not {items[i].group for i in train} & {items[i].group for i in test}
        assert not {items[i].maker for i in train} & {items[i].maker for i in test if items[i].spoof} - {""}
        tested += test
    assert sorted(tested) == list(range(len(items)))


def test_shares_and_folds_that_cannot_be_are_refused() -> None:
    items = [_item(1, group="a"), _item(2, group="b", maker="m")]
    with pytest.raises(CorpusError, match="sum to 1"):
        splits.assign(items, seed=1, shares={"train": 0.5})
    with pytest.raises(CorpusError, match="as many groups"):
        splits.group_folds(items, folds=3, seed=1)
    with pytest.raises(CorpusError, match="bona fide and spoof"):
        both_labels(items[:1], "here")


def test_a_link_that_leads_above_the_corpus_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "outer/corpus"
    _media(root, "real/anna__1.wav", "a")
    _media(root, "fake/worldly/anna__2.wav", "b")
    elsewhere = tmp_path / "elsewhere"
    _media(elsewhere, "bert__1.wav", "c")
    (root / "real/more").symlink_to(elsewhere)
    assert "real/more/bert__1.wav" in {item.id for item in read(root)}
    (root / "real/up").symlink_to(tmp_path)
    with pytest.raises(CorpusError, match="leads above the corpus"):
        read(root)
