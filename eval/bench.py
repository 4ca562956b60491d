"""The fresh-fake benchmark: real files, fakes made of them now, one chain for both, every detector on each.

Reals and fakes are levelled alike, go through the same laundering chain with the same seed and carry a mark both or
neither; manifests and labels are withheld. So neither codec, length, loudness nor mark can be the label. What a maker
or detector cannot do is counted and never scored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..generate.seal import ConsentError, Refusal
from .executor import Executor, Inline, Lost, Payload
from .makers import Leave, Real
from .plan import Plan, chains_by_kind, piece_key, pieces
from .rows import Facts, NotMade, Row
from .samples import level
from .work import lost

__all__ = ["FUNCTION", "NotMade", "Plan", "Portion", "chains_by_kind", "level", "portions", "run"]

FUNCTION = "assay.eval.work:piece"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """What one piece of work gave: `key` names the piece; either rows and facts, or what is missing."""

    key: str
    rows: tuple[Row, ...] = ()
    facts: tuple[Facts, ...] = ()
    missed: NotMade | None = None


def run(
    reals: Sequence[Real], plan: Plan, leave: Leave, *, progress: Progress | None = None
) -> Iterator[Row | NotMade]:
    """Yield a row for every detector on every item under every chain, and what could not be made, in this process.

    Raises `ConsentError` if somebody whose file is used did not consent to the benchmark.
    """
    for portion in portions(pieces(reals, plan, leave), Inline(), progress=progress):
        yield from portion.rows
        if portion.missed is not None:
            yield portion.missed


def portions(
    work: Iterable[Payload], executor: Executor, *, done: Collection[str] = (), progress: Progress | None = None
) -> Iterator[Portion]:
    """Yield what each piece of `work` gives, in any order, but for those whose key is in `done`.

    Raises `ConsentError` as `run` does, and what the executor raises.
    """
    left = (payload for payload in work if piece_key(payload) not in done)
    for answer in executor.map_unordered(FUNCTION, left):
        key = piece_key(answer.payload)
        if progress is not None:
            progress(key.replace("|", " · ") if key[-1] != "|" else f"{key[:-1]} · bona fide")
        result = lost(answer.payload, answer.why) if isinstance(answer, Lost) else answer.result
        if "refused" in result:
            raise ConsentError(str(result["refused"]), Refusal(result["reason"]))
        if "missed" in result:
            yield Portion(key=key, missed=NotMade(**result["missed"]))
        else:
            rows = tuple(Row(**row) for row in result["rows"])
            yield Portion(key=key, rows=rows, facts=tuple(Facts(**one) for one in result["facts"]))
