"""The answers of a batch on disk, so that counts come first on a page however many files there were."""

from __future__ import annotations

import base64
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ..provenance.batch import NOT_CHECKED, OUTCOMES, Answer
from ..provenance.resume import verification_of
from ..provenance.rubrics import AssetClass, asset_class
from ..provenance.tree import Node, tree_of
from ..provenance.verification import Check, Verification
from ..provenance.verify import broken_ingredients, declares_generative, declares_synthetic


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One answer as it is shown: its number in the batch, path and state, and the verification or the error."""

    number: int
    path: str
    state: str
    exit_code: int
    error: str = ""
    verification: Verification | None = None
    tree: Node | None = field(default=None, repr=False)

    @property
    def folder(self) -> str:
        """The path up to the file's own name."""
        return self.path[: len(self.path) - len(self.name)]

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rstrip("/").rpartition("/")[2] or self.path

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(one for one in self.verification.checks if one.outcome == "fail") if self.verification else ()

    @property
    def facts(self) -> dict[str, Any]:
        """What the manifest declares; empty where there is none."""
        return self.verification.facts if self.verification else {}

    @property
    def signer(self) -> str:
        """The name in the signer's certificate."""
        names = (self.facts.get("common_name") or "", self.facts.get("issuer") or "")
        return ", ".join(dict.fromkeys(name for name in names if name))

    @property
    def signed_at(self) -> str:
        """When the manifest says that it was signed."""
        return str(self.facts.get("signed_at") or "")

    @property
    def certificates(self) -> list[dict[str, Any]]:
        """The signer's certificates, the signer's own first."""
        return list(self.facts.get("certificates") or ())

    @property
    def declares(self) -> str:
        """`AI`, `computed` (by no trained model) or nothing, as the manifest or one below it declares."""
        if self.verification is None or not declares_synthetic(self.verification):
            return ""
        return "AI" if declares_generative(self.verification) else "computed"

    @property
    def asset_class(self) -> AssetClass | None:
        """What kind of asset the manifest declares; `None` where there is none."""
        if self.verification is None or not self.facts.get("manifest"):
            return None
        return asset_class(self.verification)

    @property
    def disagreements(self) -> list[str]:
        """Where the second opinion, if one was asked for, differs; in sentences."""
        return list((self.facts.get("second_opinion") or {}).get("disagreements") or ())

    @property
    def broken(self) -> tuple[str, ...]:
        """The titles of the ingredients that do not hold."""
        return broken_ingredients(self.verification) if self.verification else ()


class Spool:
    """Answers in a temporary file, in order; iterate as often as needed. `counts` has every outcome, 0 too.

    `broken` counts the files with ingredients that do not hold.
    """

    def __init__(self) -> None:
        """Open the file; it has no name and goes when the spool is closed."""
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        self.counts = Counter(dict.fromkeys(OUTCOMES, 0))
        self.broken = 0

    def __enter__(self) -> Self:
        """Return the spool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._file.close()

    def __len__(self) -> int:
        """Return how many answers it holds."""
        return self.counts.total()

    def add(self, answer: Answer, pictures: Mapping[tuple[str, int], bytes] | None = None) -> None:
        """Keep an answer, and the pictures of its tree if one is to be shown."""
        self.counts[answer.state] += 1
        self.broken += bool(answer.broken)
        line: dict[str, Any] = {"told": answer.to_json(), "exit": answer.exit_code, "name": answer.path.name}
        if pictures is not None:
            line["pictures"] = [[*key, base64.b64encode(data).decode()] for key, data in pictures.items()]
        self._file.write(json.dumps(line).encode() + b"\n")

    def __iter__(self) -> Iterator[Shown]:
        """Yield every answer in order."""
        place = 0
        for number in range(1, len(self) + 1):
            self._file.seek(place)
            line = json.loads(self._file.readline())
            place = self._file.tell()
            yield _shown(number, line)
        self._file.seek(0, 2)


def shown(answer: Answer) -> Shown:
    """Return an answer as it is shown, without a tree."""
    return Shown(
        number=0,
        path=str(answer.path),
        state=answer.state,
        exit_code=answer.exit_code,
        error=str(answer.error or ""),
        verification=answer.verification,
    )


def _shown(number: int, line: dict[str, Any]) -> Shown:
    told = line["told"]
    common: dict[str, Any] = {"number": number, "path": told["path"], "state": told["state"], "exit_code": line["exit"]}
    if told["state"] == NOT_CHECKED:
        return Shown(**common, error=told["error"]["message"])
    verification = verification_of(told)
    tree = None
    if "pictures" in line and verification.facts.get("manifest"):
        pictures = {(label, place): base64.b64decode(data) for label, place, data in line["pictures"]}
        tree = tree_of(verification, name=line["name"], pictures=pictures)
    return Shown(**common, verification=verification, tree=tree)
