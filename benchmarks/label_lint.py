"""What the lint says of published files, and of files from which one element of the label was taken at a time.

For every container that can be published: the file that `publish` writes must pass the rules of China, the EU,
California and IPTC; then each element is removed in turn (the rest stays, the file is signed anew) and exactly that
element must fail, with its number. Run: python -P benchmarks/label_lint.py --out out/bench (--quick: three containers)
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from assay.eval.checkout import commit

sys.path.append(str(Path(__file__).parent))
from assay.media.view import View
from assay.provenance.labels import IPTC_BASE, Measured, lint
from assay.provenance.marks import read_marks
from assay.provenance.verify import verify
from parts import label_files as files
from parts.label_files import Removal, Workshop

QUICK = ("jpg", "mp3", "mp4")
RULES = ("iptc", "gb45438", "eu", "sb942")
Fault = tuple[str, str]
_SEEN: frozenset[Fault] = frozenset({("gb45438", "visible text"), ("gb45438", "text height"), ("gb45438", "contrast")})
_SEEN |= {("eu", "visible text"), ("eu", "contrast")}
_LASTS: frozenset[Fault] = frozenset({("gb45438", "seconds shown")})
_HEARD: frozenset[Fault] = frozenset({("gb45438", "audible notice"), ("eu", "audible notice")})


def faults(*pairs: str) -> frozenset[Fault]:
    """Return (rule, element) for each `rule/element`."""
    return frozenset((pair.partition("/")[0], pair.partition("/")[2]) for pair in pairs)


_AIGC = faults("gb45438/AIGC", "gb45438/AIGC keys", "gb45438/AIGC label", "gb45438/AIGC characters")
_TOLD = faults("gb45438/words", "eu/AI in words") | _SEEN


_PICTURES = ("image", "video")
REMOVALS = (
    Removal(name="visible text blanked", fails=_SEEN, kinds=_PICTURES),
    Removal(name="visible text too small", fails=faults("gb45438/text height"), kinds=_PICTURES),
    Removal(name="visible text too faint", fails=faults("gb45438/contrast", "eu/contrast"), kinds=_PICTURES),
    Removal(name="visible text in English alone", fails=faults("gb45438/words"), kinds=_PICTURES),
    Removal(name="visible text shown 1 s", fails=_LASTS, kinds=("video",)),
    Removal(name="place of the text not told", fails=_TOLD, kinds=_PICTURES, fields={"shown": None}),
    Removal(name="audible notice cut off", fails=_HEARD, kinds=("audio",)),
    Removal(name="audible notice cut in half", fails=_HEARD, kinds=("audio",)),
    Removal(name="AIGC missing", fails=_AIGC, fields={"aigc": None}),
    Removal(name="AIGC key missing", fails=faults("gb45438/AIGC keys"), aigc=(',"ReservedCode2":""}', "}")),
    Removal(name="AIGC label wrong", fails=faults("gb45438/AIGC label"), aigc=('"Label":"1"', '"Label":"9"')),
    Removal(name="AIGC with bad characters", fails=faults("gb45438/AIGC characters"), aigc=("assay/", "assay ")),
    Removal(name="IPTC type missing", fails=faults("iptc/source type")),
    Removal(
        name="IPTC type of a camera",
        fails=faults("iptc/source type"),
        fields={"source_type": IPTC_BASE + "digitalCapture"},
    ),
    Removal(
        name="no metadata says AI",
        fails=_AIGC | faults("iptc/source type", "eu/machine-readable mark"),
        fields={"source_type": IPTC_BASE + "digitalCapture", "aigc": None},
    ),
    Removal(name="manifest stripped", fails=faults("eu/signed manifest")),
    Removal(name="manifest broken", fails=faults("eu/signed manifest")),
    Removal(name="mark removed", fails=faults("eu/imperceptible mark")),
    Removal(name="provider missing", fails=faults("sb942/AIProvider"), fields={"provider": ""}),
    Removal(name="system missing", fails=faults("sb942/AISystem"), fields={"system": ""}),
    Removal(name="version missing", fails=faults("sb942/AISystemVersion"), fields={"system_version": ""}),
    Removal(name="time missing", fails=faults("sb942/AIMade"), fields={"made": None}),
    Removal(name="id missing", fails=faults("sb942/AIContentID"), fields={"content_id": ""}),
)


def expected(removal: Removal, kind: str) -> frozenset[Fault]:
    """Return what must fail: where the text is gone, a film shows it for no second too."""
    return removal.fails | (_LASTS if kind == "video" and removal.fails >= _SEEN else frozenset())


def measured(shop: Workshop, path: Path) -> tuple[Measured, ...]:
    """Return what the lint says of a file, manifest and mark read as `assay label --lint` reads them."""
    verification = verify(path, trust=shop.trust, now=shop.now)
    return lint(path, RULES, verification=verification, marks=read_marks(View.open(path)))


def wrong(found: tuple[Measured, ...]) -> dict[Fault, Measured]:
    """Return what failed or was not examined."""
    return {(one.rule, one.element): one for one in found if one.ok is not True}


def rows(shop: Workshop, suffix: str) -> list[dict[str, Any]]:
    """Return a row for the published file of that container and one for each removal."""
    made = [
        {"container": suffix, "removed": "nothing", "want": [], **_told(wrong(measured(shop, shop.published(suffix))))}
    ]
    for removal in REMOVALS:
        kind = files.kind_of(suffix)
        if kind in removal.kinds:
            told = _told(wrong(measured(shop, shop.without(removal, suffix))))
            want = sorted("/".join(fault) for fault in expected(removal, kind))
            made.append({"container": suffix, "removed": removal.name, "want": want, **told})
    return made


def _told(found: dict[Fault, Measured]) -> dict[str, Any]:
    return {"failed": {"/".join(fault): one.found for fault, one in sorted(found.items())}}


def table(made: list[dict[str, Any]], suffixes: tuple[str, ...]) -> str:
    """Return the rows as a table in Markdown: what was removed, what then failed, and in which containers it did."""
    lines = ["| removed | what fails, with what is found (first container) | as wanted in |", "|---|---|---|"]
    for name in dict.fromkeys(row["removed"] for row in made):
        same = [row for row in made if row["removed"] == name]
        good = [row["container"] for row in same if sorted(row["failed"]) == row["want"]]
        told = "; ".join(f"{fault}: {found}" for fault, found in same[0]["failed"].items()) or "nothing"
        where = "all that it applies to" if len(good) == len(same) else ", ".join(good) or "none"
        lines.append(f"| {name} | {told} | {where} ({len(good)} of {len(same)}) |")
    return "\n".join([*lines, "", f"Containers: {', '.join(suffixes)}."])


def main() -> int:
    """Measure, write out/bench/label_lint.json and .md, and return 1 if a row is not as wanted."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--quick", action="store_true")
    given = options.parse_args()
    suffixes = QUICK if given.quick else tuple(files.CONTAINERS)
    begun = time.perf_counter()
    made: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASSAY_HOME"] = folder
        shop = Workshop(Path(folder))
        for suffix in suffixes:
            made += rows(shop, suffix)
    unlike = [row for row in made if sorted(row["failed"]) != row["want"]]
    result = {
        "what": "lint of published files and of files that lack one element",
        "files": len(made),
        "as_wanted": len(made) - len(unlike),
        "seconds": time.perf_counter() - begun,
        "rows": made,
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": os.getloadavg(),
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "label_lint.json").write_text(json.dumps(result, indent=1, ensure_ascii=False))
    (given.out / "label_lint.md").write_text(table(made, suffixes) + "\n")
    print(table(made, suffixes))
    print(f"{len(made) - len(unlike)} of {len(made)} files as wanted")
    for row in unlike:
        print(f"not as wanted: {row}")
    return 1 if unlike else 0


if __name__ == "__main__":
    sys.exit(main())
