"""Ray as an executor of pieces of work: many machines, warm workers, lost ones replaced, nothing answered twice.

The same seam as `eval.executor`: a piece is plain JSON for a function of ours, by name. A worker is a Ray actor that
holds one core (and a share of a GPU if asked), keeps its models warm and does one piece at a time, so that neither
Ray's queue nor its object store grows with the number of pieces; answers come back in the reply itself. A piece whose
worker or machine dies goes to another, at most `TRIES` times.

Reference: Moritz et al., "Ray: a distributed framework for emerging AI applications", OSDI 2018.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import __version__
from ..eval.executor import Done, ExecutorError, Lost, Payload, named
from ..media.errors import AssayError, MissingExtra

LOCAL = "local"
TRIES = 4
"""More than on one machine: a piece may be unlucky twice, when machines go, without being at fault."""
_LOOK_SECONDS = 2.0
"""How long to wait for an answer before looking whether machines came, went or hang."""
_NOBODY_SECONDS = 120.0
"""How long a run waits for a machine when it has none left."""


class RayWorker:
    """What runs in a worker's process: it does pieces of work by name, one after the other."""

    def __init__(self, version: str) -> None:
        """Raise `ExecutorError` unless this machine has the same Assay as the driver: numbers of two must not mix."""
        if version != __version__:
            msg = f"{socket.gethostname()} has Assay {__version__}, the driver {version}: install the same on both"
            raise ExecutorError(msg)

    def ready(self) -> str:
        """Return an empty answer: a sign of life."""
        return "{}"

    def do(self, function: str, payload: str) -> str:
        """Return `{"result": ...}` or `{"error": ...}` as JSON."""
        try:
            return json.dumps({"result": named(function)(json.loads(payload))})
        except AssayError as error:
            return json.dumps({"error": str(error)})
        except Exception as error:  # noqa: BLE001 - a fault of ours must reach the driver by its name
            return json.dumps({"error": f"a fault of ours in {function}: {type(error).__name__}: {error}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one worker holds of a machine, and how many workers there may be (`None`: as many as fit)."""

    cores: float = 1.0
    gpus: float = 0.0
    workers: int | None = None


@dataclass(slots=True, kw_only=True)
class _Piece:
    payload: Payload
    tries: int
    worker: Any = None
    since: float = 0.0


@dataclass(slots=True, kw_only=True)
class _Crew:
    """Who works on what: `busy` by the reference of the answer, `coming` by that of the first sign of life, `idle`.

    `again` holds pieces whose workers were lost. A worker that finds no machine stays among those `coming`, and no
    piece waits for it.
    """

    busy: dict[Any, _Piece] = field(default_factory=dict)
    coming: dict[Any, Any] = field(default_factory=dict)
    idle: list[Any] = field(default_factory=list)
    again: list[_Piece] = field(default_factory=list)
    counted: float = 0.0
    room: int = 0
    seen: float = field(default_factory=time.monotonic)

    def workers(self) -> list[Any]:
        """Return all of them."""
        return [*(piece.worker for piece in self.busy.values()), *self.coming.values(), *self.idle]


class RayExecutor:
    """Workers on a Ray cluster, or on a small one of this machine's own (`local`)."""

    def __init__(self, address: str = LOCAL, *, need: Need | None = None, seconds: float = 1800.0) -> None:
        """Connect to nothing yet.

        `address` is `local`, `auto`, `HOST:PORT` or `ray://HOST:PORT`; a piece may take `seconds`. Raises
        `MissingExtra` without Ray.
        """
        # Ray tells its makers about its use unless told not to: nothing of ours does.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            feature = "working on a cluster"
            raise MissingExtra(feature, "cluster") from error
        self._ray: Any = ray
        self._address, self._need, self._seconds = address, need or Need(), seconds

    def map_unordered(self, function: str, payloads: Iterable[Payload]) -> Iterator[Done | Lost]:
        """Yield what `function` gives for each of `payloads`, as it comes.

        Raises `ExecutorError` if the cluster cannot be reached, if it has had no machine that fits for two minutes,
        or for an error of the function itself.
        """
        named(function)
        with self.session():
            crew = _Crew()
            waiting = iter(payloads)
            try:
                while self._hand_out(crew, function, waiting) or crew.busy:
                    for piece, answer in self._answers(crew):
                        if answer is None and piece.tries < TRIES:
                            crew.again.append(piece)
                        elif answer is None:
                            why = "the worker that did this ended, or took too long, each time"
                            yield Lost(payload=piece.payload, why=why, tries=piece.tries)
                        else:
                            yield Done(payload=piece.payload, result=answer)
            finally:
                for worker in crew.workers():
                    self._ray.kill(worker)

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """Join the cluster, or start one here, for as long as the block runs; calls within share it.

        Raises `ExecutorError` if it cannot be reached.
        """
        if self._ray.is_initialized():
            yield
            return
        quiet = {"log_to_driver": False, "logging_level": "ERROR", "ignore_reinit_error": True}
        # The folder a driver was started in would shadow libraries: `datasets` and `media` are names of others too.
        environment = {"env_vars": {"PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}}
        local: dict[str, Any] = {"include_dashboard": False} if self._address == LOCAL else {}
        if self._address == LOCAL and self._need.workers:
            local["num_cpus"] = max(1, round(self._need.workers * self._need.cores))
        try:
            self._ray.init(address=self._address, runtime_env=environment, **quiet, **local)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            msg = f"expected a Ray cluster at {self._address!r} (local, auto or HOST:PORT), got: {error}"
            raise ExecutorError(msg) from error
        try:
            yield
        finally:
            self._ray.shutdown()

    def _hand_out(self, crew: _Crew, function: str, waiting: Iterator[Payload]) -> bool:
        """Give every free worker a piece, and hire while there is room; return whether pieces are left to give."""
        while crew.idle:
            piece = crew.again.pop() if crew.again else None
            if piece is None:
                payload = next(waiting, None)
                if payload is None:
                    return False
                piece = _Piece(payload=payload, tries=0)
            piece.worker = crew.idle.pop()
            piece.tries, piece.since = piece.tries + 1, time.monotonic()
            crew.busy[piece.worker.do.remote(function, json.dumps(piece.payload))] = piece
        missing = self._room(crew) - len(crew.busy) - len(crew.coming)
        for _ in range(missing):
            worker = self._hired()
            crew.coming[worker.ready.remote()] = worker
        self._not_for_ever(crew)
        return True

    def _not_for_ever(self, crew: _Crew) -> None:
        """Raise `ExecutorError` after two minutes without anybody at work; wait a little where nobody can be hired."""
        if crew.busy:
            crew.seen = time.monotonic()
        if time.monotonic() - crew.seen > _NOBODY_SECONDS:
            msg = (
                f"no machine of the cluster has had {self._need.cores:g} free cores and {self._need.gpus:g} GPUs for "
                f"{_NOBODY_SECONDS:.0f} s: start more, or ask for less"
            )
            raise ExecutorError(msg)
        if not crew.busy and not crew.coming:
            time.sleep(_LOOK_SECONDS)

    def _room(self, crew: _Crew) -> int:
        """Return how many workers the machines that are there now can hold; looked at every few seconds."""
        if time.monotonic() - crew.counted >= _LOOK_SECONDS:
            crew.counted = time.monotonic()
            machines = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            crew.room = sum(self._fitting(machine) for machine in machines)
            if self._need.workers is not None:
                crew.room = min(crew.room, self._need.workers)
        return crew.room

    def _fitting(self, machine: dict[str, float]) -> int:
        by_core = machine.get("CPU", 0.0) / self._need.cores
        by_gpu = machine.get("GPU", 0.0) / self._need.gpus if self._need.gpus else by_core
        return int(min(by_core, by_gpu) + 1e-9)

    def _hired(self) -> Any:  # noqa: ANN401 - a handle of Ray's
        """Return a new worker. It is neither restarted nor asked again by Ray: we do that, and count."""
        kind = self._ray.remote(num_cpus=self._need.cores, num_gpus=self._need.gpus, max_restarts=0)(RayWorker)
        return kind.remote(__version__)

    def _answers(self, crew: _Crew) -> Iterator[tuple[_Piece, Payload | None]]:
        """Yield each piece that is answered by now, with its answer, or `None` if its worker is lost."""
        if not crew.busy and not crew.coming:
            return
        ready, _ = self._ray.wait([*crew.busy, *crew.coming], num_returns=1, timeout=_LOOK_SECONDS)
        for reference in ready:
            if reference in crew.coming:
                worker = crew.coming.pop(reference)
                if self._told(reference, worker) is not None:
                    crew.idle.append(worker)
                continue
            piece = crew.busy.pop(reference)
            told = self._told(reference, piece.worker)
            if told is None:
                yield piece, None
                continue
            crew.idle.append(piece.worker)
            if "error" in told:
                raise ExecutorError(str(told["error"]))
            yield piece, told["result"]
        late = time.monotonic() - self._seconds
        for piece in crew.busy.values():
            if piece.since < late:
                self._ray.kill(piece.worker)  # its answer comes as a lost worker's

    def _told(self, reference: Any, worker: Any) -> Payload | None:  # noqa: ANN401 - handles of Ray's
        """Return what `worker` answered, `None` if it is lost. Raises `ExecutorError` if it has another Assay."""
        lost = (self._ray.exceptions.RayError, self._ray.exceptions.RaySystemError)
        try:
            answer: Payload = json.loads(self._ray.get(reference))
        except lost as error:
            if "ExecutorError" in str(error):  # what it raises when it begins
                raise ExecutorError(str(error).rsplit("ExecutorError:", 1)[-1].strip()) from error
            with contextlib.suppress(*lost):
                self._ray.kill(worker)
            return None
        return answer
