"""The table of all that sees: who may score whom, whose sightings count, and that tables are replaced alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay.datasets.corpus import BONA_FIDE, SPOOF, Item


@pytest.fixture(scope="module")
def programs() -> Iterator[dict[str, ModuleType]]:
    folder = str(Path(__file__).resolve().parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    import seeing_networks  # type: ignore[import-not-found]
    import seeing_page  # type: ignore[import-not-found]

    yield {"networks": seeing_networks, "page": seeing_page}
    sys.path.remove(folder)


def _item(name: str, group: str, maker: str = "") -> Item:
    label = SPOOF if maker else BONA_FIDE
    return Item(id=name, path=Path(name), sha256="", label=label, maker=maker, group=group, kind="image")


PEOPLE = [_item(f"real{n}", f"person{n}") for n in range(8)]
FAKES = [_item("swap0", "person0", "one"), _item("swap9", "nobody9", "one"), _item("drawn8", "nobody8", "two")]


def test_a_face_is_scored_by_every_network_that_met_neither_its_people_nor_its_maker(
    programs: dict[str, ModuleType],
) -> None:
    blind = programs["networks"].blind
    own = blind([*PEOPLE, *FAKES], folds=2, seed=1, others=False)
    assert all(len(own[item.id]) == 1 for item in PEOPLE), "taught on the real faces of the other fold"
    assert {own[item.id] for item in PEOPLE} == {(0,), (1,)}
    assert own["swap0"] == own["real0"], "whose face it bears was met by the other network"
    assert own["swap9"] == own["drawn8"] == (0, 1)
    taught = blind([*PEOPLE, *FAKES], folds=2, seed=1, others=True)
    assert all(len(taught[item.id]) >= 1 for item in [*PEOPLE, *FAKES])
    assert set(taught["swap0"]) <= set(own["swap0"])
    both = blind([*PEOPLE, *FAKES, _item("swap1", "nobody1", "one")], folds=2, seed=1, others=True)
    assert all(len(both[item.id]) >= 1 for item in FAKES), "a maker in both folds is taught in neither"


def test_at_most_so_many_sightings_of_each_person_are_kept_evenly_spread(programs: dict[str, ModuleType]) -> None:
    people = np.array([0] * 9 + [1] * 2)
    assert programs["networks"].thinned(people, 3).tolist() == [0, 4, 8, 9, 10]
    assert programs["networks"].thinned(np.zeros(0, np.int64), 3).tolist() == []


def test_tables_replace_tables_and_nothing_else(programs: dict[str, ModuleType]) -> None:
    page = programs["page"]
    rows = [
        {"kind": kind, "laundering": "none", "name": "eye", "real": 1, "fake": 1, "asked": 2}
        | {name: [0.5, None, None] for name in ("auc", "eer", "tpr1", "tpr5")}
        for kind in ("video", "image")
    ]
    tables = page.page(rows)
    assert tables.count("### ") == 6
    before, after = "# Cues\n\nwords\n\n", "\n\n## What this teaches\n\nmore\n"
    assert page.put(tables, before + tables + after) == before + tables + after
    assert page.put("### Films, clean\n\nnew", before + tables + after) == before + "### Films, clean\n\nnew" + after
