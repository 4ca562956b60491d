"""Print the figures of `benchmarks/seeing_tables.py` as the tables of docs/cues.md, in Markdown.

Run: `.venv/bin/python -P benchmarks/seeing_page.py FILE`; with `--into docs/cues.md` they replace those that are there,
from the first heading of a table to the next chapter.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
VERSIONS = {
    "video": ("none", "h264-crf35", "half", "social-feed"),
    "image": ("none", "jpeg-50", "half", "social-feed"),
}
TITLE = {"video": "Films", "image": "Pictures"}
IN_PARTS = {"visual-mesonet", "visual-lrnet"}
"""Detectors of which only the figures are shown: they have no score of their own."""


def cell(found: Sequence[float | None] | None, digits: int = 3) -> str:
    """Return a value with its interval, for a table."""
    if found is None:
        return ""
    value, low, high = found
    short = f"{value:.{digits}f}"
    return short if low is None or high is None else f"{short} ({low:.{digits}f} to {high:.{digits}f})"


def named(rows: Iterable[Row], kind: str, version: str) -> list[Row]:
    """Return the rows of one table that have both classes, and none that only repeats its figures."""
    found = [row for row in rows if row["kind"] == kind and row["laundering"] == version and "maker" not in row]
    in_parts = {row["name"].partition(":")[0] for row in found if ":" in row["name"]}
    return [row for row in found if "auc" in row and row["name"] not in in_parts]


def clean(rows: Sequence[Row], kind: str) -> Iterator[str]:
    """Yield every figure of the clean versions."""
    yield f"### {TITLE[kind]}, clean\n"
    yield "| | answered of asked | real, fake | AUC (95 %) | EER (95 %) | TPR at FPR 1 % | TPR at FPR 5 % |"
    yield "|---|---|---|---|---|---|---|"
    for row in named(rows, kind, "none"):
        counts = f"{row['real'] + row['fake']} of {row['asked']} | {row['real']}, {row['fake']}"
        rates = " | ".join(cell(row[part], 2) for part in ("tpr1", "tpr5"))
        yield f"| {row['name']} | {counts} | {cell(row['auc'])} | {cell(row['eer'])} | {rates} |"


def laundered(rows: Sequence[Row], kind: str) -> Iterator[str]:
    """Yield the AUC in each version."""
    yield f"### {TITLE[kind]}, laundered: AUC (95 %), real/fake answered\n"
    yield f"| | {' | '.join(VERSIONS[kind])} |\n{'|---' * (len(VERSIONS[kind]) + 1)}|"
    by = {(row["name"], version): row for version in VERSIONS[kind] for row in named(rows, kind, version)}
    for name in sorted({name for name, version in by if version != "none"}):
        told = [by.get((name, version)) for version in VERSIONS[kind]]
        cells = [f"{cell(row['auc'], 2)}, {row['real']}/{row['fake']}" if row else "" for row in told]
        yield f"| {name} | {' | '.join(cells)} |"


def decided(rows: Sequence[Row], kind: str) -> Iterator[str]:
    """Yield what those with ratios decide, and whether their ratios mean what they say."""
    yield f"### {TITLE[kind]}: decisions and calibration\n"
    head = ("", "version", "flagged at 10 : 1, reals, fakes", "at 2 : 1, reals, fakes", "ratios given, log10")
    more = ("Cllr (its minimum)", "ECE", "within 2 : 1 of even", "reliability: told, came true")
    yield f"| {' | '.join((*head, *more))} |"
    yield "|---" * 9 + "|"
    for name in sorted({row["name"] for row in rows if "cllr" in row and "maker" not in row}):
        for version in VERSIONS[kind]:
            for row in named(rows, kind, version):
                if row["name"] == name and "cllr" in row:
                    flagged = [f"{row[f'fpr {at}']:.3f}, {row[f'tpr {at}']:.2f}" for at in ("likely", "open")]
                    told = "; ".join(f"{p:.2f} {seen:.2f}" for p, seen in row["reliability"])
                    low, high = row["range"]
                    worth = f"{row['cllr']:.3f} ({row['min cllr']:.3f}) | {row['ece']:.3f}"
                    bits = f"{worth} | {row['near even']:.2f} | {told}"
                    yield f"| {name} | {version} | {' | '.join(flagged)} | {low:+.2f} to {high:+.2f} | {bits} |"


def by_method(rows: Sequence[Row], name: str, kind: str) -> Iterator[str]:
    """Yield the AUC of each method against all reals, in each version; nothing if nobody was asked."""
    own = [row for row in rows if row.get("maker") and row["name"] == name and row["kind"] == kind and "auc" in row]
    if not own:
        return
    yield f"### {name} by method, {TITLE[kind].lower()}: AUC against all reals of the version\n"
    yield f"| | fakes | {' | '.join(VERSIONS[kind])} |\n{'|---' * (len(VERSIONS[kind]) + 2)}|"
    for maker in sorted({row["maker"] for row in own}):
        told = {row["laundering"]: row for row in own if row["maker"] == maker}
        cells = [cell(told[v]["auc"], 2) if v in told else "" for v in VERSIONS[kind]]
        yield f"| {maker} | {max(row['fake'] for row in told.values())} | {' | '.join(cells)} |"


def page(rows: Sequence[Row]) -> str:
    """Return all tables, an empty line between them."""
    tables = [table(rows, kind) for kind in VERSIONS for table in (clean, laundered, decided)]
    names = dict.fromkeys(row["name"] for row in rows if "maker" in row)
    tables += [by_method(rows, name, kind) for name in names for kind in VERSIONS]
    return "\n\n".join(text for text in ("\n".join(table) for table in tables) if text)


def put(tables: str, text: str) -> str:
    """Return the document `text` with its tables replaced: from their first heading to the next chapter."""
    before, _, rest = text.partition(f"### {TITLE['video']}, clean\n")
    after = re.search(r"^## ", rest, flags=re.MULTILINE)
    if after is None:
        msg = "expected the tables of docs/cues.md and a chapter after them, got another document"
        raise SystemExit(msg)
    return f"{before}{tables}\n\n{rest[after.start() :]}"


def main() -> None:
    """Print them all, or put them into a document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--into", type=Path, help="document whose tables are replaced")
    given = parser.parse_args()
    tables = page(json.loads(given.file.read_text())["rows"])
    if given.into is None:
        print(tables)
    else:
        given.into.write_text(put(tables, given.into.read_text()))


if __name__ == "__main__":
    main()
