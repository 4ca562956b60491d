"""Write the tables of the marks bench into docs/marks.md: `python -P docs/marks_measured.py out/marks/summary.json`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent / "marks.md"
BLOCK = re.compile(r"(<!-- measured: written by docs/marks_measured.py -->\n).*?(<!-- end of measured -->)", re.DOTALL)
USED = ("ids read where none was written", "presence below 0.001", "marked files no longer read")
TITLES = {"image": "Pictures", "audio": "Sound", "film": "Films"}


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield the lines of a table."""
    names = list(head)
    yield "| " + " | ".join(names) + " |"
    yield "|" + "---|" * len(names)
    for row in rows:
        yield "| " + " | ".join(map(str, row)) + " |"
    yield ""


def share(one: dict[str, Any]) -> str:
    """Return a share in percent with its interval."""
    if one["share"] is None:
        return "-"
    return f"{100 * one['share']:.1f} ({100 * one['low']:.1f} to {100 * one['high']:.1f})"


def spread(one: dict[str, Any] | None, places: int = 2) -> str:
    """Return a mean and the least."""
    return "-" if one is None else f"{one['mean']:.{places}f} ({one['least']:.{places}f})"


def quality(kinds: dict[str, Any]) -> Iterator[str]:
    """Yield the table of what the marks change."""
    yield "### How much is changed: mean (least)"
    rows = []
    for found in kinds.values():
        for name, one in found.get("quality", {}).items():
            figures = (("psnr", 2), ("ssim", 4), ("snr", 2), ("pesq", 2))
            rows.append([name, one["n"], *(spread(one.get(measure), places) for measure, places in figures)])
    yield from table(("scheme", "files", "PSNR dB", "SSIM", "SNR dB", "PESQ-wb"), rows)


def survival(kind: str, found: dict[str, Any]) -> Iterator[str]:
    """Yield the matrix of one kind."""
    about = found["material"]
    sound = f", {about['minutes']:.1f} minutes ({about['minutes_real']:.1f} real speech)" if about["minutes"] else ""
    yield f"### {TITLES[kind]}: right id, % (95 % interval)"
    yield f"{about['n']} files of {about['groups']} people or sources{sound}. Goal {100 * found['goal']:.0f} %.\n"
    rows = [
        [
            f"`{one['attack']}`",
            share(one),
            one["n"],
            one["wrong"],
            "beyond" if not one["meant"] else ("met" if one["met"] else "**missed**"),
        ]
        for one in found["attacks"]
    ]
    yield from table(("attack", "right id", "files", "wrong id", "goal"), rows)


def peers(kind: str, found: dict[str, Any]) -> Iterator[str]:
    """Yield the table beside the schemes of others."""
    names = list(dict.fromkeys(name for one in found["peers"] for name in one["schemes"]))
    counts = [max(one["schemes"][name]["n"] for one in found["peers"] if name in one["schemes"]) for name in names]
    yield f"### {TITLES[kind]} beside others, the same files: all bits right, % (mean share of right bits)"

    def cell(one: dict[str, Any] | None) -> str:
        if one is None:
            return "-"
        return f"{100 * one['share']:.0f}" + ("" if one["bits"] is None else f" ({one['bits']:.2f})")

    head = ("attack", *(f"{name} (n {n})" for name, n in zip(names, counts, strict=True)))
    yield from table(
        head, ([f"`{one['attack']}`", *(cell(one["schemes"].get(name)) for name in names)] for one in found["peers"])
    )


def alarms(kinds: dict[str, Any]) -> Iterator[str]:
    """Yield false alarms, p-values and other keys."""
    rows = []
    for kind, found in kinds.items():
        if "alarms" in found:
            one, p = found["alarms"], found["alarms"]["p"]
            uniform = (
                f"n {p['n']}: KS {p['ks']:.4f} (p {p['ks_p_by_file']:.2g}, a file's cuts going together); "
                f"one a file, n {p['files']}: KS {p['files_ks']:.3f} "
                f"(p {p['files_ks_p']:.2g}); at or below 0.01: {p['below']['0.01']:.4f}, "
                f"0.001: {p['below']['0.001']:.5f}"
                if p["n"]
                else "-"
            )
            other = found.get("strangers")
            keys = f"{other['other keys']['hits']} of {other['other keys']['n']}" if other else "-"
            forged = f"{other['forged']['hits']} of {other['forged']['n']}" if other else "-"
            rows.append(
                [TITLES[kind], f"{one['hits']} of {one['n']:,} cuts of {one['files']} files", uniform, keys, forged]
            )
    if rows:
        yield "### Unmarked media and other keys"
        head = ("", "false alarms", "p-values of presence", "read with another key", "forged without the key")
        yield from table(head, rows)


