"""Scanning on many processes and machines: every file answered once, whatever dies, and nothing asked twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.eval.executor import Done, Inline, Lost
from assay.media.audio import Audio
from assay.media.encode import encode_audio
from assay.media.errors import InputError
from assay.provenance.trust import Trust
from assay.service.answers import COLUMNS, Answers, plain
from assay.service.scanning import Wanted, executor, scan_many

DRIVER = """
import itertools, json, os, signal, sys, time
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
from ray.cluster_utils import Cluster
from assay.eval.executor import Done, ExecutorError
from assay.service import cluster
from assay.service.work import PING

machines = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = machines.add_node(num_cpus=1)
workers = cluster.RayExecutor(machines.address)
numbers, processes, told = [], [], {}
until, lost = time.monotonic() + 120, None


def work():  # goes on until the third process has answered, a machine was lost after that, and 60 more are asked
    for number in itertools.count():
        if time.monotonic() > until or (lost is not None and number >= lost + 60):
            return
        yield {"number": number, "seconds": 0.01}


for count, answer in enumerate(workers.map_unordered(PING, work()), 1):
    assert isinstance(answer, Done), answer
    numbers.append(answer.result["number"])
    processes.append(answer.result["process"])
    if count == 60:
        os.kill(answer.result["process"], signal.SIGKILL)
    if lost is None and len(set(processes)) >= 3:
        os.kill(second.all_processes["raylet"][0].process.pid, signal.SIGKILL)
        lost = count
told["numbers"], told["lost"] = numbers, lost
try:
    list(workers.map_unordered("assay.service.work:scan_file", [{"path": "x", "options": {}}]))
except ExecutorError as error:
    told["fault"] = str(error)
cluster.__version__ = "0.0.other"
try:
    list(workers.map_unordered(PING, [{}]))
except ExecutorError as error:
    told["version"] = str(error)
