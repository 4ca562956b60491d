"""The marks bench counts what it says: outcomes, resumed rows, intervals, leaks, and a small run from end to end."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.launder import CHAINS, chains_for
from assay.eval.marks import (
    CONTENDERS,
    Settings,
    alarms,
    attacks,
    contenders,
    leak,
    ledger,
    page,
    speed,
    summary,
    survival,
)
from assay.eval.marks.conduct import run as run_bench
from assay.eval.marks.contenders import Reading
from assay.eval.marks.material import Piece, draw, pieces
from assay.media.audio import Audio
from assay.media.errors import InputError
from assay.media.image import Still
from PIL import Image
from scipy.io import wavfile

Run = Callable[..., object]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two pictures and a sound, with the plain layout."""
    folder = tmp_path_factory.mktemp("marks") / "corpus" / "real"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:300, :360]
    for number in range(2):
        waves = 70 * np.sin(x / (17 + number) + y / 29) + 40 * np.sin(x * y / 5000)
        pixels = np.clip(128 + waves[..., None] + rng.normal(0, 6, (300, 360, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    t = np.arange(16_000 * 4) / 16_000
    voice = sum(np.sin(2 * np.pi * 140 * k * t + k) / k for k in range(1, 20)) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    wavfile.write(folder / "voice.wav", 16_000, (4000 * voice + 60 * rng.standard_normal(t.size)).astype(np.int16))
    return folder.parent


def test_every_attack_is_a_chain_for_its_kind() -> None:
    for kind in attacks.GOALS:
        assert set(attacks.attacks_on(kind)) <= set(chains_for(kind))
        assert set(attacks.PEERED[kind]) <= set(attacks.attacks_on(kind))
        assert attacks.attacks_on(kind)[0] == "none"
        assert len(set(attacks.attacks_on(kind))) == len(attacks.attacks_on(kind))
    assert all(name in CHAINS for kind in attacks.MEANT for name in attacks.MEANT[kind])


@pytest.mark.parametrize(
    ("reading", "bits", "outcome"),
    [
        (Reading(payload=5), 64, "right"),
        (Reading(payload=6), 64, "wrong"),
        (Reading(), 64, "missed"),
        (Reading(payload=6, share=0.9), 64, "missed"),
        (Reading(payload=5, share=1.0), 64, "right"),
        (Reading(present=True), 0, "right"),
        (Reading(present=False), 0, "missed"),
    ],
)
def test_only_all_bits_of_the_id_are_right(reading: Reading, bits: int, outcome: str) -> None:
    assert survival.judged(reading, 5, bits) == outcome


def test_a_scheme_of_fewer_bits_is_asked_for_those_alone() -> None:
    assert survival.judged(Reading(payload=7, share=1.0), (9 << 32) | 7, 32) == "right"


def test_half_written_rows_are_forgotten_and_done_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = ledger.Rows(path)
    rows.add("a", [{"row": 1}, {"row": 2}])
    whole = path.read_bytes()
    for torn in (whole + b'{"row": 3}\n', whole + b'{"row": 3', whole + b'{"row": 3}\n{"done'):
        path.write_bytes(torn)
        again = ledger.Rows(path)
        assert again.done == {"a"}
        assert again.kept == [{"row": 1}, {"row": 2}]
        again.add("b", [{"row": 4}])
        assert ledger.Rows(path).kept == [{"row": 1}, {"row": 2}, {"row": 4}]
        assert path.read_bytes() == whole + b'{"row": 4}\n{"done": "b"}\n'
    path.write_bytes(b"nonsense\n" + whole)
    with pytest.raises(InputError, match="no row of the marks bench"):
        ledger.Rows(path)


def test_two_runs_never_write_the_same_rows(tmp_path: Path) -> None:
    with ledger.claimed(tmp_path / "rows.jsonl") as rows:
        rows.add("a", [{"row": 1}])
        with pytest.raises(InputError, match="another run"), ledger.claimed(tmp_path / "rows.jsonl"):
            pass
    with ledger.claimed(tmp_path / "rows.jsonl") as again:
        assert again.done == {"a"}


def test_shares_have_wilsons_interval() -> None:
    # Wilson 1927, worked by hand for 9 of 10 at z = 1.96.
    found = summary.share(9, 10)
    assert (found["low"], found["high"]) == pytest.approx((0.5958, 0.9821), abs=2e-4)
    assert summary.share(0, 0)["share"] is None


def test_uniform_p_values_pass_and_crowded_ones_do_not() -> None:
    rng = np.random.default_rng(1)

    def rows(values: np.ndarray) -> list[dict[str, object]]:
        return [{"item": str(i), "p": [float(v) for v in part]} for i, part in enumerate(values.reshape(-1, 10))]

    fair = alarms.calibration(rows(rng.uniform(size=4000)))
    crowded = alarms.calibration(rows(rng.uniform(size=4000) ** 2))
    assert fair["ks_p"] > 0.01
    assert fair["files"] == 400
    assert fair["below"]["0.1"] == pytest.approx(0.1, abs=0.02)
    assert crowded["ks_p"] < 1e-6
    assert crowded["files_ks_p"] < 1e-6


def test_a_detector_that_sees_the_mark_is_caught() -> None:
    rng = np.random.default_rng(2)

    def rows(shift: float) -> list[dict[str, object]]:
        about = {"row": "leak", "detector": "d"}
        plain = rng.normal(size=80)
        return [{**about, "group": str(i), "plain": float(v), "marked": float(v + shift)} for i, v in enumerate(plain)]

    (blind,) = leak.leaked(rows(0.0), seed=0)
    (seeing,) = leak.leaked(rows(1.0), seed=0)
    assert blind["within"]
    assert blind["auc"] == 0.5
    assert not seeing["within"]
    assert seeing["low"] > 0.6
    assert seeing["shift"] == pytest.approx(1.0)


def test_cuts_lie_inside_and_differ(rng: np.random.Generator) -> None:
    still = Still(pixels=np.zeros((300, 500, 3), np.uint8))
    sizes = set()
    for _ in range(10):
        part = alarms.cut(still, rng)
        assert isinstance(part, Still)
        assert min(part.pixels.shape[:2]) >= 160
        sizes.add(part.pixels.shape)
    assert len(sizes) > 5
    sound = alarms.cut(Audio(samples=np.zeros((1, 32_000), np.float32), rate=16_000), rng)
    assert isinstance(sound, Audio)
    assert sound.seconds == 2.0


def test_an_unknown_scheme_part_or_kind_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="assay-image"):
        contenders.contender("nonsense")
    with pytest.raises(InputError, match=r"part of the marks bench.*survival"):
        Settings(corpora=(tmp_path,), out=tmp_path, parts=("nonsense",))
    with pytest.raises(InputError, match="none"):
        pieces((), "image", seed=1)


def test_names_of_the_catalogue_are_those_of_its_classes() -> None:
    for name, where in CONTENDERS.items():
        module, _, kind = where.partition(":")
        if module == ".contenders":
            assert contenders.contender(name).name == name
        else:
            assert getattr(__import__("assay.eval.marks.peers", fromlist=[kind]), kind).name == name


def test_draws_do_not_depend_on_the_machine() -> None:
    assert draw(1, "a", "b") == draw(1, "a", "b") != draw(2, "a", "b")
    assert draw(1, "id", "x") == 3834827496266625305


def test_cuts_of_one_file_count_as_one_where_they_say_the_same() -> None:
    rng = np.random.default_rng(4)
    once = [{"item": str(number), "p": [value]} for number, value in enumerate(rng.random(60))]
    repeated = [{**row, "p": row["p"] * 20} for row in once]
    assert alarms.by_file(once) == pytest.approx(alarms.by_file(repeated), abs=0.02)
    assert alarms.calibration(repeated)["ks_p"] < 1e-3 < alarms.by_file(repeated)
    low = [{**row, "p": [value**3 for value in row["p"]]} for row in once]
    assert alarms.by_file(low) < 0.01


def test_a_run_stopped_and_taken_up_gives_the_same_tables(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.eval.marks.conduct.attacks_on", lambda _: ("none", "jpeg-50", "half"))
    monkeypatch.setitem(alarms.CHUNK, "image", 4)

    def go(out: Path, **more: object) -> bool:
        settings = Settings(
            corpora=(corpus,),
            out=out,
            parts=("survival", "alarms", "uniform"),
            kinds=("image",),
            alarms=15,
            images=2,
            **more,
        )
        return run_bench(settings, progress=lambda _: None)

    stopped, straight = tmp_path / "stopped", tmp_path / "straight"
    assert not go(stopped, stop_after=-1.0)
    assert go(straight)
    rows = straight / "rows" / "survival-image.jsonl"
    first = rows.read_text().splitlines()
    cut_off = stopped / "rows" / "survival-image.jsonl"
    cut_off.parent.mkdir(exist_ok=True)
    cut_off.write_text("\n".join(first[: len(first) // 2 + 3]) + "\n")
    assert go(stopped)

    def tables(out: Path) -> str:
        found = summary.summarise(out)["kinds"]["image"]
        for line in found["attacks"]:
            del line["ms"]
        del found["alarms"]["ms"]
        return json.dumps(found)

    assert tables(stopped) == tables(straight)
    found = json.loads(tables(straight))
    assert found["material"]["n"] == 2
    assert found["alarms"]["hits"] == 0
    assert found["uniform"]["n"] == found["uniform"]["files"] * found["uniform"]["keys"] > 0
    assert next(line for line in found["attacks"] if line["attack"] == "none")["share"] == 1.0
    written = runpy.run_path(str(Path(__file__).resolve().parents[1] / "docs/marks_measured.py"))
    assert "| `jpeg-50` | 100.0 (" in written["measured"](summary.summarise(straight))
    text = page.write(straight).read_text()
    assert "jpeg-50" in text
    assert not re.search(r"(src|href)=\"(?!data:|#)", text), "the page fetches something"
    with pytest.raises(InputError, match="of seed 1"):
        go(stopped, seed=2)


def test_the_verb_measures_sound_and_ends_with_three_while_work_is_left(
    corpus: Path, tmp_path: Path, run: Callable[..., object]
) -> None:
    arguments = ("bench", "marks", str(corpus), "--out", str(tmp_path / "out"), "--kinds", "audio", "--parts", "keys")
    said = run(*arguments, "--strangers", "1", "--stop-after", "-1")
    assert said.code == 3  # type: ignore[attr-defined]
    assert "run the same command again" in said.err  # type: ignore[attr-defined]


def test_a_piece_that_cannot_be_read_is_left_out_and_said_so(tmp_path: Path) -> None:
    broken = tmp_path / "x.png"
    broken.write_bytes(b"nothing")
    piece = Piece(item="x", kind="image", group="g", path=broken)
    trial = survival.Trial(piece=piece, scheme=contenders.OurImage(), attacks=("none",), seed=1)
    assert [row["row"] for row in survival.tried(trial)] == ["left out"]


def test_the_speed_of_our_sound_mark_is_that_of_the_stream_and_tells_whether_the_id_came_back(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (piece,) = (one for one in pieces((corpus,), "audio", seed=1) if one.path.name == "voice.wav")
    monkeypatch.chdir(piece.path.parent)  # the process that measures stands elsewhere
    row = speed.timed("assay-audio", "audio", 6, replace(piece, path=Path("voice.wav")))
    assert row["right"]
    assert row["seconds"] == 6
    assert min(row["embed"], row["unmarked"]) > 0.0
