"""`assay eval`: figures, calibrations and fusions of score files, from the command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from assay.eval import metrics
from assay.eval.scorefile import ScoreFileError, read_scores
from PIL import Image


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV of two detectors on 160 trials of 40 people; the second skips a quarter."""
    rng = np.random.default_rng(7)
    spoof = np.arange(160) % 2 == 0
    path = tmp_path / "scores.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "person", "label", "first", "second"])
        for row in range(160):
            told = rng.normal(size=2) * 3 + 4 * spoof[row]
            second = "" if row % 4 == 3 else f"{told[1]:.6f}"
            writer.writerow([f"f{row}", f"p{row // 4}", "fake" if spoof[row] else "real", f"{told[0]:.6f}", second])
    return path


def test_figures_come_with_intervals_over_groups_and_unscored_trials_are_counted(run: Callable, table: Path) -> None:
    said = run("eval", "scores", table, "--score", "second", "--group", "person", "--draws", "40", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (told["bona_fide"], told["spoof"], told["unscored"], told["groups"]) == (40, 80, 40, 40)
    read = read_scores(table)
    scores, spoof = read.scores("second"), read.spoof("label")
    kept = ~np.isnan(scores)
    assert told["figures"]["EER"]["value"] == metrics.eer(scores[kept], spoof[kept])
    assert told["figures"]["EER"]["low"] < told["figures"]["EER"]["value"] < told["figures"]["EER"]["high"]
    assert "Cllr" not in told["figures"], "raw scores have no Cllr"


def test_turned_scores_give_the_same_figures_when_said_so(run: Callable, table: Path) -> None:
    turned = table.with_name("turned.csv")
    read = read_scores(table)
    turned.write_text(
        "score,label\n"
        + "".join(f"{-s},{y}\n" for s, y in zip(read.scores("first"), read.column("label"), strict=True))
    )
    one = run("eval", "scores", table, "--score", "first", "--draws", "0").out.splitlines()[1:]
    other = run("eval", "scores", turned, "--higher", "bona-fide", "--draws", "0").out.splitlines()[1:]
    assert one == other
    assert len(one) == 10


def test_curves_are_drawn_as_a_picture_or_a_page(run: Callable, table: Path, tmp_path: Path) -> None:
    for name in ("curves.png", "curves.html"):
        said = run(
            "eval", "scores", table, "--score", "first", "--llr", "ln", "--draws", "0", "--plot", tmp_path / name
        )
        assert said.code == 0, said.err
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (1620, 504)
    page = (tmp_path / "curves.html").read_text()
    assert "<svg" in page
    assert "<td>Cllr</td>" in page


def test_a_calibrator_is_fitted_saved_and_applied(run: Callable, table: Path, tmp_path: Path) -> None:
    card, out = tmp_path / "first.json", tmp_path / "out.csv"
    said = run("eval", "calibrate", table, "--score", "first", "--group", "person", "--out", card)
    assert said.code == 0, said.err
    told = json.loads(card.read_text())
    assert told["origin"]["groups"] == 40
    assert told["origin"]["calibration_set"] == "scores.csv"
    assert 0.0 < told["held_out"]["min_cllr"]["value"] <= told["held_out"]["cllr"]["value"] < 1.0
    assert run("eval", "apply", card, table, "--out", out).code == 0
    again = read_scores(out)
    llr, spoof = again.scores("llr"), again.spoof("label")
    assert list(again.columns) == ["file", "person", "label", "first", "second", "llr"]
    assert metrics.cllr(llr, spoof) < 1.0
    assert metrics.auc(llr, spoof) == pytest.approx(metrics.auc(again.scores("first"), spoof), abs=0.03)


def test_a_fusion_answers_where_a_detector_was_skipped(run: Callable, table: Path, tmp_path: Path) -> None:
    card, out = tmp_path / "both.json", tmp_path / "out.csv"
    said = run("eval", "fuse", table, "--score", "first,second", "--group", "person", "--out", card)
    assert said.code == 0, said.err
    assert run("eval", "apply", card, table, "--out", out).code == 0
    llr = read_scores(out).scores("llr")
    assert not np.isnan(llr).any()
    both = metrics.cllr(llr, read_scores(out).spoof("label"))
    assert both < json.loads(card.read_text())["held_out"]["cllr"]["value"] + 0.1


def test_abstention_from_the_command_line_says_what_it_needs(run: Callable, table: Path, tmp_path: Path) -> None:
    card, out = tmp_path / "c.json", tmp_path / "out.csv"
    arguments = ("--score", "first", "--group", "person", "--method", "conformal")
    assert run("eval", "calibrate", table, *arguments, "--out", card).code == 0
    assert run("eval", "apply", card, table, "--out", out, "--alpha", "0.1").code == 0
    assert set(read_scores(out).column("answer")) <= {"bona fide", "spoof", "abstain", "neither"}
    refused = run("eval", "apply", card, table, "--out", out, "--alpha", "0.001")
    assert refused.code == 2
    assert "alpha is at least" in refused.err


def test_asvspoofs_text_is_read_with_its_labels_or_its_protocol(tmp_path: Path) -> None:
    plain = tmp_path / "cm.txt"
    plain.write_text("LA_1 - bonafide 1.5\nLA_2 A07 spoof -2.5\n")
    read = read_scores(plain)
    assert read.scores("score").tolist() == [1.5, -2.5]
    assert read.spoof("label").tolist() == [False, True]
    later = tmp_path / "track1.txt"
    later.write_text("filename\tcm-score\nE_1\t0.5\nE_2\t-0.5\n")
    with pytest.raises(ScoreFileError, match="--key"):
        read_scores(later)
    protocol = tmp_path / "protocol.txt"
    protocol.write_text("E_s1 E_2 F - - - AC1 A20 spoof -\nE_s2 E_1 M - - - - bonafide bonafide -\n")
    keyed = read_scores(later, key=protocol)
    assert keyed.spoof("label").tolist() == [False, True]
    assert keyed.column("group") == ["E_s2", "E_s1"]


def test_parquet_and_the_benchs_rows_are_read(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"score": [1.25, None], "label": ["spoof", "real"]}), tmp_path / "s.parquet")
    read = read_scores(tmp_path / "s.parquet")
    assert read.scores("score").tolist()[0] == 1.25
    assert np.isnan(read.scores("score")[1])
    (tmp_path / "rows.jsonl").write_text('{"maker": "", "llr": 0.5}\n{"maker": "tts", "llr": null}\n')
    rows = read_scores(tmp_path / "rows.jsonl")
    assert rows.spoof("label").tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "arguments", "message", "code"),
    [
        pytest.param("score,label\n", (), "no trials", 3, id="empty"),
        pytest.param("score,label\n1\n", (), "2 different columns", 3, id="ragged"),
        pytest.param("score,label\nhigh,1\n", (), "no number", 3, id="word for a score"),
        pytest.param("score,label\n1,0\n2,7\n", (), "--spoof-is", 2, id="unknown label"),
        pytest.param("score,label\n1,0\n2,0\n", (), "both classes", 2, id="one class"),
        pytest.param("score,label\n1,0\n2,1\n", ("--score", "llr"), "no column", 2, id="no column"),
        pytest.param("score,label\n1,0\n2,1\n", ("--higher", "up"), "spoof or bona-fide", 2, id="direction"),
        pytest.param("score,label\n1,0\n2,1\n", ("--costs", "1,2"), "three numbers", 2, id="costs"),
    ],
)
def test_a_wrong_value_is_usage_and_a_broken_file_could_not_be_examined(
    run: Callable, tmp_path: Path, *, text: str, arguments: tuple[str, ...], message: str, code: int
) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text)
    said = run("eval", "scores", path, *arguments)
    assert said.code == code
    assert message in said.err


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        pytest.param("s.csv", "score,label\n" + "9" * 200_000 + ",spoof\n", "larger than field limit", id="huge field"),
        pytest.param("s.jsonl", "[" * 100_000, "not JSON Lines", id="deep nesting"),
    ],
)
def test_a_hostile_score_file_is_answered_in_one_line(
    run: Callable, tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    said = run("eval", "scores", tmp_path / name)
    assert said.code == 3
    assert says in said.err
    assert "fault of ours" not in said.err


def test_a_line_of_json_may_hold_other_separators_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('{"id":"a\u2028b\x85","score":1,"label":"spoof"}\n{"id":"c","score":0,"label":"real"}\n')
    assert read_scores(path).column("id") == ["a\u2028b\x85", "c"]


def test_words_for_spoof_that_occur_nowhere_are_named_with_those_that_do(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("score,label\n1,0.0\n2,1.0\n")
    said = run("eval", "scores", tmp_path / "s.csv", "--spoof-is", "0")
    assert said.code == 2
    assert "there are 0.0, 1.0" in said.err


def test_infinite_ratios_have_an_infinite_cost_in_json_that_is_json(run: Callable, table: Path, tmp_path: Path) -> None:
    lines = table.read_text().splitlines()
    sure = [line for line in lines[1:] if ",real," in line][:8]
    wrong = [line if line not in sure else ",".join([*line.split(",")[:3], "inf", ""]) for line in lines]
    (tmp_path / "sure.csv").write_text("\n".join(wrong) + "\n")
    options = ("--score", "first", "--llr", "log10", "--draws", "40", "--json")
    said = run("eval", "scores", tmp_path / "sure.csv", *options)
    assert said.code == 0, said.err
    told = json.loads(said.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert (told["figures"]["Cllr"]["value"], told["figures"]["Cllr"]["high"]) == ("Infinity", "Infinity")
    assert isinstance(told["figures"]["EER"]["high"], float)


def test_a_plot_that_cannot_be_is_said_without_a_half_file(run: Callable, table: Path, tmp_path: Path) -> None:
    for place, says in ((tmp_path / "x.pdf", ".png or .html"), (tmp_path / "no" / "x.png", "cannot be written")):
        said = run("eval", "scores", table, "--score", "first", "--draws", "0", "--plot", place)
        assert said.code == 2
        assert says in said.err
    assert {path.name for path in tmp_path.iterdir()} == {"scores.csv"}