print(json.dumps(told), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a driver saw of two machines, of which one lost its worker and one died."""
    pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp("driver")
    script = folder / "driver.py"
    script.write_text(DRIVER)
    done = subprocess.run([sys.executable, "-P", script], capture_output=True, text=True, timeout=240, cwd=folder)
    subprocess.run([Path(sys.executable).with_name("ray"), "stop", "--force"], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def test_every_piece_is_answered_once_though_a_worker_and_a_machine_die(told: dict[str, Any]) -> None:
    assert told["lost"] is not None, "no third process answered after a worker was killed"
    assert Counter(told["numbers"]) == Counter(range(len(told["numbers"])))
    assert len(told["numbers"]) >= told["lost"] + 60


def test_a_fault_of_ours_on_a_worker_is_named_to_the_driver(told: dict[str, Any]) -> None:
    assert told["fault"].startswith("a fault of ours in assay.service.work:scan_file: KeyError")


def test_a_worker_with_another_version_is_refused(told: dict[str, Any]) -> None:
    assert "the driver 0.0.other: install the same on both" in told["version"]


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    place = tmp_path / "media"
    place.mkdir()
    for number in range(3):
        sound = Audio(samples=0.1 * rng.normal(size=(1, 8000)).astype(np.float32), rate=16_000)
        (place / f"{number}.wav").write_bytes(encode_audio(sound, "wav"))
    (place / "text.txt").write_text("no media")
    return place


def test_a_scan_by_jobs_says_what_a_scan_says(folder: Path, run: Callable[..., Any]) -> None:
    once = {Path(a["path"]).name: a for a in map(json.loads, run("scan", "--json", folder).out.splitlines())}
    many = run("scan", "--json", "--jobs", 2, folder)
    answers = {Path(a["path"]).name: a for a in map(json.loads, many.out.splitlines())}
    assert many.code == 3
    assert answers.keys() == once.keys()
    for name, answer in answers.items():
        for key in ("sha256", "verdict", "verification", "skipped", "error"):
            assert answer.get(key) == once[name].get(key)


def test_a_scan_taken_up_asks_only_what_is_not_answered(folder: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    from pyarrow import parquet

    out = tmp_path / "answers"
    first = run("scan", "--jobs", 2, "--out", out, folder)
    (folder / "new.wav").write_bytes((folder / "0.wav").read_bytes())
    second = run("scan", "--jobs", 2, "--out", out, folder)
    assert len(first.out.splitlines()) == 4
    assert len(second.out.splitlines()) == 1
    assert "4 of 5 files are answered" in second.err
    assert second.code == 3  # the text is still no media
    table = parquet.read_table(out)
    assert table.column_names == list(COLUMNS)
    assert sorted(Path(path).name for path in table["path"].to_pylist()) == [
        "0.wav",
        "1.wav",
        "2.wav",
        "new.wav",
        "text.txt",
    ]
    assert all(json.loads(report)["verdict"] for report in table["report"].to_pylist())


def test_half_a_part_is_no_part_and_strange_files_are_refused(tmp_path: Path) -> None:
    answers = Answers(str(tmp_path / "out"), {})
    (tmp_path / "out/.part-00000.parquet").write_bytes(b"PAR1 cut off")
    assert Answers(str(tmp_path / "out"), {}).answered() == {}
    answers.flush()
    (tmp_path / "out/letters.txt").write_text("dear")
    with pytest.raises(InputError, match=r"found letters\.txt"):
        Answers(str(tmp_path / "out"), {})


def test_a_name_that_is_no_utf8_is_kept_and_taken_up_like_any_other(tmp_path: Path) -> None:
    name = os.fsdecode(b"/media/\xff.wav")
    answers = Answers(str(tmp_path / "a"), {})
    answers.add({"path": name, "error": {"message": f"no media: {name}"}}, 3)
    answers.flush()
    assert Answers(str(tmp_path / "a"), {}).answered() == {plain(name): ("", 3)}


def test_a_broken_part_is_named(tmp_path: Path) -> None:
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"part-00000\.parquet"):
        Answers(str(tmp_path), {}).answered()


def test_a_file_whose_worker_always_dies_is_not_examined(folder: Path) -> None:
    class Deadly(Inline):
        def map_unordered(self, function: str, payloads: Any) -> Any:
            for number, payload in enumerate(payloads):
                if number == 1:
                    yield Lost(payload=payload, why="the worker ended", tries=2)
                else:
                    yield from super().map_unordered(function, [payload])

    paths = sorted(folder.glob("*.wav"))
    answers = list(scan_many(paths, Wanted(trust=Trust()), Deadly()))
    assert answers[1][1] == 3
    assert [bool(answer.get("error")) for answer, _ in answers] == [False, True, False]
    assert answers[1][0]["error"]["message"] == "the worker ended"
    assert answers[1][0]["verdict"]["conclusion"] == "not examined"


def test_a_cluster_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")

    def nobody(**_: object) -> None:
        msg = "nobody listens"
        raise ConnectionError(msg)

    monkeypatch.setattr(ray, "init", nobody)
    from assay.eval.executor import ExecutorError

    with pytest.raises(ExecutorError, match=r"expected a Ray cluster at '10\.0\.0\.1:6379'"):
        list(executor(jobs=1, ray="10.0.0.1:6379").map_unordered("assay.service.work:ping", [{}]))


def test_done_is_what_inline_gives() -> None:
    (answer,) = Inline().map_unordered("assay.service.work:ping", [{"number": 4}])
    assert isinstance(answer, Done)
    assert answer.result["number"] == 4


def test_an_index_by_other_processes_is_the_index_by_threads(folder: Path, tmp_path: Path) -> None:
    from assay.datasets.indexing import Settings, build
    from assay.eval.executor import Processes
    from assay.service.scanning import header_reader

    (folder / "text.txt").unlink()
    (folder / "real").mkdir()
    (folder / "fake/one").mkdir(parents=True)
    for number, place in enumerate(("real", "real", "fake/one")):
        (folder / f"{number}.wav").rename(folder / place / f"{number}.wav")
    settings = Settings(hashed=True)
    here = build(folder, tmp_path / "here.parquet", settings=settings)
    there = build(folder, tmp_path / "there.parquet", settings=settings, reader=header_reader(Processes(1)))
    assert list(here.items()) == list(there.items())
    assert here.select().equals(there.select())


def test_chunks_that_come_in_any_order_are_read_in_theirs() -> None:
    from assay.datasets.headers import Facts
    from assay.eval.executor import ExecutorError
    from assay.service.scanning import header_reader

    class Backwards(Inline):
        def map_unordered(self, function: str, payloads: Any) -> Any:
            yield from reversed(list(super().map_unordered(function, payloads)))

    chunks = [[("/nowhere/a", False)], [("/nowhere/b", False), ("/nowhere/c", False)]]
    missing = Facts(state="missing", note="no such file")
    assert list(header_reader(Backwards())(chunks)) == [[(missing, "")], [(missing, "")] * 2]

    class Deadly(Inline):
        def map_unordered(self, function: str, payloads: Any) -> Any:
            del function
            yield from (Lost(payload=payload, why="it ended", tries=2) for payload in payloads)

    with pytest.raises(ExecutorError, match="from /nowhere/a on could not be read"):
        list(header_reader(Deadly())(chunks))


def test_a_changed_file_is_scanned_again_and_other_options_are_refused(
    folder: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    out = tmp_path / "answers"
    run("scan", "--jobs", 2, "--out", out, folder)
    (folder / "0.wav").write_bytes((folder / "1.wav").read_bytes())
    again = run("scan", "--jobs", 2, "--out", out, folder)
    assert [line.partition(": ")[0] for line in again.out.splitlines()] == [str(folder / "0.wav")]
    other = run("scan", "--jobs", 2, "--out", out, "--detectors", "audio-whisper", folder)
    assert other.code == 2
    assert "other options of scanning: choose another place" in other.err
