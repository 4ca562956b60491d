"""Batch verification beside a bare loop over c2pa-python's Reader, and signing with and without reading back.

Run: `.venv/bin/python -P benchmarks/verify_batch.py --out out/bench` (`--quick`: fewer files). Every contender is a
process of its own, run on a few files and on all of them; the difference is what a file costs, start-up left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from assay.eval.checkout import commit
from assay.media.encode import encode_image
from assay.media.limits import Limits
from assay.provenance.certs import Credentials, ensure_credentials
from assay.provenance.context import c2pa_settings
from assay.provenance.sign import Action, Manifest, sign_file
from assay.provenance.signer import native_signer

ASSAY = str(Path(sys.executable).with_name("assay"))
MANIFEST = Manifest(version="1", actions=(Action(name="c2pa.created", source_type="digitalCapture"),))
FEW = 20
BARE = """
import json, sys
from pathlib import Path
import c2pa
settings = json.loads(Path(sys.argv[2]).read_text())
context = c2pa.Context.from_dict(settings) if settings else None
for path in sorted(Path(sys.argv[1]).iterdir()):
    with path.open("rb") as file, c2pa.Reader("image/jpeg", file, context=context) as reader:
        assert reader.get_validation_state() == sys.argv[3], path
        print(reader.json())
"""


def pictures(count: int, scale: int) -> list[bytes]:
    """Return so many different JPEGs of 160 x 120 times `scale`: 8 gives 1280 x 960 and about 230 kB."""
    rng = np.random.default_rng(1)
    base = rng.integers(0, 255, (15 * scale, 20 * scale, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    data = encode_image(base, "jpeg", quality=90)
    # A comment makes each file another one
    return [data[:-2] + b"\xff\xfe\x00\x06" + number.to_bytes(4, "big") + data[-2:] for number in range(count)]


def bare_sign(source: bytes, credentials: Credentials, settings: dict[str, Any]) -> bytes:
    """Sign in memory with c2pa-python alone."""
    import io

    import c2pa

    out = io.BytesIO()
    with (
        native_signer(credentials, None) as signer,
        c2pa.Context.from_dict(settings) as context,
        c2pa.Builder(MANIFEST.definition(), context=context) as builder,
    ):
        builder.sign(signer, "image/jpeg", io.BytesIO(source), out)
    return out.getvalue()


def signing(base: Path, credentials: Credentials, count: int, scale: int) -> dict[str, Any]:
    """Sign `count` files in three ways, taking turns; return milliseconds a file, and leave the signed files."""
    settings = c2pa_settings(credentials.anchor_pem, limits=Limits())
    checking = {**settings, "verify": {**settings["verify"], "verify_after_sign": True}}
    names = ("c2pa-python, no check", "c2pa-python, verify_after_sign", "assay: read back, fsync, rename")
    spent: dict[str, list[float]] = {name: [] for name in names}
    (base / "all").mkdir()
    source = base / "source.jpg"
    for number, data in enumerate(pictures(count, scale)):
        source.write_bytes(data)
        place = base / "all" / f"{number:05d}.jpg"
        ways = (
            lambda data=data: bare_sign(data, credentials, settings),
            lambda data=data: bare_sign(data, credentials, checking),
            lambda place=place: sign_file(source, place, MANIFEST, credentials),
        )
        for name, way in zip(names, ways, strict=True):
            begun, cpu = time.perf_counter(), time.process_time()
            way()
            spent[name].append(time.process_time() - cpu)
            spent.setdefault(f"{name} (wall)", []).append(time.perf_counter() - begun)
    return {name: round(1000 * statistics.median(times), 3) for name, times in spent.items()}


def run(command: list[str]) -> tuple[float, float]:
    """Run a command; return wall and CPU seconds of all its processes."""
    with tempfile.TemporaryFile() as out:
        begun, before = time.perf_counter(), os.times()
        subprocess.run(command, stdout=out, stderr=subprocess.DEVNULL, check=True)
        wall, after = time.perf_counter() - begun, os.times()
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def verifying(base: Path, credentials: Credentials, count: int, rounds: int) -> list[dict[str, Any]]:
    """Return what a file costs each contender: wall and CPU milliseconds, the median of `rounds` in turn."""
    few, everything = base / "few", base / "all"
    few.mkdir()
    for path in sorted(everything.iterdir())[:FEW]:
        shutil.copy(path, few)
    anchor, same, none = base / "anchor.pem", base / "same.json", base / "none.json"
    anchor.write_bytes(credentials.anchor_pem)
    same.write_text(json.dumps(c2pa_settings(credentials.anchor_pem, limits=Limits())))
    none.write_text("null")
    verify = [ASSAY, "verify", "FOLDER", "--json", "--anchor", str(anchor), "--jobs"]
    bare = [sys.executable, "-P", "-c", BARE, "FOLDER"]
    contenders = {
        "bare loop, default settings": [*bare, str(none), "Valid"],
        "bare loop, same settings": [*bare, str(same), "Trusted"],
        "assay verify --jobs 1": [*verify, "1"],
        "assay verify --jobs 2": [*verify, "2"],
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, command in contenders.items():
            small, large = (run([str(f) if part == "FOLDER" else part for part in command]) for f in (few, everything))
            per_file = 1000 / (count - FEW)
            spent[name].append(((large[0] - small[0]) * per_file, (large[1] - small[1]) * per_file))
    reference = spent["bare loop, same settings"]
    return [
        {
            "contender": name,
            "wall_ms": round(statistics.median(wall for wall, _ in times), 3),
            "cpu_ms": round(statistics.median(cpu for _, cpu in times), 3),
            "rate_to_bare": _ratio(reference, times, 0),
            "rate_per_core_to_bare": _ratio(reference, times, 1),
        }
        for name, times in spent.items()
    ]


def _ratio(reference: list[tuple[float, float]], times: list[tuple[float, float]], which: int) -> float:
    """Return the median over rounds of how many times as many files are done as by the reference."""
    return round(statistics.median(a[which] / b[which] for a, b in zip(reference, times, strict=True)), 3)


def main() -> None:
    """Measure and write `verify_batch.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--scale", type=int, default=8, help="size of the pictures: 8 gives 1280 x 960")
    given = parser.parse_args()
    count, rounds = (120, 1) if given.quick else (given.files, 3)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        os.environ["ASSAY_HOME"] = str(base / "home")
        credentials = ensure_credentials(base / "certs", now=datetime.now(UTC))
        signed = signing(base, credentials, count, given.scale)
        rows = verifying(base, credentials, count, rounds)
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(), "load": load}
    told = {"commit": commit(), "machine": machine, "files": count, "scale": given.scale}
    told |= {"verify": rows, "sign_ms": signed}
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "verify_batch.json").write_text(json.dumps(told, indent=2) + "\n")
    size = f"{160 * given.scale} x {120 * given.scale}"
    print(f"{count} files of {size}, load {load:.1f}; milliseconds a file, start-up left out")
    for row in rows:
        print("{contender:30s} wall {wall_ms:7.2f}  CPU {cpu_ms:6.2f}".format(**row), end="  ")
        print("rate {rate_to_bare:5.2f} x, per core {rate_per_core_to_bare:5.2f} x the bare loop".format(**row))
    for name, milliseconds in signed.items():
        print(f"sign, {name:45s} {milliseconds:7.2f} ms")


if __name__ == "__main__":
    main()
