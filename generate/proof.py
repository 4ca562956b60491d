"""What a finished file must show when it is opened again from the disk: trusted manifest, mark, labels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..media.asset import Asset
from ..provenance.labels.implicit import read_labels
from ..provenance.labels.interface import Label
from ..provenance.labels.lint import lint
from ..provenance.manifest import SoftBinding
from ..provenance.marks.interface import Mark
from ..provenance.marks.reading import carried
from ..provenance.signed_fingerprint import FINGERPRINT_ALG
from ..provenance.trust import Trust
from ..provenance.verification import State, Verification
from ..provenance.verify import verify
from ..provenance.vocabulary import IPTC
from .claim import soft_binding
from .finish import Stamp
from .interface import Draft, PublishError

_RULES = ("gb45438", "eu", "sb942")
"""Labelling rules that every published file must meet; IPTC's source type is compared with the draft's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What was read back."""

    verification: Verification
    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]


def prove(path: Path, draft: Draft, stamp: Stamp, *, trust: Trust, now: datetime) -> Proof:
    """Return what the file at `path` shows. Raises `PublishError` unless it is all that `draft` and `stamp` promise."""
    asset = Asset.open(path)
    if asset.container.name != stamp.container:
        msg = f"expected {stamp.container}, but the file is {asset.container.name}"
        raise PublishError(msg)
    verification = verify(path, trust=trust, now=now)
    _check_manifest(verification, soft_binding(draft, stamp))
    mark = carried(asset, stamp.key)
    if mark is None or mark.payload != stamp.payload:
        found = "none" if mark is None else "another id"
        msg = f"the mark cannot be read back from the {stamp.container} file (found {found}): too short or too plain"
        raise PublishError(msg)
    labels = read_labels(path)
    _check_labels(labels, draft, stamp)
    for one in lint(path, _RULES, verification=verification, marks=(mark,)):
        if one.ok is not True:
            msg = f"the label is not as {one.rule} asks ({one.element}): wanted {one.wanted}, found {one.found}"
            raise PublishError(msg)
    return Proof(verification=verification, marks=(mark,), labels=labels)


def _check_manifest(verification: Verification, binding: SoftBinding) -> None:
    if verification.state is not State.TRUSTED:
        failed = "; ".join(check.sentence for check in verification.checks if check.outcome == "fail")
        msg = f"the signed file must verify as trusted, but it is {verification.state}: {failed or 'see its checks'}"
        raise PublishError(msg)
    stated = [(one.get("alg"), one.get("value")) for one in verification.facts.get("soft_bindings", ())]
    if stated[:1] != [(binding.alg, binding.value)] or [alg for alg, _ in stated[1:]] != [FINGERPRINT_ALG]:
        msg = "the signed manifest does not name the mark that was embedded and the fingerprint, and nothing else"
        raise PublishError(msg)


def _check_labels(labels: tuple[Label, ...], draft: Draft, stamp: Stamp) -> None:
    wanted = {
        "iptc": ("DigitalSourceType", IPTC + draft.source_type),
        "gb45438": ("ProduceID", stamp.content_id),
        "sb942": ("AIContentID", stamp.content_id),
    }
    for rule, (name, value) in wanted.items():
        if not any(label.rule == rule and label.fields.get(name) == value for label in labels):
            msg = f"the {rule} label cannot be read back from the file's metadata: expected {name} = {value}"
            raise PublishError(msg)
