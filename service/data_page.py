"""What `assay data show` writes: contact sheets, tables and the same as JSON, without a path unless it is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import __version__
from ..datasets.index import Index
from ..datasets.sheets import SECONDS, TOP_HZ, Sheet
from ..datasets.summary import Summary
from ..detect.page import data_uri, environment

TEMPLATES = Path(__file__).parent / "templates"


def write(
    out: Path, index: Index, summary: Summary, sheets: Sequence[Sheet], *, about: dict[str, Any]
) -> tuple[Path, Path]:
    """Write `index.html`, `show.json` and a JPEG a sheet to the folder `out`; return the first two.

    `about` has `seed`, `per` and `paths`: without `paths` neither file names the corpus' folder or any file in it.
    """
    out.mkdir(parents=True, exist_ok=True)
    shown = [
        {
            "label": sheet.label,
            "kind": sheet.kind,
            "maker": sheet.maker,
            "rows": sheet.rows,
            "samples": sheet.items,
            "faults": sheet.faults,
            "image": data_uri(sheet.picture, "image/jpeg"),
        }
        for sheet in sheets
    ]
    page = environment(TEMPLATES).get_template("data.html.j2")
    text = page.render(
        title=index.about.get("title", index.corpus),
        rows=len(index),
        summary=summary,
        sheets=shown,
        version=__version__,
        top_khz=round(TOP_HZ / 1000),
        seconds=round(SECONDS),
        **about,
    )
    for sheet in sheets:
        _place(out / sheet.name, sheet.picture)
    _place(out / "index.html", text.encode())
    _place(out / "show.json", json.dumps(document(index, summary, sheets, about=about), indent=1).encode())
    return out / "index.html", out / "show.json"


def document(index: Index, summary: Summary, sheets: Sequence[Sheet], *, about: dict[str, Any]) -> dict[str, Any]:
    """Return what is shown as JSON."""
    return {
        "corpus": index.corpus,
        "rows": len(index),
        **about,
        "summary": summary.to_json(),
        "sheets": [
            {
                "file": sheet.name,
                "label": sheet.label,
                "kind": sheet.kind,
                "maker": sheet.maker,
                "rows": sheet.rows,
                "samples": [item.id for item in sheet.items] if about["paths"] else len(sheet.items),
                "faults": [{"cell": number, "why": why} for number, why in sheet.faults],
            }
            for sheet in sheets
        ],
        **({"root": str(index.root)} if about["paths"] else {}),
    }


def _place(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)
