"""Verifications as SARIF 2.1.0 (OASIS), which code hosts and review tools read: a rule for each numbered step."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from .. import __version__
from ..provenance.atomic import settle, temporary
from ..provenance.steps import NAMES
from ..provenance.verification import Check, State
from .spool import Shown

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
DECLARED = "declared-synthetic"
_MEANS = {
    1: "Is there a manifest, in the file or in its sidecar?",
    2: "Can the manifest be read as the standard says?",
    3: "Is the manifest as its signer left it?",
    4: "May this kind of certificate sign claims?",
    5: "Was the certificate valid when it signed?",
    6: "Does the trust store know the signer? If not, nothing need have been changed.",
    7: "Does an authority vouch for the time of signing?",
    8: "Was the certificate withdrawn?",
    9: "Is every statement as it was signed?",
    10: "Is the content byte for byte the one that was signed?",
    11: "Are actions and source types the standard's own words?",
    12: "Does every manifest of what the file was made from hold?",
    13: "Is the mark that the manifest names in the content?",
    14: "Do the identities in the manifest hold?",
    15: "Does the mark in the content lead to a manifest that was kept?",
    16: "Does the manifest that was found name this very mark?",
    17: "Does the content resemble what was signed, or was the credential borrowed from another asset?",
}
_WARNINGS = (6, 12, 13)  # say something of the file without making it invalid


def write_sarif(answers: Iterable[Shown], path: Path, *, complete: bool) -> None:
    """Write a log of all failed checks to `path`, whole or not at all; `complete` tells that every file was checked.

    Absent manifests are no result. Files that could not be checked are notifications of the run.
    """
    with temporary(path) as file:
        _write(file, answers, complete=complete)
        settle(file, path)


def rule_id(step: int) -> str:
    """Return the id of a step's rule: step-06-trust."""
    return f"step-{step:02d}-{NAMES[step].replace(' ', '-')}"


def _write(file: IO[bytes], answers: Iterable[Shown], *, complete: bool) -> None:
    """Write result after result, so that memory does not grow with the batch; notifications come after them."""
    driver = {"name": "Assay", "version": __version__, "semanticVersion": __version__, "rules": list(_rules())}
    head = f'{{"$schema": {json.dumps(SCHEMA)}, "version": "2.1.0", "runs": [{{"tool": {json.dumps({"driver": driver})}'
    file.write(head.encode() + b', "columnKind": "unicodeCodePoints", "results": [')
    notes, between = [], b"\n"
    for shown in answers:
        if shown.verification is None:
            notes.append(_notification(shown))
        for result in _results(shown):
            file.write(between + json.dumps(result).encode())
            between = b",\n"
    run = {"executionSuccessful": complete, "toolExecutionNotifications": notes}
    file.write(b'\n], "invocations": [' + json.dumps(run).encode() + b"]}]}\n")


def _rules() -> Iterator[dict[str, Any]]:
    for step, name in NAMES.items():
        meaning = _MEANS.get(step, name)
        level = "warning" if step in _WARNINGS else "error"
        yield _rule(rule_id(step), name, meaning, level)
    yield _rule(DECLARED, "declared synthetic", "Does the manifest declare content made or changed by AI?", "note")


def _rule(identity: str, name: str, meaning: str, level: str) -> dict[str, Any]:
    return {
        "id": identity,
        "name": "".join(word.capitalize() for word in name.split()),
        "shortDescription": {"text": name},
        "fullDescription": {"text": meaning},
        "defaultConfiguration": {"level": level},
    }


def _results(shown: Shown) -> Iterator[dict[str, Any]]:
    rules = [*map(rule_id, NAMES), DECLARED]
    for check in shown.failed:
        remedy = f" What to do: {check.remedy}." if check.remedy else ""
        yield {
            "ruleId": rule_id(check.step),
            "ruleIndex": rules.index(rule_id(check.step)),
            "level": _level(check, shown.state),
            "kind": "fail",
            "message": {"text": f"{_plain(check.sentence)}.{remedy}"},
            "locations": [_location(shown.path)],
            "properties": {"state": shown.state, "codes": list(check.codes)},
        }
    if shown.declares:
        yield {
            "ruleId": DECLARED,
            "ruleIndex": rules.index(DECLARED),
            "level": "note",
            "kind": "fail",
            "message": {"text": f"the manifest declares content that is synthetic ({shown.declares})"},
            "locations": [_location(shown.path)],
            "properties": {"state": shown.state},
        }


def _level(check: Check, state: str) -> str:
    """Return `error` for what makes a file invalid, `warning` for what makes it untrusted or is about its parts."""
    if check.step in _WARNINGS:
        return "warning"
    return "error" if state == State.INVALID and check.step not in (7, 14) else "note"


def _notification(shown: Shown) -> dict[str, Any]:
    return {"level": "error", "message": {"text": _plain(shown.error)}, "locations": [_location(shown.path)]}


def _location(path: str) -> dict[str, Any]:
    """Return where the file lies: an address relative to the folder of the run, or a `file:` address."""
    address = quote(os.fsencode(path.replace(os.sep, "/")))
    uri = f"file://{address}" if path.startswith("/") else address
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}}


def _plain(text: str) -> str:
    """Return text that is valid Unicode, with control characters made visible."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii") for char in text
    )
