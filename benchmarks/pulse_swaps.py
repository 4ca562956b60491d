"""Whether a pulse goes when a face is swapped: films with a planted pulse against swaps of them, pair by pair.

Each target portrait sways and beats at 72 a minute (as in `benchmarks/planted_pulse.py`); each of the others is swapped
into it by our own engine, with consents made for the demo portraits, and never leaves the memory. Both go through the
same H.264. Differences are swapped less original, intervals are bootstraps over target portraits. Films of people are
measured beside it: how far POS and CHROM, and both cheeks, agree where no reference is known.

Run: `.venv/bin/python -P benchmarks/pulse_swaps.py --portraits ../shared/media/demo --media ../shared/media
--followed FOLDER --out FILE`
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parent))
import numpy as np
import planted_pulse as planted
from assay.datasets.codecs import h264, through_film
from assay.datasets.corpus import Item, read
from assay.detect.visual.cues.cue import evenly, unmet
from assay.detect.visual.cues.pulse import (
    AGREEMENT,
    MOST_MISSING,
    PulseDetector,
    chrom,
    in_band,
    pos,
    pulse_of,
    strongest,
)
from assay.generate import swap_face
from assay.generate.consent import ConsentBook, Terms, file_sha256
from assay.generate.interface import Scope
from assay.media.encode import encode_film
from assay.media.faces import Followed, finder, follow, mesher
from assay.media.video import Film, Frame

planted.RATE, planted.SECONDS = 20, 7
STRENGTHS, CRFS, SEED, BPM = (0.008,), (18,), 1, 72.0
FIGURES = ("snr", "ties", "patches", "at_rate")


def consented(book: ConsentBook, path: Path, subject: str, now: datetime) -> None:
    """Grant the benchmark a swap with that file."""
    terms = Terms(
        subject=subject,
        scopes=(Scope.FACE_SWAP,),
        purpose="benchmark",
        references=(file_sha256(path),),
        expires=now + timedelta(days=1),
        statement="The portrait may be used to measure what a swap does to a pulse.",
    )
    book.grant(terms, now=now)


def figures(frames: Sequence[Frame]) -> dict[str, float]:
    """Return what the pulse is in a film: its own figures, and how far the planted rate stands out."""
    face = follow(frames, finder=finder(), mesher=mesher())
    if face is None:
        return {}
    skin = evenly(face.times, face.skin, face.rate)
    found = pulse_of(skin, face.rate)
    signal = pos(skin.mean(axis=1), face.rate)
    hertz = np.fft.rfftfreq(len(signal), 1.0 / face.rate)
    power = np.abs(np.fft.rfft(in_band(signal, face.rate) * np.hanning(len(signal)))) ** 2
    near = np.abs(hertz - BPM / 60.0) <= face.rate / len(signal)
    at_rate = 10.0 * np.log10((power[near].sum() + 1e-20) / (power[~near].sum() + 1e-20))
    return {
        "bpm": found.bpm,
        "snr": found.snr,
        "ties": found.ties,
        "patches": found.patches,
        "at_rate": float(at_rate),
        "told": float(found.told),
    }


def through(frames: Sequence[Frame], crf: int) -> tuple[Frame, ...]:
    """Return a film after H.264."""
    return through_film(frames, h264(crf))


def pairs(portraits: Sequence[Path], folder: Path, *, target_at: int | None = None) -> list[dict[str, Any]]:
    """Return a row for each original (or the one at a place alone) and each swap of it."""
    book, now = ConsentBook(folder / "book"), datetime.now(UTC)
    for path in portraits:
        consented(book, path, path.stem, now)
    rows = []
    for number, target in enumerate(portraits):
        if target_at not in (None, number):
            continue
        for strength in STRENGTHS:
            frames = planted.living(target, strength, np.random.default_rng([SEED, number, round(1e4 * strength)]))
            path = folder / f"{target.stem}-{strength}.mp4"
            path.write_bytes(encode_film(frames, None, rate=Fraction(planted.RATE), crf=8))
            consented(book, path, target.stem, now)
            films = {"": tuple(frames)}
            for source in portraits:
                if source != target:
                    draft = swap_face(
                        *(path, source),
                        face_of=source.stem,
                        footage_of=(target.stem,),
                        book=book,
                        purpose="benchmark",
                        now=now,
                    )
                    films[source.stem] = tuple(draft.media.frames()) if isinstance(draft.media, Film) else ()
            for crf in CRFS:
                for source_name, film in films.items():
                    row = {"target": target.stem, "source": source_name, "strength": strength, "crf": crf}
                    rows.append(row | figures(through(film, crf)))
                    print(json.dumps(rows[-1]), flush=True)
    return rows


def effects(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the paired differences, swapped less original, with intervals over targets and Cohen's d of the pairs."""
    out = []
    for strength in STRENGTHS:
        for crf in CRFS:
            chosen = [row for row in rows if (row["strength"], row["crf"]) == (strength, crf) and "snr" in row]
            own = {row["target"]: row for row in chosen if not row["source"]}
            swaps = [row for row in chosen if row["source"] and row["target"] in own]
            for name in FIGURES:
                by = {t: [r[name] - own[t][name] for r in swaps if r["target"] == t] for t in own}
                by = {target: changes for target, changes in by.items() if changes}
                changes = np.concatenate(list(by.values()))
                means = np.array([np.mean(change) for change in by.values()])
                drawn = np.random.default_rng(SEED).choice(means, (2000, len(means))).mean(axis=1)
                low, high = np.percentile(drawn, (2.5, 97.5))
                told = [float(np.mean([row["told"] for row in part])) for part in (list(own.values()), swaps)]
                out.append(
                    {
                        "strength": strength,
                        "crf": crf,
                        "figure": name,
                        "targets": len(means),
                        "pairs": len(changes),
                        "mean": round(float(changes.mean()), 3),
                        "low": round(float(low), 3),
                        "high": round(float(high), 3),
                        "d": round(float(changes.mean() / changes.std(ddof=1)), 2),
                        "told before": told[0],
                        "told after": told[1],
                    }
                )
    return out


