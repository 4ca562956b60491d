"""The decoding processes: warm, capped, expendable."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import closing
from types import ModuleType

import pytest
from assay.media import worker
from assay.media.errors import LimitExceeded, UnreadableMedia, WorkerFailed
from assay.media.limits import Limits


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Generator[worker.Pool, None, None]:
    """A pool of its own, empty at first."""
    made = worker.Pool(keep=2)
    monkeypatch.setattr(worker, "POOL", made)
    yield made
    made.close()


def _pids(pool: worker.Pool) -> list[int]:
    return [one.pid for one in pool._idle]


def test_one_process_serves_many_jobs(pool: worker.Pool) -> None:
    for index in range(20):
        header, body = worker.run("echo", bytes([index]) * 5, limits=Limits())
        assert (header["index"], body.tobytes()) == (0, bytes([index]) * 5)
    assert len(_pids(pool)) == 1


def test_large_messages_arrive_whole(pool: worker.Pool) -> None:
    data = os.urandom(20_000_000)
    assert worker.run("echo", data, limits=Limits())[1].tobytes() == data


def test_jobs_at_the_same_time_get_processes_of_their_own(pool: worker.Pool) -> None:
    first = worker.stream("echo", b"first", limits=Limits(), count=3)
    second = worker.stream("echo", b"second", limits=Limits(), count=3)
    with closing(first), closing(second):
        assert [next(first)[1].tobytes(), next(second)[1].tobytes()] == [b"first", b"second"]
        assert [body.tobytes() for _, body in first] == [b"first"] * 2
        assert [body.tobytes() for _, body in second] == [b"second"] * 2
    assert len(_pids(pool)) == 2


def test_threads_do_not_mix_their_answers(pool: worker.Pool) -> None:
    wrong: list[int] = []

    def ask(number: int) -> None:
        for _ in range(10):
            data = bytes([number]) * 1000
            if worker.run("echo", data, limits=Limits())[1].tobytes() != data:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(_pids(pool)) <= 2


def test_leaving_early_cancels_the_job_and_keeps_the_process(pool: worker.Pool) -> None:
    worker.run("echo", b"", limits=Limits())
    before = _pids(pool)
    begun = time.monotonic()
    jobs = worker.stream("echo", bytes(3_000_000), limits=Limits(), count=10_000)
    with closing(jobs):
        next(jobs)
    assert time.monotonic() - begun < 5
    assert _pids(pool) == before
    assert worker.run("echo", b"next", limits=Limits())[1].tobytes() == b"next"


def test_a_job_that_does_not_hear_of_its_end_costs_the_process(
    pool: worker.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_CANCEL_SECONDS", 0.3)
    jobs = worker.stream("echo", b"", limits=Limits(), count=2, wait=3.0)
    next(jobs)
    begun = time.monotonic()
    jobs.close()
    assert time.monotonic() - begun < 2.5
    assert _pids(pool) == []


def test_memory_beyond_the_cap_is_a_failure_and_the_next_job_runs(pool: worker.Pool) -> None:
    limits = Limits(memory_bytes=700 * 1024**2)
    with pytest.raises(WorkerFailed, match="memory"):
        worker.run("echo", b"", limits=limits, spend_bytes=2 * 1024**3)
    assert worker.run("echo", b"", limits=limits, spend_bytes=1024)[0]["held"] == 1024


def test_a_silent_process_is_stopped(pool: worker.Pool) -> None:
    begun = time.monotonic()
    with pytest.raises(WorkerFailed, match="no progress"):
        worker.run("echo", b"", limits=Limits(worker_seconds=0.5), wait=60.0)
    assert time.monotonic() - begun < 20
    assert worker.run("echo", b"x", limits=Limits())[1].tobytes() == b"x"


def test_a_process_killed_while_idle_or_at_work_is_replaced(pool: worker.Pool) -> None:
    worker.run("echo", b"", limits=Limits())
    first = _pids(pool)
    os.kill(first[0], signal.SIGKILL)
    time.sleep(0.2)
    assert worker.run("echo", b"x", limits=Limits())[1].tobytes() == b"x"
    assert _pids(pool) != first
    jobs = worker.stream("echo", b"x", limits=Limits(), count=3, wait=0.2)
    next(jobs)
    (busy,) = pool._busy
    os.kill(busy.pid, signal.SIGKILL)
    with pytest.raises(WorkerFailed, match="died"):
        list(jobs)
    assert worker.run("echo", b"x", limits=Limits())[1].tobytes() == b"x"


def test_a_process_whose_memory_is_half_spent_is_replaced(pool: worker.Pool, makers: ModuleType) -> None:
    data = makers.film(30)
    limits = Limits(memory_bytes=3 * 1024**3)
    pids = set()
    for _ in range(12):
        worker.run("film-info", data, limits=limits, container="mp4")
        list(worker.stream("frames", data, limits=limits, container="mp4", every=1, max_side=None))
        pids |= set(_pids(pool))
    assert len(pids) == 1  # nothing piles up: jobs leave their memory behind them
    small = Limits(memory_bytes=100 * 1024**2)
    with contextlib.suppress(UnreadableMedia):
        worker.run("echo", b"", limits=small)
    assert all(one.memory_bytes != small.memory_bytes for one in pool._idle)


def test_errors_cross_over_with_their_kind_and_words(pool: worker.Pool) -> None:
    with pytest.raises(UnreadableMedia, match="header does not decode"):
        worker.run("image", b"\xff\xd8\xff\xe0", limits=Limits(), container="jpeg")
    data = b"\x89PNG\r\n\x1a\n" + bytes(8) + (9).to_bytes(4, "big") * 2
    with pytest.raises(LimitExceeded, match="9 x 9"):
        worker.run("image", data, limits=Limits(side=8), container="png")
    assert len(_pids(pool)) == 1


def test_the_process_cannot_write_files_nor_import_from_the_working_folder(pool: worker.Pool) -> None:
    worker.run("echo", b"", limits=Limits())
    (pid,) = _pids(pool)
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:  # noqa: PTH123 - a kernel file
        rows = {line[:26].strip(): line[26:].split()[:2] for line in file}
    assert rows["Max file size"] == ["0", "0"]
    assert rows["Max address space"] == [str(Limits().memory_bytes)] * 2
    command = worker._COMMAND
    assert command[0] == "-P"


def test_nothing_is_left_running_and_nothing_is_warned_of_at_the_end() -> None:
    code = (
        "import os\n"
        "from assay.media import worker\n"
        "from assay.media.limits import Limits\n"
        "worker.run('echo', b'', limits=Limits())\n"
        "print(worker.POOL._idle[0].pid)\n"
        "jobs = worker.stream('echo', bytes(9_000_000), limits=Limits(), count=9)\n"
        "next(jobs)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    assert worker.run('echo', b'own', limits=Limits())[1].tobytes() == b'own'\n"
        "    raise SystemExit\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "assert len(list(jobs)) == 8\n"
        "last = worker.stream('echo', b'', limits=Limits(), count=2)\n"
        "next(last)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    pid = int(done.stdout.split()[0])
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the decoding process outlived its parent")


def test_starting_reads_no_heavy_library() -> None:
    code = "import assay.media, sys; print({'av', 'cv2', 'PIL', 'numpy', 'torch', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"


def test_a_process_that_was_started_ahead_does_the_next_job(pool: worker.Pool) -> None:
    pool.warm(Limits().memory_bytes, op="film")
    pool.warm(Limits().memory_bytes, op="film")
    (pid,) = _pids(pool)
    assert worker.run("echo", b"here", limits=Limits())[1].tobytes() == b"here"
    assert _pids(pool) == [pid]


def test_one_that_dies_before_its_first_job_is_replaced(pool: worker.Pool) -> None:
    pool.warm(Limits().memory_bytes)
    (pid,) = _pids(pool)
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 5
    while pool._idle[0].alive and time.monotonic() < until:
        time.sleep(0.01)
    assert worker.run("echo", b"here", limits=Limits())[1].tobytes() == b"here"
    assert pid not in _pids(pool)
