"""The HTTP door: answers like the command line's, limits on what is sent, nothing kept."""

from __future__ import annotations

import asyncio
import json
import resource
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import skimage.data
from assay.media.encode import encode_image
from assay.provenance.durable import Store
from assay.provenance.marks import image_scheme
from assay.provenance.trust import Trust
from assay.service import api
from assay.service.door import Door
from assay.service.lookup import Lookup
from PIL import Image


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A real server on a free port of this machine."""
    with _served(Door()) as found:
        yield found


@contextmanager
def _served(door: Door, lookup: Lookup | None = None) -> Iterator[str]:
    import uvicorn

    app = api.make_app(Trust(), door=door, lookup=lookup)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.started
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


def _ask(url: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    try:
        asked = urllib.request.Request(url, data=body)  # noqa: S310 - our own server
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_health_tells_the_version(address: str) -> None:
    status, told = _ask(f"{address}/health")
    assert (status, told["status"]) == (200, "up")


def test_a_posted_picture_is_scanned_and_its_upload_is_gone(
    address: str, makers: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    status, told = _ask(f"{address}/v1/scan", makers.picture_file(Image.fromarray(makers.card()), "PNG"))
    assert status == 200
    assert told["verification"]["state"] == "absent"
    assert told["verdict"]["conclusion"] == "not examined"
    assert "path" not in told
    assert list(tmp_path.iterdir()) == []


def test_a_posted_picture_is_verified(address: str, makers: ModuleType) -> None:
    status, told = _ask(f"{address}/v1/verify", makers.picture_file(Image.fromarray(makers.card()), "JPEG"))
    assert (status, told["state"]) == (200, "absent")
    assert told["checks"]


def test_a_scan_reads_marks_under_the_keys_of_the_server(tmp_path: Path) -> None:
    marked = image_scheme().embed(skimage.data.chelsea(), 0xABC, b"k" * 32)
    with _served(Door(), Lookup(store=Store(tmp_path / "store.db"), keys=(b"k" * 32,))) as own:
        status, told = _ask(f"{own}/v1/scan", encode_image(marked, "png"))
    assert status == 200
    assert [int(str(mark["payload"]), 16) for mark in told["marks"]] == [0xABC]


def test_what_is_no_media_is_an_error_as_data(address: str) -> None:
    status, told = _ask(f"{address}/v1/scan", b"no picture at all")
    assert status == 422
    assert told["error"]["type"] == "UnreadableMedia"


def test_a_body_over_the_limit_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_BYTES", 1000)
    status, told = _ask(f"{address}/v1/verify", bytes(5000))
    assert status == 413
    assert told["error"]["type"] == "LimitExceeded"


def test_more_than_may_wait_are_sent_away_and_the_others_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [], []
    lock, go = threading.Lock(), threading.Event()

    def slow(_path: Path, **_options: object) -> dict[str, Any]:
        with lock:
            inside.append(1)
            most.append(len(inside))
        go.wait(20)
        with lock:
            inside.pop()
        return {"looked": True}

    monkeypatch.setattr(api, "_scanned", slow)
    with _served(Door(at_once=1, waiting=1)) as address, ThreadPoolExecutor(4) as pool:
        first = [pool.submit(_ask, f"{address}/v1/scan", b"x") for _ in range(2)]
        deadline = time.monotonic() + 10
        answer = (0, {})
        while answer[0] != 503 and time.monotonic() < deadline:
            time.sleep(0.05)
            answer = _ask(f"{address}/v1/verify", b"one too many") if inside else answer
        go.set()
        assert answer[0] == 503
        assert answer[1]["error"]["type"] == "Busy"
        assert [one.result() for one in first] == [(200, {"looked": True})] * 2
    assert max(most) == 1, "one at a time"


def test_an_answer_that_takes_too_long_is_not_waited_for_and_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def slow(_path: Path, **_options: object) -> dict[str, Any]:
        go.wait(20)
        return {"looked": True}

    monkeypatch.setattr(api, "_scanned", slow)
    with _served(Door(at_once=1, waiting=0, seconds=0.3)) as address:
        status, told = _ask(f"{address}/v1/scan", b"x")
        assert status == 503
        assert "longer than 0.3 s" in told["error"]["message"]
        status, told = _ask(f"{address}/v1/scan", b"x")
        assert "are being examined" in told["error"]["message"], "its thread still runs: nobody takes its place"
        go.set()
        deadline = time.monotonic() + 10
        while status == 503 and time.monotonic() < deadline:
            time.sleep(0.05)
            status, told = _ask(f"{address}/v1/scan", b"x")
        assert (status, told) == (200, {"looked": True})


def test_a_sender_who_goes_away_is_no_fault_of_the_server_and_leaves_its_place() -> None:
    door = Door(at_once=1, waiting=0)
    app, sent = api.make_app(Trust(), door=door), []
    events: list[dict[str, Any]] = []
    scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/scan", "raw_path": b"/v1/scan"}
    scope |= {"query_string": b"", "root_path": "", "headers": [], "client": ("::1", 1), "server": ("::1", 2)}

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    for _ in range(2):
        events += [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
        asyncio.run(app({**scope, "scheme": "http"}, receive, send))
    assert [message["status"] for message in sent if "status" in message] == [400, 400]
    assert b"went away after 4 bytes" in sent[1]["body"]


def test_a_body_that_finds_no_room_is_told_so_and_leaves_nothing(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # the kernel refuses what goes beyond
    try:
        status, told = _ask(f"{address}/v1/verify", b"x" * 1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (status, told["error"]["type"]) == (507, "StorageFull")
    assert list(tmp_path.iterdir()) == []
    assert _ask(f"{address}/v1/verify", b"x" * 1_000_000)[0] == 422
