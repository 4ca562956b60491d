"""Whole runs: cut off and taken up, run twice, with detectors that crash or hang, and nothing that leaks the label."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.eval import metrics
from assay.eval.bench import FUNCTION, Plan, chains_by_kind, portions
from assay.eval.conduct import Run, conduct
from assay.eval.executor import Done, Inline, Lost, Payload, Processes
from assay.eval.leaderboard import merge, tell
from assay.eval.makers import PURPOSE, Leave, Real
from assay.eval.plan import piece_key, pieces
from assay.eval.plugins import Card
from assay.eval.reals import drawn, read_reals
from assay.eval.rows import BenchError, Row, read_rows
from assay.eval.samples import file_bytes, hand_out
from assay.eval.store import stored_rows, without_seconds
from assay.eval.summary import Line, common, leaks
from assay.generate import ConsentBook, Scope, Terms
from assay.generate.consent import file_sha256
from assay.media.audio import Audio
from assay.media.encode import encode_audio
from assay.media.errors import InputError
from assay.media.image import Still

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PEOPLE = ("ann", "bob", "cleo", "dan", "eve")
DETECTOR = """
import hashlib, os, time

def _number(path):
    with open(path, "rb") as file:
        return int(hashlib.sha256(file.read()).hexdigest(), 16)

def steady(path):
    time.sleep(float(os.environ.get("SLOW", "0")))
    return _number(path) % 1000

def third(path):
    if _number(path) % 3 == 0:
        os._exit(3)
    return _number(path) % 1000

def hangs(path):
    if _number(path) % 8 == 0:
        time.sleep(60)
    return 1.0

def named(path):
    return {"score": int(os.path.basename(path).split(".")[0], 16) % 9973 + os.stat(path).st_mtime / 1e9}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five people's made voices."""
    base = tmp_path_factory.mktemp("material")
    rng = np.random.default_rng(3)
    for number, person in enumerate(PEOPLE):
        (base / person).mkdir()
        time_ = np.arange(18_000) / 16_000
        wave = np.sign(np.sin(2 * np.pi * (100 + 15 * number) * time_)) * (1 + np.sin(2 * np.pi * 4 * time_))
        wave = (0.1 * wave + 0.005 * rng.normal(size=time_.size)).astype(np.float32)
        (base / person / "voice.wav").write_bytes(encode_audio(Audio(samples=wave[np.newaxis], rate=16_000), "wav"))
    return base


@pytest.fixture
def leave(folder: Path) -> Leave:
    book = ConsentBook()
    for person in PEOPLE:
        terms = Terms(
            subject=person,
            scopes=(Scope.VOICE_CLONE,),
            purpose=PURPOSE,
            references=(file_sha256(folder / person / "voice.wav"),),
            expires=datetime.now(UTC) + timedelta(days=1),
            statement="I agree to the benchmark.",
        )
        book.grant(terms, now=datetime.now(UTC))
    return Leave(book=book, now=datetime.now(UTC))


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "detector.py"
    path.write_text(DETECTOR)
    return path


@pytest.fixture
def begun(folder: Path, leave: Leave) -> Callable[..., Run]:
    def make(plugins: Sequence[Card], *, makers: tuple[str, ...] = ("world-copy",), launder: str = "") -> Run:
        plan = Plan(
            makers=makers,
            detectors=(),
            plugins=tuple(plugins),
            chains=chains_by_kind([launder] if launder else []),
            seed=5,
        )
        reals = tuple(read_reals(folder)[0])
        return Run(reals=reals, left_out=(), plan=plan, leave=leave, command="assay bench", material="made")

    return make


def _card(module: Path, function: str, **more: object) -> Card:
    return Card.of({"name": function, "run": f"py:{module}:{function}", **more})


