"""How often cues find what was planted in real pictures and films, through compression, and what they say of none.

Pictures are brought to half their size first, which takes earlier traces out. Planted are: a colour filter everywhere
but in the face, another noise in the face, an earlier JPEG of the whole, an earlier JPEG of the face alone, a former
coding of a film. Rates are shares of the answers; how many did not answer is told.

Run: `.venv/bin/python -P benchmarks/planted_cues.py --media ../shared/media --out FILE`
"""

from __future__ import annotations

import argparse
import io
import json
import platform
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from assay.datasets.corpus import Item, read
from assay.detect.cue import Measured
from assay.detect.visual.cues.compression import CompressionDetector, earlier, table_of
from assay.detect.visual.cues.edits import MARGIN, judged
from assay.detect.visual.cues.noise import ColourFilterDetector, NoiseDetector
from assay.detect.visual.cues.portrait import Portrait, PortraitCue, portraits, zones
from assay.eval.metrics import auc
from assay.media.asset import Asset
from assay.media.decode import decode_image, stream_frames
from assay.media.encode import encode_image
from assay.media.image import Still
from assay.media.packets import film_packets
from assay.media.view import View

SEED = 1
AFTER = (None, 98, 95, 90, 75)
"""Qualities of the JPEG that follows; `None` is none."""
Pixels = np.ndarray


def jpeg(pixels: Pixels, quality: int | None) -> Pixels:
    """Return `pixels` after JPEG."""
    return pixels if quality is None else decode_image(encode_image(pixels, "jpeg", quality=quality)).pixels


def mosaic(pixels: Pixels) -> Pixels:
    """Return `pixels` as a camera with a Bayer filter gives them, made up by bilinear interpolation."""
    import cv2

    raw = pixels[..., 1].copy()
    raw[0::2, 0::2], raw[1::2, 1::2] = pixels[0::2, 0::2, 0], pixels[1::2, 1::2, 2]
    return np.asarray(cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB))


def in_face(portrait: Portrait, inside: Pixels, around: Pixels) -> Pixels:
    """Return `around` with `inside` in the face's zone."""
    rows, columns = portrait.around(0.6)
    out = around.copy()
    out[rows, columns][zones(portrait).face] = inside[rows, columns][zones(portrait).face]
    return out


def planted(portrait: Portrait, rng: np.random.Generator) -> dict[str, tuple[PortraitCue, Pixels, Pixels]]:
    """Return for each cue the picture without and with what it looks for."""
    own = portrait.image
    noise = rng.normal(0, 1, own.shape)
    loud, soft = (np.clip(np.round(own + size * noise), 0, 255).astype(np.uint8) for size in (4.0, 1.5))
    filtered = mosaic(own)
    return {
        "noise": (NoiseDetector(), loud, in_face(portrait, soft, loud)),
        "colour filter": (ColourFilterDetector(), filtered, in_face(portrait, own, filtered)),
        "ghost": (CompressionDetector(), own, in_face(portrait, jpeg(own, 60), own)),
    }


