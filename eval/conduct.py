"""A whole run: the folder taken up or begun, the work handed out, the rows kept as they come, the tables made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from .bench import portions
from .executor import Executor
from .makers import Leave, Real
from .plan import Plan, data_hash, fingerprint, pieces
from .result import Result, collect, commit, write
from .store import RunFolder

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What to run on what: the reals, what of them was left out, the plan, by whose leave, and how it was asked for."""

    reals: tuple[Real, ...]
    left_out: tuple[str, ...]
    plan: Plan
    leave: Leave
    command: str
    material: str


def conduct(run: Run, out: Path, *, executor: Executor, progress: Progress | None = None) -> Result:
    """Do what is not yet done of `run` in the folder `out`, and write its rows, tables and page there.

    A run that was cut off is taken up: what is on disk is not done again. Raises `ConsentError` if somebody did not
    consent, `InputError` if `out` holds something else, `MissingExtra` without pyarrow.
    """
    sealed = {
        "data sha256": data_hash(run.reals),
        "fingerprint": fingerprint(run.plan, run.reals, __version__),
    }
    about = {
        **sealed,
        "command": run.command,
        "commit": commit(),
        "plan": run.plan.to_json(),
    }
    folder = RunFolder(out, about)
    try:
        for portion in portions(
            pieces(run.reals, run.plan, run.leave), executor, done=folder.done(), progress=progress
        ):
            folder.add(portion)
    finally:
        folder.flush()
    rows, facts, missed = folder.join()
    result = collect(
        [*rows, *facts, *missed],
        run.left_out,
        run.plan,
        command=str(folder.about["command"]),
        material=run.material,
        about=sealed,
    )
    write(result, out)
    return result


def size(reals: Sequence[Real], plan: Plan) -> int:
    """Return how many pieces of work a run has."""
    from .makers import maker

    kinds = [maker(name).kind for name in plan.makers]
    return sum(1 + kinds.count(real.kind) for real in reals)
