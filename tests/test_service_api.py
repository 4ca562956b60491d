"""The HTTP door: answers like the command line's, limits on what is sent, nothing kept."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from assay.provenance.trust import Trust
from assay.service import api
from PIL import Image


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A real server on a free port of this machine."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(api.make_app(Trust()), host="127.0.0.1", port=0, log_level="error"))
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


def test_what_is_no_media_is_an_error_as_data(address: str) -> None:
    status, told = _ask(f"{address}/v1/scan", b"no picture at all")
    assert status == 422
    assert told["error"]["type"] == "UnreadableMedia"


def test_a_body_over_the_limit_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_BYTES", 1000)
    status, told = _ask(f"{address}/v1/verify", bytes(5000))
    assert status == 413
    assert told["error"]["type"] == "LimitExceeded"
