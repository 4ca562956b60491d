"""What the marks survive, cost and mistake: marks x attacks x real media, and false alarms on unmarked media.

Run: python -P benchmarks/marks.py --out out/bench [--media ../shared/media] [--pictures 24] [--clips 24] [--films 6]
"""

# ruff: noqa: TID253, ANN401 (a script: it needs these libraries at once, and treats three kinds of media alike)
from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import soxr
from assay.datasets.codecs import h264, through_film
from assay.datasets.launder import chains_for, launder
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio, decode_image, stream_frames
from assay.media.errors import AssayError
from assay.media.image import Still
from assay.media.video import Frame
from assay.provenance.marks import SHARED_KEY, audio_scheme, image_scheme, video_scheme
from skimage.metrics import structural_similarity

SECONDS = 6.0
FRAMES = 75
SIDE = 1600
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Attack:
    """One thing that happens to marked media."""

    name: str
    run: Callable[[Any], Any]


def rows(media: Path, table: str, wanted: Callable[[dict[str, str]], bool], seed: int) -> list[Path]:
    """Return the files of the manifest `table` that are `wanted`, in a seeded order, each once."""
    with (media / table / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        paths = sorted({row["path"] for row in csv.DictReader(lines) if wanted(row)})
    random.Random(seed).shuffle(paths)  # noqa: S311
    return [media / path for path in paths]


def pictures(media: Path, count: int, seed: int) -> list[np.ndarray]:
    """Return pictures of at least 200 pixels a side, brought to at most 1600."""
    out: list[np.ndarray] = []
    for path in rows(media, "faces", lambda row: row["kind"] == "image", seed):
        try:
            pixels = decode_image(path).pixels
        except AssayError:
            continue
        if min(pixels.shape[:2]) >= 200:
            scale = min(1.0, SIDE / max(pixels.shape[:2]))
            out.append(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        if len(out) == count:
            break
    return out


def clips(media: Path, count: int, seed: int) -> list[Audio]:
    """Return six seconds each of real speech at 16 kHz, of speakers as they come."""
    out: list[Audio] = []
    wanted = partial(_long_and_real, seconds=SECONDS)
    for path in rows(media, "speech", wanted, seed):
        try:
            sound = decode_audio(path)
        except AssayError:
            continue
        samples = resample(sound.mono(), sound.rate, 16_000)[: int(16_000 * SECONDS)]
        if np.sqrt(np.square(samples).mean()) > 1e-3:
            out.append(Audio(samples=np.ascontiguousarray(samples)[None], rate=16_000))
        if len(out) == count:
            break
    return out


def _long_and_real(row: dict[str, str], *, seconds: float) -> bool:
    return row["label"] == "real" and float(row["duration_s"]) >= seconds and int(row["sample_rate"]) >= 16_000


def films(media: Path, count: int, seed: int) -> list[list[Frame]]:
    """Return the first 75 frames of real films, sides even, as at 25 frames a second."""
    out: list[list[Frame]] = []
    for path in rows(media, "faces", lambda row: row["kind"] == "video" and row["label"] == "real", seed):
        images = []
        try:
            for frame in stream_frames(path, max_side=1280):
                images.append(frame.image[: frame.image.shape[0] // 2 * 2, : frame.image.shape[1] // 2 * 2])
                if len(images) == FRAMES:
                    break
        except AssayError:
            continue
        if len(images) == FRAMES and min(images[0].shape[:2]) >= 128:
            out.append(timed(images))
        if len(out) == count:
            break
    return out


def timed(images: Iterable[np.ndarray], rate: float = 25.0) -> list[Frame]:
    """Return `images` as frames at `rate`."""
    return [Frame(index=n, time=n / rate, image=np.ascontiguousarray(image)) for n, image in enumerate(images)]


def cut(pixels: np.ndarray, share: float = 0.71, top: float = 0.3, left: float = 0.7) -> np.ndarray:
    """Return a part of a picture, `share` of each side."""
    height, width = (round(share * side) for side in pixels.shape[:2])
    y, x = int(top * (pixels.shape[0] - height)), int(left * (pixels.shape[1] - width))
    return np.ascontiguousarray(pixels[y : y + height, x : x + width])


def turned(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Return a picture turned about its middle, corners black."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1.0)
    return cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC)


def curve(pixels: np.ndarray, change: Callable[[Any], Any]) -> np.ndarray:
    """Return a picture through a curve of brightness."""
    return np.clip(np.rint(change(np.arange(256.0))), 0, 255).astype(np.uint8)[pixels]


def scaled(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Return a picture `factor` times as wide and high."""
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=method)


def palette(pixels: np.ndarray) -> np.ndarray:
    """Return a picture in 256 colours."""
    from PIL import Image

    return np.array(Image.fromarray(pixels).quantize(256).convert("RGB"))


def world(kind: str, seed: int) -> list[Attack]:
    """Return the catalogue of `datasets/launder.py` for `kind`."""

    def run(chain: str, thing: Any) -> Any:
        wrapped = Still(pixels=thing) if kind == "image" else tuple(thing) if kind == "film" else thing
        done = launder(wrapped, chain, np.random.default_rng(seed))
        return done.pixels if kind == "image" else done

    return [Attack(chain, partial(run, chain)) for chain in chains_for(kind)]


PICTURE_ATTACKS = [
    Attack("0.4 x", partial(scaled, factor=0.4)),
    Attack("2 x", partial(scaled, factor=2.0)),
    Attack("half the area", cut),
    Attack("half the area, jpeg 75", lambda p: cv2.imdecode(cv2.imencode(".jpg", cut(p), [1, 75])[1], 1)),
    Attack("turn 1", partial(turned, degrees=1.0)),
    Attack("turn 5", partial(turned, degrees=5.0)),
    Attack("turn -4, cut", lambda p: cut(turned(p, -4.0), 0.85, 0.5, 0.5)),
    Attack("brightness 1.3", partial(curve, change=lambda v: 1.3 * v)),
    Attack("contrast 0.7", partial(curve, change=lambda v: 128 + 0.7 * (v - 128))),
    Attack("gamma 1.5", partial(curve, change=lambda v: 255 * (v / 255) ** 1.5)),
    Attack("gamma 0.67", partial(curve, change=lambda v: 255 * (v / 255) ** 0.67)),
    Attack("blur 2", lambda p: cv2.GaussianBlur(p, (0, 0), 2.0)),
    Attack("palette", palette),
    Attack(
        "H.264 intra crf 28",
        lambda p: through_film(timed([p[: len(p) // 2 * 2, : p.shape[1] // 2 * 2]]), h264(28))[0].image,
    ),
]


def _sound(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Audio], Audio]:
    def run(audio: Audio) -> Audio:
        samples = np.ascontiguousarray(change(audio.samples[0]), dtype=np.float32)[None]
        return Audio(samples=samples, rate=audio.rate)

    return run


def _played(speed: float) -> Callable[[Audio], Audio]:
    return _sound(lambda samples: soxr.resample(samples, 16_000.0, 16_000.0 / speed))


SOUND_ATTACKS = [
    Attack("3 s", _sound(lambda s: s[21_920 : 21_920 + 48_000])),
    Attack("2 s", _sound(lambda s: s[21_920 : 21_920 + 32_000])),
    Attack("gain 2, clipped", _sound(lambda s: np.clip(2 * s, -1, 1))),
    Attack("speed 1.1", _played(1.1)),
    Attack("speed 1.0333", _played(1.0333)),
    Attack("speed 0.95", _played(0.95)),
    Attack("speed 0.9", _played(0.9)),
]
FILM_ATTACKS = [
    Attack("h264-crf28", lambda f: through_film(f, h264(28))),
    Attack("crf 28 twice", lambda f: through_film(through_film(f, h264(28)), h264(28))),
    Attack("half size, crf 28", lambda f: through_film(timed(_even(scaled(x.image, 0.5)) for x in f), h264(28))),
    Attack("every other frame", lambda f: timed([x.image for x in f[::2]], 12.5)),
    Attack("first 7 frames cut, crf 28", lambda f: through_film(timed(x.image for x in f[7:]), h264(28))),
    Attack("crop 0.8, crf 23", lambda f: through_film(timed(_even(cut(x.image, 0.8)) for x in f), h264(23))),
]


def _even(pixels: np.ndarray) -> np.ndarray:
    return pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2]


def survive(scheme: Any, marked: Sequence[Any], attacks: Iterable[Attack], only: str) -> list[dict[str, Any]]:
    """Return, for each attack, the share of `marked` (payload = 1000 + place) that gives its own id."""
    table = []
    for attack in [one for one in attacks if not only or one.name in only.split(",")]:
        right = wrong = 0
        seconds = 0.0
        for number, thing in enumerate(marked):
            after = attack.run(thing)
            start = time.perf_counter()
            mark = scheme.detect(after, SHARED_KEY)
            seconds += time.perf_counter() - start
            right += mark is not None and mark.payload == 1000 + number
            wrong += mark is not None and mark.payload != 1000 + number
        table.append({"attack": attack.name, "right": right / len(marked), "wrong": wrong, "n": len(marked)})
        table[-1]["detect_ms"] = round(1000 * seconds / len(marked), 1)
        print(
            f"  {attack.name:28s} {right / len(marked):6.3f}  wrong {wrong}  {table[-1]['detect_ms']:8.1f} ms",
            flush=True,
        )
    return table


def embed(scheme: Any, things: Sequence[Any]) -> tuple[list[Any], float]:
    """Return the marked things and the seconds it took."""
    start = time.perf_counter()
    films_ = scheme is not None and hasattr(things[0], "__len__") and isinstance(things[0][0], Frame)
    out = [scheme.embed(thing, 1000 + n, SHARED_KEY) for n, thing in enumerate(things)]
    out = [list(one) for one in out] if films_ else out
    return out, time.perf_counter() - start


def told(values: Sequence[float]) -> str:
    """Return the mean and the least of `values` in words."""
    return f"{statistics.mean(values):.4g} (least {min(values):.4g})"


def told_alarms(alarms: int, tried: int, seconds: float, other: int) -> None:
    """Print what came of unmarked media and of another key."""
    print(f"  false alarms {alarms} of {tried}, {1000 * seconds:.0f} ms each; with another key {other}")


def decibels(before: np.ndarray, after: np.ndarray, peak: float | None = None) -> float:
    """Return the peak (if given) or signal over noise ratio."""
    loss = np.square(after.astype(np.float64) - before).mean()
    top = peak**2 if peak else np.square(before.astype(np.float64)).mean()
    return float(10 * np.log10(top / max(loss, 1e-20)))


def bench_pictures(media: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the picture mark."""
    plain = pictures(media, options.pictures, options.seed)
    scheme = image_scheme()
    marked, seconds = embed(scheme, plain)
    psnr = [decibels(a, b, 255.0) for a, b in zip(plain, marked, strict=True)]
    ssim = [structural_similarity(a, b, channel_axis=2) for a, b in zip(plain, marked, strict=True)]
    print(f"pictures: n {len(plain)}, psnr {told(psnr)}, ssim {told(ssim)}")
    table = survive(scheme, marked, [*world("image", options.seed), *PICTURE_ATTACKS], options.only)
    rng = np.random.default_rng(options.seed)
    alarms = 0
    start = time.perf_counter()
    for _ in range(options.alarms):
        pixels = plain[int(rng.integers(len(plain)))]
        share = float(rng.uniform(0.4, 1.0))
        part = cut(pixels, share, float(rng.uniform()), float(rng.uniform()))
        alarms += scheme.detect(part, SHARED_KEY) is not None
    each = (time.perf_counter() - start) / max(options.alarms, 1)
    other = sum(scheme.detect(one, bytes(32)) is not None for one in marked)
    told_alarms(alarms, options.alarms, each, other)
    return {
        "psnr": psnr,
        "ssim": ssim,
        "embed_mp_s": sum(a.shape[0] * a.shape[1] for a in plain) / seconds / 1e6,
        "attacks": table,
        "false_alarms": alarms,
        "crops": options.alarms,
        "unmarked_ms": 1000 * each,
        "other_key": other,
    }


def bench_sounds(media: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the sound mark."""
    from pesq import pesq

    plain = clips(media, options.clips, options.seed)
    scheme = audio_scheme()
    marked, seconds = embed(scheme, plain)
    snr = [decibels(a.samples, b.samples) for a, b in zip(plain, marked, strict=True)]
    heard = [float(pesq(16_000, a.samples[0], b.samples[0], "wb")) for a, b in zip(plain, marked, strict=True)]
    print(f"sounds: n {len(plain)}, snr {told(snr)}, pesq-wb {told(heard)}")
    table = survive(scheme, marked, [*world("audio", options.seed), *SOUND_ATTACKS], options.only)
    rng = np.random.default_rng(options.seed)
    alarms = 0
    start = time.perf_counter()
    for _ in range(options.alarms):
        sound = plain[int(rng.integers(len(plain)))]
        at = int(rng.integers(0, sound.samples.shape[1] - 32_000))
        alarms += scheme.detect(Audio(samples=sound.samples[:, at : at + 32_000], rate=16_000), SHARED_KEY) is not None
    each = (time.perf_counter() - start) / max(options.alarms, 1)
    other = sum(scheme.detect(one, bytes(32)) is not None for one in marked)
    told_alarms(alarms, options.alarms, each, other)
    return {
        "snr": snr,
        "pesq_wb": heard,
        "embed_x": SECONDS * len(plain) / seconds,
        "attacks": table,
        "false_alarms": alarms,
        "crops": options.alarms,
        "unmarked_x": 2.0 / each,
        "other_key": other,
    }


def bench_films(media: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Measure the film mark."""
    plain = films(media, options.films, options.seed)
    scheme = video_scheme()
    marked, seconds = embed(scheme, plain)
    psnr = [
        statistics.mean(decibels(a.image, b.image, 255.0) for a, b in zip(f, g, strict=True))
        for f, g in zip(plain, marked, strict=True)
    ]
    print(f"films: n {len(plain)}, psnr {told(psnr)}, embed {len(plain) * FRAMES / seconds:.0f} frames/s")
    coded = [one for one in world("film", options.seed) if "h264" in one.name or one.name == "none"]
    table = survive(scheme, marked, [*coded, *FILM_ATTACKS], options.only)
    alarms = sum(scheme.detect(film, SHARED_KEY) is not None for film in plain)
    return {"psnr": psnr, "embed_fps": len(plain) * FRAMES / seconds, "attacks": table, "false_alarms": alarms}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--media", type=Path, default=ROOT.parent / "shared" / "media")
    parser.add_argument("--pictures", type=int, default=16)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--films", type=int, default=4)
    parser.add_argument("--alarms", type=int, default=200)
    parser.add_argument("--only", default="", help="names of attacks, joined by commas; all if empty")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not options.media.is_dir():
        print(f"no real media at {options.media}: nothing is measured")
        return
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    result: dict[str, Any] = {
        "commit": commit,
        "seed": options.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    for name, bench in (("pictures", bench_pictures), ("clips", bench_sounds), ("films", bench_films)):
        if getattr(options, name) > 0:
            result[name] = bench(options.media, options)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "marks.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
