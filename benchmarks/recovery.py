"""Stripped copies found again through the HTTP API, and marks moved onto other assets caught, on real media.

Each file is marked and signed by the verbs (`assay mark`, `assay sign --bind`) under a key of the bench's own, stripped
by encoding it anew, and verified by `assay verify --resolver` in a process whose own store is empty, against a real
`assay serve`. Then its mark is moved onto the next file of its kind in two ways: the same id written anew by somebody
who has the key, and the difference that marking made added to the other file by somebody who has not.

Run: python -P benchmarks/recovery.py --out out/bench [--pictures 20] [--sounds 18] [--films 12] [--work FOLDER]
"""

# ruff: noqa: TID253, S310 (a script: it needs these libraries at once, and asks a server of its own)
from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from assay.eval.checkout import commit
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio, decode_image, stream_frames
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.errors import AssayError
from assay.media.video import Frame
from assay.provenance.certs import ensure_credentials
from assay.provenance.marks import audio_scheme, image_scheme, video_scheme

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(sys.executable).with_name("assay")
RATE = Fraction(25)
FRAMES = 100
FILM_SIDE = 960
SOUND_SECONDS = 8.0
SUFFIX = {"picture": ".jpg", "sound": ".wav", "film": ".mp4"}
WORN = {"picture": ".jpg", "sound": ".mp3", "film": ".mp4"}


@dataclass(frozen=True)
class Case:
    """One real file: its kind, its number, the id in its mark, and the folder that holds what is made of it."""

    kind: str
    number: int
    id: int
    folder: Path

    def path(self, what: str) -> Path:
        """Return the place of the `plain`, `marked` or `signed` file, or of a worn copy."""
        worn = what in ("stripped", "rewritten", "residual")
        return self.folder / what / f"{self.kind}-{self.number:02d}{(WORN if worn else SUFFIX)[self.kind]}"


def cases(media: Path, folder: Path, counts: dict[str, int], seed: int) -> list[Case]:
    """Lay out the plain files, in the form in which they are marked; those that are there already are kept."""
    rng = np.random.default_rng(seed)
    found = []
    for kind, count in counts.items():
        for number, data in zip(range(count), _plain(media, kind, seed), strict=False):
            case = Case(kind=kind, number=number, id=int(rng.integers(1, 2**63)), folder=folder)
            _write(case.path("plain"), data)
            found.append(case)
    return found


