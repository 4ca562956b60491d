"""Many files at once, scanned or indexed: on processes of this machine or on a cluster, answers as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..datasets.headers import Facts
from ..datasets.indexing import Asked, Reader
from ..detect.report import Unexamined
from ..eval.executor import Done, Executor, ExecutorError, Payload, Processes
from ..media.errors import WorkerFailed
from ..provenance.trust import Trust
from .work import HEADERS, SCAN


def executor(*, jobs: int, ray: str | None) -> Executor:
    """Return processes of this machine, or workers of the Ray cluster `ray`; `jobs` 0 means as many as fit.

    Raises `MissingExtra` without Ray and `ExecutorError` for a number below 0.
    """
    import os

    if ray is not None:
        from .cluster import Need, RayExecutor

        return RayExecutor(ray, need=Need(workers=jobs or None))
    return Processes(jobs or os.cpu_count() or 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How to scan, in plain values that travel: as the options of `assay scan`."""

    trust: Trust
    detectors: tuple[str, ...] | None = None
    foreign: bool = False
    store: str | None = None
    resolvers: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    mark_keys: tuple[str, ...] = ()
    enrolled: tuple[str, ...] = ()
    quick: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return what `work.scan_file` takes as options."""
        return {
            "anchors": [anchor.decode() for anchor in self.trust.anchors_pem],
            "allowed": sorted(self.trust.allowed),
            "detectors": list(self.detectors) if self.detectors else None,
            "foreign": self.foreign,
            "store": self.store,
            "resolvers": list(self.resolvers),
            "inside": list(self.inside),
            "mark_keys": list(self.mark_keys),
            "enrolled": list(self.enrolled),
            "quick": self.quick,
        }


def scan_many(paths: Iterable[Path], wanted: Wanted, workers: Executor) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the report on each of `paths` as plain JSON values, and its exit code, in any order.

    A file whose worker ended every time is answered as not examined.
    """
    options = wanted.to_json()
    for answer in workers.map_unordered(SCAN, _pieces(paths, options)):
        if isinstance(answer, Done):
            yield answer.result["report"], int(answer.result["exit_code"])
        else:
            failed = Unexamined(path=answer.payload["path"], error=WorkerFailed(answer.why))
            yield failed.to_json(), failed.exit_code


def _pieces(paths: Iterable[Path], options: dict[str, Any]) -> Iterator[Payload]:
    for path in paths:
        yield {"path": str(path.absolute()), "options": options}


def header_reader(workers: Executor) -> Reader:
    """Return a reader of headers for `datasets.indexing.build` that hands chunks of files to `workers`.

    It raises `ExecutorError` where a chunk's workers ended every time: an index must not lack files in silence.
    """

    def read(chunks: Iterable[Sequence[Asked]]) -> Iterator[list[tuple[Facts, str]]]:
        pieces = ({"number": number, "asked": [list(one) for one in chunk]} for number, chunk in enumerate(chunks))
        early: dict[int, list[tuple[Facts, str]]] = {}
        expected = 0
        for answer in workers.map_unordered(HEADERS, pieces):
            if not isinstance(answer, Done):
                first = answer.payload["asked"][0][0]
                msg = f"the headers of the files from {first} on could not be read: {answer.why}"
                raise ExecutorError(msg)
            found = [(Facts(**facts), str(digest)) for facts, digest in answer.result["found"]]
            early[int(answer.result["number"])] = found
            while expected in early:
                yield early.pop(expected)
                expected += 1

    return read
