"""`assay data audit`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import QuietOption, SeedOption, escaped

if TYPE_CHECKING:
    from ...datasets.audit import Audit, Leaks
    from ...datasets.audit.strength import Area
    from ...datasets.corpus import Item

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What was found among the items of one kind: confounds, or `why` they could not be looked for; and leaks."""

    kind: str
    items: int
    unread: tuple[str, ...]
    audit: Audit | None
    why: str
    leaks: Leaks

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return (self.audit is None or self.audit.clean) and self.leaks.clean


def audit(
    path: Annotated[Path, typer.Argument(help="Index (.parquet), or a corpus: its folder, or its CSV.")],
    *,
    layout: Annotated[str, typer.Option("--layout", help="Name of the layout; found out if not given.")] = "",
    most: Annotated[
        int, typer.Option("--most", min=50, help="Of each kind look at so many files at most, drawn by the seed.")
    ] = 4000,
    near: Annotated[bool, typer.Option("--near/--no-near", help="Look for near-duplicates by fingerprint.")] = True,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes that look at files.")] = 2,
    seed: SeedOption = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON on stdout, one object a kind.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Let trivial facts try to tell the classes apart, and look for people and copies on both sides of the split.

    Sample rate, codec, size, loudness, silence, bandwidth, brightness and their kin know nothing of fakes: where they
    reach an AUC of 0.6, a detector trained on this set may learn them instead. Exit: 0 clean, 1 something found, 3 no
    file could be looked at.
    """
    items = list(_items(path, layout=layout, jobs=jobs, quiet=quiet))
    found = []
    for kind in ("audio", "image", "video"):
        own = [item for item in items if item.kind == kind]
        if own:
            found.append(_audited(kind, _drawn(own, most, seed), near=near, jobs=jobs, seed=seed, quiet=quiet))
    for one in found:
        typer.echo(json.dumps(_json(one)) if as_json else "\n".join(_lines(one)))
    if not any(one.items > len(one.unread) for one in found):
        raise typer.Exit(3)
    raise typer.Exit(0 if all(one.clean for one in found) else 1)


def _items(path: Path, *, layout: str, jobs: int, quiet: bool) -> Iterator[Item]:
    from .data import open_index

    with open_index(path, layout=layout, jobs=jobs, quiet=quiet) as index:
        yield from index.items()


def _drawn(items: Sequence[Item], most: int, seed: int) -> list[Item]:
    """Return at most `most` of `items`, in their order."""
    from ...datasets.splits import draw

    if len(items) <= most:
        return list(items)
    kept = {item.id for item in sorted(items, key=lambda item: draw(item.id, seed))[:most]}
    return [item for item in items if item.id in kept]


def _audited(kind: str, items: Sequence[Item], *, near: bool, jobs: int, seed: int, quiet: bool) -> Audited:
    from ...datasets.audit import confounds, leaks, near_duplicates
    from ...datasets.audit.look import looked
    from ...datasets.corpus import CorpusError
    from .progress import steps

    with steps(total=len(items), quiet=quiet) as tell:
        looks = looked(items, prints=near, jobs=jobs, progress=lambda share: tell.next(f"{kind} {share:.0%}"))
    seen = [(item, look.facts) for item, look in zip(items, looks, strict=True) if look.facts is not None]
    audit_, why = None, ""
    try:
        audit_ = confounds([item for item, _ in seen], [facts for _, facts in seen], seed=seed)
    except CorpusError as error:
        why = str(error)
    return Audited(
        kind=kind,
        items=len(items),
        unread=tuple(f"{item.id}: {look.why}" for item, look in zip(items, looks, strict=True) if look.why),
        audit=audit_,
        why=why,
        leaks=leaks(items, near=near_duplicates([look.print for look in looks]) if near else ()),
    )


def _lines(one: Audited) -> Iterator[str]:
    yield f"{one.kind}: {one.items:,} files looked at, {len(one.unread):,} could not be read"
    yield from (f"  unread      {escaped(text)}" for text in one.unread[:_SHOWN])
    if one.audit is None:
        yield f"  confounds   not looked for: {escaped(one.why)}"
    else:
        yield from _confound_lines(one.audit)
    counts: dict[str, int] = {}
    for leak in one.leaks.found:
        counts[leak.sort] = counts.get(leak.sort, 0) + 1
        if counts[leak.sort] <= _SHOWN:
            names = ", ".join(map(escaped, leak.items[:3])) + (", ..." if len(leak.items) > 3 else "")
            yield f"  LEAK        {leak.sort} {escaped(leak.what)} in {' and '.join(leak.sides)}: {names}"
    for sort, count in counts.items():
        yield f"  leaks       {sort}: {count:,}"
    for split, share in one.leaks.contaminated.items():
        yield f"  split       {escaped(split)}: {share:.1%} of its files leak"
    if one.leaks.clean:
        yield "  leaks       none" + ("" if one.leaks.contaminated else " (no split is assigned)")


def _confound_lines(found: Audit) -> Iterator[str]:
    from ...datasets.audit import LIMIT
    from ...datasets.audit.confounds import guilty

    sorts = {"all facts": found.together, "declared": found.declared, "measured": found.measured}
    for name, area in sorts.items():
        if area is not None:
            yield f"  {name:11s} {_figure(area)}{'  GUILTY' if guilty(area) else ''}"
    yield f"  shuffled    {_figure(found.shuffled)} (control: must hold one half)"
    for one in found.facts[:_SHOWN]:
        if one.guilty:
            yield f"  GUILTY      {escaped(one.fact)}: {_figure(one.auc)}"
    says = "clean" if found.clean else "mend the set"
    yield f"  confounds   {says} (limit: AUC {LIMIT}, interval above one half; {found.groups:,} groups)"


def _figure(area: Area) -> str:
    return f"AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f})"


def _json(one: Audited) -> dict[str, Any]:
    from dataclasses import asdict

    from ...datasets.audit.confounds import as_json

    return {
        "kind": one.kind,
        "items": one.items,
        "unread": list(one.unread),
        "clean": one.clean,
        "confounds": as_json(one.audit) if one.audit else None,
        "why": one.why,
        "leaks": [asdict(leak) for leak in one.leaks.found],
        "contaminated": one.leaks.contaminated,
    }