def rows(media: Path, table: str, wanted: Callable[[dict[str, str]], bool], seed: int) -> list[Path]:
    """Return the files of the manifest `table` that are `wanted`, in a seeded order, each once."""
    with (media / table / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        paths = sorted({row["path"] for row in csv.DictReader(lines) if wanted(row)})
    random.Random(seed).shuffle(paths)  # noqa: S311
    return [media / path for path in paths]


def timed(images: Iterable[np.ndarray]) -> list[Frame]:
    """Return `images` as frames at 25 a second."""
    return [Frame(index=n, time=n / 25, image=np.ascontiguousarray(image)) for n, image in enumerate(images)]


def _plain(media: Path, kind: str, seed: int) -> Iterator[bytes]:
    tables = {"picture": ("faces", "image"), "film": ("faces", "video"), "sound": ("speech", "")}
    table, wanted = tables[kind]
    for path in rows(media, table, lambda row: row["label"] == "real" and row.get("kind", "") in ("", wanted), seed):
        try:
            data = _one(path, kind)
        except AssayError:
            continue
        if data:
            yield data


def _one(path: Path, kind: str) -> bytes:
    """Return the bytes of a real file as it goes in, empty if it is too small or too short to carry a mark."""
    if kind == "picture":
        pixels = decode_image(path).pixels
        scale = min(1.0, 1600 / max(pixels.shape[:2]))
        small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return encode_image(small, "jpeg", quality=95) if min(small.shape[:2]) >= 256 else b""
    if kind == "sound":
        audio = decode_audio(path)
        samples = resample(audio.mono(), audio.rate, 16_000)[: int(16_000 * SOUND_SECONDS)]
        if len(samples) < 16_000 * 5 or np.sqrt(np.square(samples).mean()) < 1e-3:
            return b""
        return encode_audio(Audio(samples=np.ascontiguousarray(samples)[None], rate=16_000), "wav")
    images = []
    for frame in stream_frames(path, max_side=FILM_SIDE):
        images.append(frame.image[: frame.image.shape[0] // 2 * 2, : frame.image.shape[1] // 2 * 2])
        if len(images) == FRAMES:
            break
    if len(images) < 60 or min(images[0].shape[:2]) < 224:
        return b""
    return encode_film(timed(images), None, "mp4", rate=RATE, crf=16)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(data)


def publish(case: Case, keep: Path) -> str:
    """Mark and sign one file by the verbs, unless that was done; returns what went wrong, empty if nothing did."""
    for folder in ("marked", "signed"):
        (case.folder / folder).mkdir(exist_ok=True)
    if not case.path("marked").exists():
        key = ("--key", keep / "mark.key", "--id", f"{case.id:016x}")
        done = _assay(keep / "home", "mark", case.path("plain"), case.path("marked"), *key)
        if done.returncode:
            return done.stderr.strip()
    if not case.path("signed").exists():
        how = ("--source-type", "digitalCapture", "--bind", "--mark-key", keep / "mark.key", "--certs", keep / "certs")
        done = _assay(keep / "home", "sign", case.path("marked"), case.path("signed"), *how)
        if done.returncode:
            return done.stderr.strip()
    return ""


def _assay(home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ASSAY_HOME": str(home)}
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=False, env=environment)


def wear(case: Case, other: Case, key: bytes) -> None:
    """Write the stripped copy of `case`, and `other` with the mark of `case` moved onto it in two ways."""
    _write(case.path("stripped"), worn(case.kind, media_of(case.path("signed"), case.kind)))
    target = media_of(other.path("plain"), case.kind)
    if not case.path("rewritten").exists():
        _write(case.path("rewritten"), worn(case.kind, marked(case.kind, target, case.id, key)))
    if not case.path("residual").exists():
        before, after = media_of(case.path("plain"), case.kind), media_of(case.path("marked"), case.kind)
        _write(case.path("residual"), worn(case.kind, moved(case.kind, before, after, target)))


def media_of(path: Path, kind: str) -> Any:  # noqa: ANN401 - three kinds
    """Return pixels, sound or a list of pictures."""
    if kind == "picture":
        return decode_image(path).pixels
    if kind == "sound":
        return decode_audio(path)
    return [frame.image for frame in stream_frames(path)]


def marked(kind: str, media: Any, payload: int, key: bytes) -> Any:  # noqa: ANN401
    """Return the media with an id written into it."""
    if kind == "picture":
        return image_scheme().embed(media, payload, key)
    if kind == "sound":
        return audio_scheme().embed(media, payload, key)
    return [frame.image for frame in video_scheme().embed(timed(media), payload, key)]


def moved(kind: str, before: Any, after: Any, target: Any) -> Any:  # noqa: ANN401
    """Return `target` with the difference between `before` and `after` added, scaled or cut to fit."""
    if kind == "picture":
        return _added(before, after, target)
    if kind == "film":
        count = min(len(before), len(after), len(target))
        return [_added(before[n], after[n], target[n]) for n in range(count)]
    length = min(before.samples.shape[1], after.samples.shape[1], target.samples.shape[1])
    change = after.samples[:, :length] - before.samples[:, :length]
    return Audio(samples=np.clip(target.samples[:, :length] + change, -1.0, 1.0), rate=target.rate)


def _added(before: np.ndarray, after: np.ndarray, target: np.ndarray) -> np.ndarray:
    change = after.astype(np.float32) - before.astype(np.float32)
    fitted = cv2.resize(change, (target.shape[1], target.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.rint(target.astype(np.float32) + fitted), 0, 255).astype(np.uint8)


def worn(kind: str, media: Any) -> bytes:  # noqa: ANN401
    """Return the media as a platform would write it: JPEG 70, MP3 at 64 kbit/s, H.264 at crf 28; no manifest."""
    if kind == "picture":
        return encode_image(media, "jpeg", quality=70)
    if kind == "sound":
        return encode_audio(media, "mp3", bit_rate=64_000)
    return encode_film(
        (Frame(index=f.index, time=f.time, image=f.image) for f in timed(media)), None, "mp4", rate=RATE, crf=28
    )


@contextmanager
def served(keep: Path) -> Iterator[str]:
    """Run `assay serve` on the publisher's store, and give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "ASSAY_HOME": str(keep / "home")}
    command = [PROGRAM, "serve", "--port", str(port), "--mark-key", str(keep / "mark.key")]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"{address}/c2pa"
    finally:
        server.terminate()
        server.wait(timeout=20)


def verified(folder: Path, keep: Path, address: str) -> dict[str, dict[str, Any]]:
    """Return what `assay verify --resolver` says of every file in a folder, by name; the own store is empty."""
    options = ("--resolver", address, "--mark-key", keep / "mark.key", "--anchor", keep / "certs" / "anchor.pem")
    done = _assay(keep / "reader", "verify", folder, "--json", "--jobs", 2, *options)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(one["path"]).name: one for one in told}


def by_content(case: Case, address: str) -> bool:
    """Tell whether the server names the file's own manifest first when it is sent the stripped copy."""
    with urllib.request.urlopen(f"{address}/matches/byBinding?alg=dev.{case_scheme(case)}&value={case.id:016x}") as own:
        label = json.load(own)["matches"][0]["manifestId"]
    body = case.path("stripped").read_bytes()
    request = urllib.request.Request(f"{address}/matches/byContent", data=body, method="POST")
    with urllib.request.urlopen(request, timeout=120) as answer:
        matches = json.load(answer)["matches"]
    return bool(matches) and matches[0]["manifestId"] == label


def case_scheme(case: Case) -> str:
    """Return the name of the mark scheme of a kind."""
    return {"picture": image_scheme, "sound": audio_scheme, "film": video_scheme}[case.kind]().name


def outcome(told: dict[str, Any] | None) -> str:
    """Return what a verification came to, in a word."""
    if told is None:
        return "not there"
    codes = {code for check in told["checks"] for code in check["codes"]}
    if "assay.recovered.borrowed" in codes:
        return "borrowed"
    likeness = any(check["step"] == 17 and check["outcome"] == "not done" for check in told["checks"])
    return "too little alike to say" if likeness else str(told["state"])


def table(all_cases: list[Case], told: dict[str, dict[str, Any]], what: str) -> dict[str, dict[str, int]]:
    """Return outcomes by kind."""
    counts: dict[str, Counter[str]] = {}
    for case in all_cases:
        counts.setdefault(case.kind, Counter())[outcome(told.get(case.path(what).name))] += 1
    return {kind: dict(count) for kind, count in counts.items()}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--media", type=Path, default=ROOT.parent / "shared" / "media")
    parser.add_argument("--work", type=Path, help="Where files are made; what is there already is not made again.")
    parser.add_argument("--pictures", type=int, default=20)
    parser.add_argument("--sounds", type=int, default=18)
    parser.add_argument("--films", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.media.is_dir():
        print(f"no real media at {options.media}: nothing is measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, options.work or Path(folder))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "recovery.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    print(json.dumps({name: result[name] for name in ("files", "stripped", "by_content", "rewritten", "residual")}))


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Make the files, serve the manifests, verify, and return the counts."""
    keep = work / "keep"
    (keep / "home").mkdir(parents=True, exist_ok=True)
    key = np.random.default_rng(options.seed).bytes(32)
    (keep / "mark.key").touch(mode=0o600)
    (keep / "mark.key").write_text(key.hex())
    (keep / "certs").mkdir(exist_ok=True)
    (keep / "certs" / "anchor.pem").write_bytes(ensure_credentials(keep / "certs").anchor_pem)
    counts = {"picture": options.pictures, "sound": options.sounds, "film": options.films}
    everything = cases(options.media, work, counts, options.seed)
    failed = {f"{case.kind}-{case.number}": why for case in everything if (why := publish(case, keep))}
    good = [case for case in everything if f"{case.kind}-{case.number}" not in failed]
    for kind in counts:
        same = [case for case in good if case.kind == kind]
        for case, other in zip(same, [*same[1:], *same[:1]], strict=True):
            wear(case, other, key)
    with served(keep) as address:
        begun = time.perf_counter()
        told = {what: verified(work / what, keep, address) for what in ("stripped", "rewritten", "residual")}
        seconds = time.perf_counter() - begun
        content = {kind: sum(by_content(c, address) for c in good if c.kind == kind) for kind in counts}
    return {
        "commit": commit(),
        "seed": options.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "files": {kind: sum(case.kind == kind for case in good) for kind in counts},
        "not_published": failed,
        **{what: table(good, told[what], what) for what in told},
        "by_content": content,
        "seconds_a_file": seconds / max(1, 3 * len(good)),
        "likeness": {
            what: {
                name: one["facts"]["recovered"]["likeness"]
                for name, one in answers.items()
                if "recovered" in one.get("facts", {})
            }
            for what, answers in told.items()
        },
    }


if __name__ == "__main__":
    main()