def test_a_run_killed_three_times_ends_with_the_same_rows(
    folder: Path, leave: Leave, module: Path, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert _conduct(folder, module, whole, leave).wait(timeout=60) == 0
    for number in range(3):
        running = _conduct(folder, module, cut, leave, slow=0.1)
        until = time.monotonic() + 40
        while len(list((cut / "parts").glob("[0-9]*"))) <= number and time.monotonic() < until:
            time.sleep(0.02)
        running.kill()
        running.wait(timeout=20)
        assert not (cut / "rows.parquet").exists(), "it was to be killed before its end"
    parts = len(list((cut / "parts").glob("[0-9]*")))
    assert parts >= 3
    assert _conduct(folder, module, cut, leave).wait(timeout=60) == 0
    rows = without_seconds(read_rows(cut / "rows.jsonl"))
    assert rows == without_seconds(read_rows(whole / "rows.jsonl"))
    # three people, real and fake, clean and by another gain
    assert len(rows) == 12
    assert rows == without_seconds(stored_rows(cut))
    assert len({row.digest for row in rows}) == 12


SCRIPT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from assay.eval import page, store
from assay.eval.bench import Plan, chains_by_kind
from assay.eval.conduct import Run, conduct
from assay.eval.executor import Inline
from assay.eval.makers import Leave
from assay.eval.plugins import read_card
from assay.eval.reals import read_reals
from assay.generate.consent import ConsentBook
store.FLUSH_SECONDS = 0.0
page.render = lambda result: ""
folder, detector, book, out = sys.argv[1:]
cards = (read_card(detector),)
plan = Plan(makers=("world-copy",), detectors=(), plugins=cards, chains=chains_by_kind(["gain"]), seed=5)
leave = Leave(book=ConsentBook(Path(book)), now=datetime.now(UTC))
reals = tuple(read_reals(Path(folder))[0][:3])
run = Run(reals=reals, left_out=(), plan=plan, leave=leave, command="", material="")
conduct(run, Path(out), executor=Inline())
"""


def _conduct(folder: Path, module: Path, out: Path, leave: Leave, *, slow: float = 0.0) -> subprocess.Popen[bytes]:
    """Start a run in a process of its own that writes what it has after every piece."""
    arguments = [str(folder), f"py:{module}:steady", str(leave.book.folder), str(out)]
    command = [sys.executable, "-P", "-c", SCRIPT, *arguments]
    return subprocess.Popen(command, env={**os.environ, "SLOW": str(slow)})


class _Length(BaseHTTPRequestHandler):
    """Answers with the length of what was posted."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f'{{"score": {len(body)}}}'.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        del format, args


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Length) as served:
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}/score"
        served.shutdown()


def test_the_table_is_right_with_all_three_ways_one_that_crashes_and_one_that_hangs(
    begun: Callable[..., Run], module: Path, tmp_path: Path, address: str
) -> None:
    program = "cmd:sh -c 'wc -c < $0' {path}"
    cards = [
        _card(module, "steady"),
        _card(module, "third"),
        _card(module, "hangs", timeout=0.3, kinds=["audio"]),
        Card.of({"name": "program", "run": program}),
        Card.of({"name": "address", "run": address}),
        Card.of({"name": "pictures only", "run": program, "kinds": ["image"]}),
    ]
    run = begun(cards, launder="gain")
    result = conduct(run, tmp_path / "one", executor=Processes(2))
    again = [row for one in portions(pieces(run.reals, run.plan, run.leave), Inline()) for row in one.rows]
    assert without_seconds(result.rows) == without_seconds(sorted(again, key=lambda row: row.key))
    lines = {line.detector: line for line in result.lines if line.maker == line.laundering == "all"}
    assert set(lines) == {"steady", "third", "hangs", "program", "address"}
    numbers = {row.item + row.laundering: row.score for row in result.rows if row.detector == "steady"}
    assert len(numbers) == 20
    crashed = {row.item + row.laundering for row in result.rows if row.outcome == "crashed"}
    late = {row.item + row.laundering for row in result.rows if row.outcome == "timed out"}
    assert (len(crashed), len(late)) == (lines["third"].crashed, lines["hangs"].timed_out)
    assert len(crashed) > 2
    assert len(late) > 0
    assert lines["steady"].coverage == lines["program"].coverage == lines["address"].coverage == 1.0
    lengths = [[row.score for row in result.rows if row.detector == name] for name in ("program", "address")]
    assert lengths[0] == lengths[1]
    assert lines["third"].coverage == pytest.approx(1 - len(crashed) / 20)
    for row in result.rows:
        assert (row.score is None) == (row.detector == "third" and row.item + row.laundering in crashed) or (
            row.detector == "hangs" and row.item + row.laundering in late
        )
    kept = common(result.rows)["audio"]
    assert {row.item + row.laundering for row in kept} == set(numbers) - crashed - late
    assert _auc_by_hand(result.rows, "third") == pytest.approx(_auc(lines["third"]))
    text = (tmp_path / "one" / "index.html").read_text()
    assert "pictures only" in text
    assert "<script" not in text
    for link in _links(text):
        assert f'id="{link}"' in text, f"a number leads to rows that are not there: {link}"


