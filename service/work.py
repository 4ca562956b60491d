"""Pieces of work that processes and clusters do by name: plain JSON in, plain JSON out, warm between pieces."""

from __future__ import annotations

import json
import os
import socket
import time
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__

if TYPE_CHECKING:
    from ..detect.scan import Examination

SCAN = f"{__name__}:scan_file"
HEADERS = f"{__name__}:headers"
PING = f"{__name__}:ping"


def scan_file(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the report on `payload["path"]` under `payload["options"]`, as `assay scan --json` prints it.

    `anchors` are certificates in PEM, `allowed` fingerprints of signers, `detectors` names or `None`, `foreign` whether
    others' marks are read, `mark_keys` paths of key files under which ours are read too, `enrolled` paths of genuine
    recordings of the voice; `store`, `resolvers` and `inside` say where manifests of stripped files are looked for,
    `quick` whether the scan is a quick one. A file that cannot be examined is an answer.
    """
    from ..detect.scan import scan_each

    (answer,) = scan_each([Path(payload["path"])], _examination(json.dumps(payload["options"])))
    return {"report": answer.to_json(), "exit_code": answer.exit_code}


@lru_cache(maxsize=4)
def _examination(options: str) -> Examination:
    from ..detect.audio.voices import enrol
    from ..detect.scan import Examination
    from ..provenance.trust import Trust
    from .cli.recovery import Places, mark_keys

    asked = json.loads(options)
    keys = [Path(name) for name in asked.get("mark_keys", ())]
    recovery, _ = Places.of(asked["store"], asked["resolvers"], asked["inside"], keys).recovery()
    anchors = tuple(anchor.encode() for anchor in asked["anchors"])
    return Examination(
        trust=Trust(anchors_pem=anchors, allowed=frozenset(asked["allowed"])),
        recovery=recovery,
        detectors=tuple(asked["detectors"]) if asked["detectors"] else None,
        foreign_marks=bool(asked["foreign"]),
        mark_keys=mark_keys(tuple(keys)),
        enrolled=enrol(Path(name) for name in asked.get("enrolled", ())),
        quick=bool(asked.get("quick")),
    )


def headers(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what the headers of `payload["asked"]` (paths, each with whether its SHA-256 is wanted) say, in order."""
    from ..datasets.indexing import headers_of

    found = headers_of([(str(place), bool(hashed)) for place, hashed in payload["asked"]])
    return {"number": payload["number"], "found": [[asdict(facts), digest] for facts, digest in found]}


def ping(payload: dict[str, Any]) -> dict[str, Any]:
    """Return who did this piece of work, after `payload["seconds"]`: to see what a cluster is made of."""
    time.sleep(float(payload.get("seconds", 0.0)))
    return {
        "number": payload.get("number"),
        "host": socket.gethostname(),
        "process": os.getpid(),
        "assay": __version__,
    }
