"""Print the figures of `benchmarks/seeing_tables.py` as the tables of docs/cues.md, in Markdown.

Run: `.venv/bin/python -P benchmarks/seeing_page.py FILE`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, Any]
VERSIONS = {
    "video": ("none", "h264-crf35", "half", "social-feed"),
    "image": ("none", "jpeg-50", "half", "social-feed"),
}
TITLE = {"video": "Films", "image": "Pictures"}
IN_PARTS = {"visual-mesonet"}
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


def clean(rows: Sequence[Row], kind: str) -> None:
    """Print every figure of the clean versions."""
    print(f"### {TITLE[kind]}, clean\n")
    print("| | answered of asked | real, fake | AUC (95 %) | EER (95 %) | TPR at FPR 1 % | TPR at FPR 5 % |")
    print("|---|---|---|---|---|---|---|")
    for row in named(rows, kind, "none"):
        counts = f"{row['real'] + row['fake']} of {row['asked']} | {row['real']}, {row['fake']}"
        rates = " | ".join(cell(row[part], 2) for part in ("tpr1", "tpr5"))
        print(f"| {row['name']} | {counts} | {cell(row['auc'])} | {cell(row['eer'])} | {rates} |")


def laundered(rows: Sequence[Row], kind: str) -> None:
    """Print the AUC in each version."""
    print(f"\n### {TITLE[kind]}, laundered: AUC (95 %), real/fake answered\n")
    print(f"| | {' | '.join(VERSIONS[kind])} |\n{'|---' * (len(VERSIONS[kind]) + 1)}|")
    by = {(row["name"], version): row for version in VERSIONS[kind] for row in named(rows, kind, version)}
    for name in dict.fromkeys(name for name, version in by if version != "none"):
        told = [by.get((name, version)) for version in VERSIONS[kind]]
        cells = [f"{cell(row['auc'], 2)}, {row['real']}/{row['fake']}" if row else "" for row in told]
        print(f"| {name} | {' | '.join(cells)} |")


def decided(rows: Sequence[Row], kind: str) -> None:
    """Print what those with ratios decide, and whether their ratios mean what they say."""
    print(f"\n### {TITLE[kind]}: decisions and calibration\n")
    head = ("", "version", "flagged at 10 : 1, reals, fakes", "at 2 : 1, reals, fakes", "ratios given, log10")
    more = ("Cllr (its minimum)", "ECE", "within 2 : 1 of even", "reliability: told, came true")
    print(f"| {' | '.join((*head, *more))} |")
    print("|---" * 9 + "|")
    for name in sorted({row["name"] for row in rows if "cllr" in row and "maker" not in row}):
        for version in VERSIONS[kind]:
            for row in named(rows, kind, version):
                if row["name"] == name and "cllr" in row:
                    flagged = [f"{row[f'fpr {at}']:.3f}, {row[f'tpr {at}']:.2f}" for at in ("likely", "open")]
                    told = "; ".join(f"{p:.2f} {seen:.2f}" for p, seen in row["reliability"])
                    low, high = row["range"]
                    worth = f"{row['cllr']:.3f} ({row['min cllr']:.3f}) | {row['ece']:.3f}"
                    bits = f"{worth} | {row['near even']:.2f} | {told}"
                    print(f"| {name} | {version} | {' | '.join(flagged)} | {low:+.2f} to {high:+.2f} | {bits} |")


def by_method(rows: Sequence[Row], name: str, kind: str) -> None:
    """Print the AUC of each method against all reals, in each version."""
    print(f"\n### {name} by method, {TITLE[kind].lower()}: AUC against all reals of the version\n")
    print(f"| | fakes | {' | '.join(VERSIONS[kind])} |\n{'|---' * (len(VERSIONS[kind]) + 2)}|")
    own = [row for row in rows if row.get("maker") and row["name"] == name and row["kind"] == kind and "auc" in row]
    for maker in sorted({row["maker"] for row in own}):
        told = {row["laundering"]: row for row in own if row["maker"] == maker}
        cells = [cell(told[v]["auc"], 2) if v in told else "" for v in VERSIONS[kind]]
        print(f"| {maker} | {max(row['fake'] for row in told.values())} | {' | '.join(cells)} |")


def main() -> None:
    """Print them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    rows = json.loads(parser.parse_args().file.read_text())["rows"]
    for kind in VERSIONS:
        clean(rows, kind)
        laundered(rows, kind)
        decided(rows, kind)
    for name in dict.fromkeys(row["name"] for row in rows if "maker" in row):
        for kind in VERSIONS:
            by_method(rows, name, kind)


if __name__ == "__main__":
    main()