def _auc(line: Line) -> float:
    assert line.auc is not None
    return line.auc.value


def _auc_by_hand(rows: Sequence[Row], detector: str) -> float:
    mine = [row for row in rows if row.detector == detector and row.score is not None]
    pairs = [
        (fake.score > real.score) + 0.5 * (fake.score == real.score)
        for fake in mine
        for real in mine
        if fake.spoof and not real.spoof and fake.score is not None and real.score is not None
    ]
    return float(np.mean(pairs))


def _links(page: str) -> set[str]:
    return {part.split('"')[0] for part in page.split('href="#')[1:]}


def test_order_name_date_and_size_of_what_is_handed_out_tell_nothing(tmp_path: Path) -> None:
    people = [f"p{number}" for number in range(60)]
    reals = [Real(id=f"{who}/{n}.png", path=tmp_path, kind="image", subject=who) for who in people for n in range(5)]
    plan = Plan(makers=("landmark-swap",), detectors=(), chains=chains_by_kind([]), seed=7)
    leave = Leave(book=ConsentBook(tmp_path), now=NOW)
    asked = list(pieces(reals, plan, leave))
    spoof = np.array([bool(payload["maker"]) for payload in asked])
    assert spoof.sum() == 300
    assert abs(metrics.auc(np.arange(len(asked)), spoof) - 0.5) < 0.08
    assert [one["real"]["id"] for one in asked] == [one["real"]["id"] for one in pieces(reals, plan, leave)]
    rng = np.random.default_rng(1)
    busy, flat = rng.integers(0, 255, (64, 48, 3), np.uint8), np.full((64, 48, 3), 99, np.uint8)
    paths = []
    for number, payload in enumerate(asked):
        data, suffix = file_bytes(Still(pixels=busy if number % 2 else flat))
        name = payload["real"]["id"] + ("+landmark-swap" if payload["maker"] else "")
        paths.append(hand_out(data, suffix, tmp_path, f"7|{name}|clean"))
    names = np.array([int(path.stem, 16) % 2**40 for path in paths])
    assert abs(metrics.auc(names, spoof) - 0.5) < 0.08
    assert len({(path.stat().st_mtime_ns, path.stat().st_size, path.suffix) for path in paths}) == 1


def test_a_detector_that_goes_by_names_and_dates_is_no_better_than_chance(
    begun: Callable[..., Run], module: Path, tmp_path: Path
) -> None:
    run = begun([_card(module, "named")], launder="gain")
    result = conduct(run, tmp_path / "out", executor=Inline())
    (line,) = [line for line in result.lines if line.maker == line.laundering == "all"]
    assert line.auc is not None
    assert line.auc.low is not None
    assert line.auc.high is not None
    assert line.auc.low < 0.5 < line.auc.high
    facts = [replace(one, width=9 if one.maker else 8) for one in result.facts]
    told = {leak.fact: leak.auc.value for leak in leaks(facts, seed=0)}
    assert told["width"] == 1.0
    assert "seconds" not in told, "every item has the same length"


def test_a_folder_of_another_run_is_left_alone(begun: Callable[..., Run], module: Path, tmp_path: Path) -> None:
    run = begun([_card(module, "steady")], makers=())
    first = conduct(run, tmp_path / "out", executor=Inline())
    # finished: nothing is done again, and the tables are the same
    assert conduct(run, tmp_path / "out", executor=Processes(1)).rows == first.rows
    with pytest.raises(InputError, match="another run"):
        conduct(replace(run, plan=replace(run.plan, seed=6)), tmp_path / "out", executor=Inline())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match="empty or new folder"):
        conduct(run, tmp_path / "full", executor=Inline())


def test_a_mark_is_in_both_classes_or_in_neither(begun: Callable[..., Run], module: Path, tmp_path: Path) -> None:
    run = begun([_card(module, "steady")])
    plain = conduct(run, tmp_path / "plain", executor=Inline())
    marked = conduct(replace(run, plan=replace(run.plan, marked=True)), tmp_path / "marked", executor=Inline())
    before = {row.item: row.digest for row in plain.rows}
    told = {row.item: row.digest for row in marked.rows}
    missed = {miss.item for miss in marked.not_made}
    assert set(told) | missed == set(before)
    assert all(told[item] != before[item] for item in told)
    assert "alike" in marked.provenance["marks"]