def agreement(items: Sequence[Item], folder: Path) -> dict[str, Any]:
    """Return how POS and CHROM, and the two cheeks, agree in films whose followed faces `benchmarks/seeing.py` kept.

    Chance is what POS in one film and in another, drawn at random a thousand times, agree.
    """
    methods, cheeks, rates = [], [], []
    for item in items:
        path = folder / f"{hashlib.sha256(item.id.encode()).hexdigest()[:16]}-none.npz"
        face = held(path) if path.exists() else None
        if (
            face is None
            or unmet(face, PulseDetector.needs)
            or np.isnan(face.skin).any(axis=(1, 2)).mean() > MOST_MISSING
        ):
            continue
        skin = evenly(face.times, face.skin, face.rate)
        together = skin.mean(axis=1)
        by_method = [strongest(way(together, face.rate), face.rate)[0] for way in (pos, chrom)]
        by_side = [strongest(pos(skin[:, place], face.rate), face.rate)[0] for place in (1, 2)]
        methods.append(abs(by_method[0] - by_method[1]))
        cheeks.append(abs(by_side[0] - by_side[1]))
        rates.append(by_method[0])
    rng = np.random.default_rng(SEED)
    pairs_at_random = rng.integers(len(rates), size=(1000, 2))
    first, second = pairs_at_random[pairs_at_random[:, 0] != pairs_at_random[:, 1]].T
    strangers = np.abs(np.array(rates)[first] - np.array(rates)[second])
    return {"films": len(methods)} | {
        name: {"within 5": round(float(np.mean(np.array(apart) <= AGREEMENT)), 3), "median": float(np.median(apart))}
        for name, apart in (("POS and CHROM", methods), ("cheeks", cheeks), ("strangers", strangers))
    }


def held(path: Path) -> Followed | None:
    """Return a followed face that was kept, or `None` if there was none."""
    with np.load(path) as kept:
        if "times" not in kept:
            return None
        return Followed(**{name: kept[name] for name in ("times", "points", "crops", "skin", "surround")})


def main() -> None:
    """Print the pairs, the effects and the agreement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--media", type=Path, help="films to measure the agreement in")
    parser.add_argument("--followed", type=Path, help="where their followed faces lie")
    parser.add_argument("--agreement-only", action="store_true")
    parser.add_argument("--target", type=int, help="one target's pairs alone, added to --out")
    parser.add_argument("--from-rows", type=Path, help="the effects of rows that are there")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    result: dict[str, Any] = {"machine": platform.platform(), "seed": SEED}
    if given.media and given.followed:
        films = [item for item in read(given.media) if item.kind == "video"]
        for label in ("bona fide", "spoof"):
            result[label] = agreement([item for item in films if item.label == label], given.followed)
            print(label, json.dumps(result[label]))
    portraits = sorted(given.portraits.glob("portrait-*.jpg"))
    if given.target is not None:
        with tempfile.TemporaryDirectory() as folder, given.out.open("a") as out:
            rows = pairs(portraits, Path(folder), target_at=given.target)
            out.write("".join(json.dumps(row) + "\n" for row in rows))
        return
    if given.from_rows:
        result["rows"] = [json.loads(line) for line in given.from_rows.read_text().splitlines()]
    elif not given.agreement_only:
        with tempfile.TemporaryDirectory() as folder:
            result["rows"] = pairs(portraits, Path(folder))
    if "rows" in result:
        result["effects"] = effects(result["rows"])
        for row in result["effects"]:
            print(json.dumps(row))
    if given.out:
        given.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