def uniform(kinds: dict[str, Any]) -> Iterator[str]:
    """Yield the p-values of presence under many keys."""
    rows = [
        [
            TITLES[kind],
            f"{one['files']} x {one['keys']}",
            f"{one['ks']:.4f} (p {one['ks_p']:.2g})",
            *(f"{one['below'][level]:.5f}" for level in ("0.1", "0.01", "0.001")),
            f"{one['alike']:.2f}",
        ]
        for kind, found in kinds.items()
        if (one := found.get("uniform", {})).get("n")
    ]
    if rows:
        yield "### p-values of presence on unmarked cuts under many keys"
        yield "Last column: how far the means of the keys spread, over independent draws (above 1 files are alike).\n"
        yield from table(("", "files x keys", "KS, all", "at or below 0.1", "0.01", "0.001", "files alike"), rows)


def averaging(kinds: dict[str, Any]) -> Iterator[str]:
    """Yield what averaging gives away."""
    some = [(kind, found["averaging"]) for kind, found in kinds.items() if found.get("averaging", {}).get("averaged")]
    if not some:
        return
    yield "### What the mean change of 20 marked files gives away"
    rows = []
    for kind, one in some:
        for way in ("with originals", "without originals"):
            it = one[way]
            used = [" / ".join(str(it[x][name]) for name in USED) for x in ("x0", "x1", "x2", "x4")]
            rows.append([f"{TITLES[kind]}, {way}", f"{it['alike']:.3f}", f"{it['alike under another key']:.3f}", *used])
        copied = one["copied"]
        read = f"{copied['read']} of {copied['tried']}"
        yield f"{TITLES[kind]}: the change of one file copied onto another carries its id in {read}.\n"
    head = ("the attacker has", "two lots alike", "under another key", "x 0", "x 1", "x 2", "x 4")
    yield "Last columns, of 10 targets: ids forged / presence below 0.001 / marks wiped out by so many means.\n"
    yield from table(head, rows)


def speed(summary: dict[str, Any]) -> Iterator[str]:
    """Yield the table of costs."""
    if not summary["speed"]:
        return
    yield "### Speed: one thread, processor time"
    units = {"image": " px a side", "audio": " s", "film": " frames 720p"}
    rows = [
        [
            one["scheme"],
            f"{one['size']}{units[one['kind']]}",
            *(
                f"{one[name]:.1f}" if one[name] else "-"
                for name in ("embed_rate", "read_rate", "unmarked_rate", "both_rate")
            ),
            one["unit"],
            f"{one['megabytes']:.0f}",
        ]
        for one in summary["speed"]
    ]
    yield from table(
        ("scheme", "size", "embed", "read, marked", "read, unmarked", "embed + read", "unit", "MB beyond"), rows
    )


def leaks(kinds: dict[str, Any]) -> Iterator[str]:
    """Yield whether detectors see the mark."""
    rows = [
        [
            one["detector"],
            one["n"],
            f"{one['auc']:.3f} ({one['low']:.3f} to {one['high']:.3f})",
            f"{one['shift']:+.4f} ({one['shift_low']:+.4f} to {one['shift_high']:+.4f})",
            "yes" if one["within"] else "**no**",
        ]
        for found in kinds.values()
        for one in found.get("leak", [])
    ]
    if rows:
        yield "### Does the mark leak into the detectors? Marked reals against the same reals unmarked"
        yield from table(("detector", "files", "AUC", "mean shift, log10 LR", "within 0.5 ± 0.05"), rows)


def measured(summary: dict[str, Any]) -> str:
    """Return the whole part."""
    made, kinds = summary["made from"], summary["kinds"]
    lines = [
        f"Seed {made['seed']}, commits {', '.join(made['commits'])}, {made['machine']}, two cores in shared use.\n"
        f"Corpora {', '.join(made['corpora'])} (real media, not in the repository). Intervals are Wilson's at 95 %\n"
        "and take files as independent.\n",
        *quality(kinds),
        *alarms(kinds),
        *uniform(kinds),
    ]
    for kind, found in kinds.items():
        lines += survival(kind, found) if "attacks" in found else ()
    for kind, found in kinds.items():
        lines += peers(kind, found) if "peers" in found else ()
    return "\n".join([*lines, *averaging(kinds), *speed(summary), *leaks(kinds)])


if __name__ == "__main__":
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = PAGE.read_text(encoding="utf-8")
    if not BLOCK.search(text):
        sys.exit(f"{PAGE} lacks the lines that the tables go between")
    PAGE.write_text(BLOCK.sub(lambda part: part[1] + measured(found) + part[2], text), encoding="utf-8")