def pictures(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return the AUC of planted against untouched for each cue and JPEG that follows, and the earlier JPEGs found."""
    scores: dict[tuple[str, int | None], dict[bool, list[float]]] = defaultdict(lambda: {False: [], True: []})
    asked: dict[tuple[str, int | None], int] = defaultdict(int)
    found: dict[str, list[bool]] = defaultdict(list)
    rng = np.random.default_rng(SEED)
    for item in items:
        pixels = decode_image(Asset.open(item.path)).pixels
        height, width = (side // 2 * 2 for side in pixels.shape[:2])
        half = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
        people = portraits(View.of(Still(pixels=np.round(half).astype(np.uint8))))
        if not people:
            continue
        portrait = people[0][0][0]
        for name, (cue, *both) in planted(portrait, rng).items():
            for quality in AFTER:
                for touched, image in enumerate(both):
                    answer = cue.measure(replace(portrait, image=jpeg(image, quality)))
                    asked[name, quality] += 1
                    if isinstance(answer, Measured):
                        scores[name, quality][bool(touched)].append(answer.score)
        for name, told in _earlier(portrait.image).items():
            found[name].append(told)
    rows = [_row(name, quality, scores[name, quality], asked[name, quality]) for name, quality in asked]
    return rows + [{"cue": "earlier JPEG", "case": k, "pictures": len(v), "told": np.mean(v)} for k, v in found.items()]


def _row(name: str, after: int | None, both: dict[bool, list[float]], asked: int) -> dict[str, Any]:
    values = both[False] + both[True]
    labels = [False] * len(both[False]) + [True] * len(both[True])
    row: dict[str, Any] = {"cue": name, "JPEG after": after, "answered": len(values), "asked": asked}
    return row | ({"auc": round(auc(values, labels), 3)} if all(both.values()) else {})


def _earlier(pixels: Pixels) -> dict[str, bool]:
    """Return whether an earlier JPEG is told, by its quality and that of the file."""
    out = {"none, PNG": earlier(pixels, None)[1] > 1, "75, PNG": earlier(jpeg(pixels, 75), None)[1] > 1}
    for first, last in ((None, 75), (None, 95), (60, 90), (75, 95), (85, 95), (90, 75)):
        data = encode_image(jpeg(pixels, first), "jpeg", quality=last)
        told = earlier(decode_image(data).pixels, table_of(data))[1] > 1
        out[f"{first or 'none'}, JPEG {last}"] = told
    return out


def coded(images: Sequence[Pixels], *, crf: int, group: int, between: int = 0) -> bytes:
    """Return an H.264 film with a frame of its own every `group`, `between` frames predicted from both sides."""
    import av

    store = io.BytesIO()
    with av.open(store, "w", format="mp4") as out:
        options = {"crf": str(crf), "g": str(group), "bf": str(between), "preset": "veryfast", "threads": "1"}
        stream = out.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
    return store.getvalue()


def films(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return how far the former rhythm stands out in films coded once and twice."""
    import cv2

    margins: dict[str, list[float]] = defaultdict(list)
    right: dict[str, list[bool]] = defaultdict(list)
    rng = np.random.default_rng(SEED)
    ways: dict[str, Callable[[list[Pixels]], bytes]] = {"once": lambda images: coded(images, crf=23, group=250)}
    for group in (12, 15, 25):
        for first, last in ((26, 23), (23, 28)):

            def twice(images: list[Pixels], group: int = group, first: int = first, last: int = last) -> bytes:
                again = [frame.image for frame in stream_frames(coded(images, crf=first, group=group))]
                return coded(again, crf=last, group=250)

            ways[f"{group}: crf {first}, then {last}"] = twice
    for item in items:
        frames = [frame.image for frame in stream_frames(Asset.open(item.path), max_side=400)][:220]
        small = [cv2.resize(frame, (192, 160)) + rng.normal(0, 3, (160, 192, 3)) for frame in frames]
        images = [np.clip(frame, 0, 255).astype(np.uint8) for frame in small]
        for name, way in ways.items():
            answer = judged(film_packets(way(images)))
            if isinstance(answer, Measured):
                margins[name].append(answer.score)
                right[name].append(answer.score >= MARGIN and str(int(answer.figures["period"])) == name.split(":")[0])
    return [
        {"cue": "former coding", "case": name, "films": len(seen), "lowest": min(seen), "highest": max(seen)}
        | {"over the margin": float(np.mean(np.array(seen) >= MARGIN)), "right period": float(np.mean(right[name]))}
        for name, seen in margins.items()
    ]


def main() -> None:
    """Print a row for each cue and case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--films", type=int, default=10)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    real = [item for item in read(given.media) if not item.spoof and item.region is None]
    stills = [item for item in real if item.kind == "image"]
    chosen = np.random.default_rng(SEED).permutation(len(stills))[: given.pictures]
    long = [item for item in real if item.kind == "video" and (Asset.open(item.path).video.frames or 0) >= 220]  # type: ignore[union-attr]
    rows = films(long[: given.films]) + pictures([stills[n] for n in chosen])
    for row in rows:
        print(json.dumps(row))
    if given.out:
        given.out.write_text(json.dumps({"machine": platform.platform(), "seed": SEED, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
