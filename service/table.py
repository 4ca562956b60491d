"""Verifications as CSV: one fixed header, one line a file, no cell that a spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io

from .spool import Shown

HEADER = (
    "path",
    "state",
    "exit",
    "declares",
    "asset_class",
    "signer",
    "certificate_sha256",
    "signed_at",
    "time_stamp_holds",
    "claim_generator",
    "title",
    "failed_steps",
    "failed_codes",
    "broken_ingredients",
    "disagreements",
    "error",
)
# What a spreadsheet takes for the start of a formula, or for a field of its own (OWASP, CSV injection)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def header_line() -> str:
    """Return the header, without a line feed."""
    return _line(HEADER)


def csv_line(shown: Shown) -> str:
    """Return one answer as a line of CSV (RFC 4180), without a line feed; every cell is one line of text."""
    facts = shown.facts
    holds = facts.get("time_stamp_holds")
    return _line(
        cell(value)
        for value in (
            shown.path,
            shown.state,
            shown.exit_code,
            shown.declares,
            shown.asset_class.name if shown.asset_class else "",
            shown.signer,
            facts.get("certificate_sha256") or "",
            shown.signed_at,
            "" if holds is None else "yes" if holds else "no",
            facts.get("claim_generator") or "",
            facts.get("title") or "",
            " ".join(dict.fromkeys(str(check.step) for check in shown.failed)),
            " ".join(dict.fromkeys(code for check in shown.failed for code in check.codes)),
            len(shown.broken) if shown.verification else "",
            "; ".join(shown.disagreements),
            shown.error,
        )
    )


def cell(value: object) -> str:
    """Return a value as a cell: control characters made visible, and an apostrophe before what might be a formula."""
    text = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii")
        for char in str(value)
    )
    return f"'{text}" if str(value).lstrip(" ").startswith(_FORMULA) or text.lstrip(" ").startswith(_FORMULA) else text


def _line(cells: object) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)  # type: ignore[arg-type]
    return out.getvalue()