def test_leaderboards_of_two_runs_are_joined_and_compared_on_common_items(
    begun: Callable[..., Run], module: Path, tmp_path: Path
) -> None:
    cards = ["steady", "third"]
    for name in cards:
        conduct(begun([_card(module, name)]), tmp_path / name, executor=Inline())
    places = [tmp_path / name / "leaderboard.json" for name in cards]
    joined = merge(places)
    assert [entry["kind"] for entry in joined["entries"]] == ["audio", "audio"]
    (pair,) = joined["pairs"]
    rows = [row for row in stored_rows(tmp_path / "third") if row.score is not None]
    assert pair["items"] == len(rows)
    # where the one answers, it says what the other says
    assert (pair["difference"], pair["p"]) == (0.0, 1.0)
    assert any("common items" in line for line in tell(joined))
    (tmp_path / "third" / "rows.jsonl").write_text("")
    assert "has changed" in merge(places)["notes"][0]
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(BenchError, match="schema"):
        merge([tmp_path / "x.json"])


def test_a_piece_that_takes_too_long_is_tried_again_and_then_given_up(begun: Callable[..., Run], module: Path) -> None:
    run = begun([_card(module, "steady")])
    payloads = list(pieces(run.reals[:1], run.plan, run.leave))
    # no worker can even start in that time
    (first, second) = Processes(2, seconds=0.02).map_unordered(FUNCTION, payloads)
    assert isinstance(first, Lost)
    assert isinstance(second, Lost)
    assert first.tries == second.tries == 2
    portion = next(portions([first.payload], _Loses()))
    assert [row.outcome for row in portion.rows] == ["crashed"]


class _Loses:
    """An executor whose workers always die."""

    def map_unordered(self, function: str, payloads: Iterable[Payload]) -> Iterator[Done | Lost]:
        del function
        return (Lost(payload=payload, why="killed", tries=2) for payload in payloads)


def test_a_worker_that_is_killed_is_replaced_and_its_piece_done_again(
    begun: Callable[..., Run], module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOW", "0.1")
    run = begun([_card(module, "steady")])
    found: list[Done | Lost] = []
    taken = 0

    def counted() -> Iterator[Payload]:
        nonlocal taken
        for payload in pieces(run.reals, run.plan, run.leave):
            taken += 1
            # no more is taken than the two workers hold, one of them perhaps a second time
            assert taken <= len(found) + 3
            yield payload

    for number, answer in enumerate(Processes(2).map_unordered(FUNCTION, counted())):
        found.append(answer)
        if number == 1:
            os.kill(_workers()[0], signal.SIGKILL)
    assert {type(answer) for answer in found} == {Done}
    assert sorted(piece_key(answer.payload) for answer in found) == sorted(
        piece_key(payload) for payload in pieces(run.reals, run.plan, run.leave)
    )
    assert _workers() == []


def _workers() -> list[int]:
    """Return the ids of our children that do pieces of work."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and "assay.eval.executor" in (place / "cmdline").read_text():
                found.append(int(place.name))
    return sorted(found)


def test_rows_can_be_filtered_from_the_command_line(
    begun: Callable[..., Run], module: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    conduct(begun([_card(module, "third")], launder="gain"), tmp_path / "out", executor=Inline())
    said = run("bench", "rows", tmp_path / "out", "--laundering", "clean", "--outcome", "crashed", "--json")
    told = [json.loads(line) for line in said.out.splitlines()]
    wanted = [row for row in stored_rows(tmp_path / "out") if (row.laundering, row.outcome) == ("clean", "crashed")]
    assert [row["item"] for row in told] == [row.item for row in wanted]


def test_reals_are_drawn_one_a_person_first(tmp_path: Path) -> None:
    reals = [
        Real(id=f"{who}{n}", path=tmp_path, kind="image", subject=who)
        for who, count in (("a", 9), ("b", 1), ("c", 1))
        for n in range(count)
    ]
    assert {real.subject for real in drawn(reals, 3, seed=1)} == {"a", "b", "c"}
    assert drawn(reals, 5, seed=1) == drawn(reals, 5, seed=1)
    assert len(drawn(reals, 50, seed=1)) == 11
