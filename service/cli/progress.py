"""Progress on stderr: a bar where there is a terminal, nothing where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What a verb tells while it works: `next` when an item begins, `stage` when a part of it begins."""

    next: Callable[[str], None]
    stage: Callable[[str], None]


@contextmanager
def steps(*, total: int | None, quiet: bool) -> Iterator[Steps]:
    """Show a bar of `total` items on stderr while the block runs; silent if `quiet` or if stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield Steps(next=lambda _name: None, stage=lambda _name: None)
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        now = ""
        begun = False

        def begin(name: str) -> None:
            nonlocal now, begun
            if begun:
                bar.advance(task)
            now, begun = escape(name), True
            bar.update(task, description=now)

        yield Steps(next=begin, stage=lambda stage: bar.update(task, description=f"{now} · {stage}"))
