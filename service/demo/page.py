"""The one page that tells the demonstration."""

from __future__ import annotations

import platform
from pathlib import Path

from ...detect.page import data_uri, environment, save
from ...detect.report import Report
from ...eval import page as bench_page
from ...provenance.labels import lint
from .stage import Play, Work


def write_report(told: Play, path: Path) -> Path:
    """Write the page about `told` to `path`, self-contained, and return `path`."""
    here = Path(__file__).parent / "templates"
    pages = environment(here, Path(bench_page.__file__).parent / "templates")
    pages.filters["data_uri"] = data_uri
    text = pages.get_template("demo.html.j2").render(
        told=told,
        rules={work.published.path.name: _rules(work) for work in told.works},
        reports=[(what, answer) for what, answer in told.scans if isinstance(answer, Report)],
        unexamined=[(what, answer) for what, answer in told.scans if not isinstance(answer, Report)],
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        **bench_page.page_values(told.bench),
    )
    save(text, path)
    return path


def _rules(work: Work) -> list[tuple[str, int, int]]:
    """Return, for each labelling rule, how many of its elements the published file meets, of how many."""
    published = work.published
    measured = lint(published.path, verification=published.verification, marks=published.marks)
    rules = dict.fromkeys(one.rule for one in measured)
    return [
        (rule, sum(one.ok is True for one in measured if one.rule == rule), sum(one.rule == rule for one in measured))
        for rule in rules
    ]
