"""An HTTP address as detector: the file, or its path, is posted; a score comes back."""

from __future__ import annotations

import contextlib
import http.client
import json
import mimetypes
import time
from pathlib import Path
from urllib.parse import urlsplit

from .card import Card
from .interface import Answer, crashed, read_answer, timed_out

ANSWER_MOST = 1 << 20
"""Bytes of an answer that are read."""


class WebPlugin:
    """Posts the bytes of the file, or `{"path": ...}` where the card says `send = "path"`, and follows no redirect."""

    def __init__(self, card: Card) -> None:
        """Connect to nothing yet."""
        self.card = card
        self._parts = urlsplit(card.run)

    def ask(self, path: Path) -> Answer:
        """Return what the address says of the file at `path`."""
        until = time.monotonic() + self.card.timeout
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        try:
            connection = kind(self._parts.hostname or "", self._parts.port, timeout=self.card.timeout)
            with contextlib.closing(connection):
                status, text = self._exchange(connection, path, until)
        except TimeoutError:
            return timed_out(self.card.timeout)
        except (OSError, http.client.HTTPException) as error:
            return crashed(f"the address does not answer: {type(error).__name__}: {error}")
        if status != http.client.OK:
            return crashed(f"it answered with status {status}: {text}")
        return read_answer(text, self.card) or crashed(f"expected a score or JSON, got {text!r}")

    def close(self) -> None:
        """Nothing is kept open."""

    def _exchange(self, connection: http.client.HTTPConnection, path: Path, until: float) -> tuple[int, str]:
        place = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        if self.card.send == "path":
            body, kind = json.dumps({"path": str(path)}).encode(), "application/json"
        else:
            body, kind = path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        connection.request("POST", place, body, {"Content-Type": kind, "X-File-Name": path.name})
        with connection.getresponse() as response:
            kept = b""
            while len(kept) < ANSWER_MOST and (more := response.read1(1 << 16)):
                kept += more
                # a socket's own limit is for each packet: a server that drips would never meet it
                if time.monotonic() > until:
                    raise TimeoutError
            return response.status, kept.decode("utf-8", "replace").strip()
