"""Ask every visual detector about collected pictures and films, as they are and laundered: rows for the table.

`launder` writes each item's versions into a folder, once (`ask` writes those that are missing). `ask` opens each with
one `View` that all detectors share and adds a row for each detector to a file of JSON Lines. Rows that are there are
not made again, so that a new detector, or a new version of one, costs its own rows alone; the followed face, the
dearest part, is kept beside. Both stop after `--seconds` and go on where they stopped. `benchmarks/seeing_tables.py`
makes the tables.

Run: `.venv/bin/python -P benchmarks/seeing.py ask --media ../shared/media --cache FOLDER --rows FILE`. The published
MesoNets are asked if their files are in `ASSAY_WEIGHTS`.
"""

from __future__ import annotations

import argparse
import csv
import functools
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import numpy as np
from assay.datasets.corpus import Item, read
from assay.datasets.launder import launder
from assay.detect import CATALOGUE, Evidence, Skipped, detector
from assay.detect.cue import Measured, Untold
from assay.detect.scan import examine
from assay.detect.visual.mesonet import NETWORKS, session
from assay.media.asset import Asset
from assay.media.audio import Audio
from assay.media.decode import decode_audio, decode_image, stream_frames
from assay.media.encode import encode_film, encode_image
from assay.media.errors import AssayError, WeightsError
from assay.media.faces import Followed
from assay.media.image import Still
from assay.media.video import Frame
from assay.media.view import Sampling, View

SECONDS = 8.5
"""What is kept of a film, from its beginning."""
PICTURES: dict[str, tuple[str, int | None]] = {
    "none": ("none", None),
    "jpeg-50": ("none", 50),
    "half": ("half", None),
    "social-feed": ("capped", 78),
}
"""Version of a picture -> what is done first, and the quality of the JPEG that is written (`None`: PNG)."""
FILMS: dict[str, tuple[str, int]] = {
    "none": ("none", 0),
    "h264-crf35": ("none", 35),
    "half": ("half", 18),
    "social-feed": ("capped", 26),
}
"""Version of a film -> what is done to its frames, and the constant rate factor of the H.264 file that is written."""
CAPS = {"image": 1080, "video": 1280}
"""Pixels of the longer side in a feed, as in `social-feed` of docs/laundering.md."""
FRAMES = 16
"""Frames of a film that are sampled: a scan takes 32."""
MOST_MESO = 8
"""Faces that the published MesoNets are shown."""
ONE_IN = 3
FOLLOWED = ("visual-pulse", "visual-sync", "visual-blink", "visual-steadiness", "visual-lrnet")
"""Cues over time, the dearest: they are asked about the versions of `--followed-in` alone."""
KEPT = ("times", "points", "crops", "skin", "surround")
Row = dict[str, Any]
COLUMNS = ("item", "laundering", "kind", "label", "group", "score", "llr")
"""Of a file of scores."""


class KeptView(View):
    """A view whose followed face is kept in a folder between runs."""

    place: Path | None = None

    @property
    def followed(self) -> Followed | None:
        """The followed face, from the folder if it was followed before."""
        if self.kind != "video" or self.place is None:
            return None
        if not self.place.exists():
            face = super().followed
            held = {} if face is None else {name: getattr(face, name) for name in KEPT}
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with self.place.with_suffix(".part").open("wb") as file:
                np.savez(file, **held)
            self.place.with_suffix(".part").replace(self.place)
            return face
        return self._kept.once("held", self._held)

    def _held(self) -> Followed | None:
        with np.load(cast("Path", self.place)) as held:
            return Followed(**{name: held[name] for name in KEPT}) if "times" in held else None


def key(item: Item) -> str:
    """Return a file name for an item."""
    return hashlib.sha256(item.id.encode()).hexdigest()[:16]


def versions(item: Item) -> Sequence[str]:
    """Return the versions of an item, as it is first."""
    return tuple(PICTURES if item.kind == "image" else FILMS)


def washable(item: Item) -> bool:
    """Tell whether an item is also asked laundered: all films and fakes, one real picture in `ONE_IN` by its key."""
    return item.kind == "video" or item.spoof or int(key(item), 16) % ONE_IN == 0


def place_of(item: Item, version: str, cache: Path) -> Path:
    """Return the file of a version: the collection's own where nothing has to be cut."""
    whole = item.region is None and (item.kind == "image" or not _long(item))
    if version == "none" and whole:
        return item.path
    endings = {"image": ".png" if PICTURES.get(version, ("", None))[1] is None else ".jpg", "video": ".mp4"}
    return cache / "files" / f"{key(item)}-{version}{endings[item.kind]}"


def _long(item: Item) -> bool:
    video = Asset.open(item.path).video
    return video is None or video.seconds is None or video.seconds > SECONDS + 0.5


def washed(item: Item, version: str, cache: Path) -> None:
    """Write one version of one item."""
    path = place_of(item, version, cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    if item.kind == "image":
        way, quality = PICTURES[version]
        pixels = _through(decode_image(Asset.open(item.path)).pixels, way, "image")
        data = encode_image(pixels, "png") if quality is None else encode_image(pixels, "jpeg", quality=quality)
    elif version == "none" and item.region is None:
        data = _first_packets(item.path)
    else:
        way, crf = FILMS[version]
        asset = Asset.open(item.path)
        rate = (asset.video.rate if asset.video else None) or Fraction(25)
        data = encode_film(_frames(item, asset, way), _sound(asset), rate=Fraction(rate), crf=crf)
    path.with_suffix(".part").write_bytes(data)
    path.with_suffix(".part").replace(path)


def _through(pixels: np.ndarray, way: str, kind: str) -> np.ndarray:
    import cv2

    if way == "capped":
        scale = min(1.0, CAPS[kind] / max(pixels.shape[:2]))
        size = tuple(max(2, round(side * scale / 2) * 2) for side in pixels.shape[1::-1])
        return pixels if scale == 1.0 else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    return cast("Still", launder(Still(pixels=pixels), way, np.random.default_rng(0))).pixels


def _frames(item: Item, asset: Asset, way: str) -> Iterator[Frame]:
    left, top, right, bottom = item.region or (0.0, 0.0, 1.0, 1.0)
    for frame in stream_frames(asset, on_note=lambda _note: None):
        if frame.time > SECONDS:
            return
        height, width = frame.image.shape[:2]
        part = frame.image[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
        yield Frame(index=frame.index, time=frame.time, image=_through(np.ascontiguousarray(part), way, "video"))


def _sound(asset: Asset) -> Audio | None:
    if asset.audio is None:
        return None
    with suppress(AssayError):
        sound = decode_audio(asset)
        return Audio(samples=np.ascontiguousarray(sound.samples[:2, : int(SECONDS * sound.rate)]), rate=sound.rate)
    return None


def _first_packets(path: Path) -> bytes:
    """Return the first seconds of a film as they lie in the file: nothing is encoded anew."""
    import io

    import av

    store = io.BytesIO()
    with av.open(str(path)) as source, av.open(store, "w", format="mp4") as out:
        wanted = [*source.streams.video[:1], *source.streams.audio[:1]]
        copies = {stream.index: out.add_stream_from_template(stream) for stream in wanted}
        for packet in source.demux(wanted):
            if packet.dts is None or float(packet.dts * (packet.time_base or 0)) > SECONDS:
                continue
            packet.stream = copies[packet.stream.index]
            out.mux(packet)
    return store.getvalue()


def ask(name: str, view: View) -> Row:
    """Return what one detector says of a view: ratio, raw score and figures, or why it is silent."""
    begun = time.perf_counter()
    row: Row = {"detector": name, "version": detector(name).version}
    look = getattr(detector(name), "look", None)
    try:
        if name == "visual-mesonet":
            row |= {"figures": _published(view)}
        elif look is not None:
            answer: Measured | Untold = look(view)
            told = isinstance(answer, Measured)
            row |= {"score": answer.score, "figures": answer.figures} if told else {"why": answer.why}  # type: ignore[union-attr]
        else:
            found = examine(name, Evidence(view=view, verification=None))
            if isinstance(found, Skipped):
                row |= {"why": found.why, "failed": found.failed}
            else:
                row |= {"llr": found[0].llr, "spread": found[0].spread, "version": found[0].version}
    except WeightsError:
        return {}
    except AssayError as error:
        row["why"] = str(error)
    return row | {"seconds": round(time.perf_counter() - begun, 4)}


def _published(view: View) -> dict[str, float]:
    """Return each published MesoNet's median logit over all faces."""
    crops = view.crops(256)
    if not crops:
        return {}
    crops = crops[:: max(1, len(crops) // MOST_MESO)][:MOST_MESO]
    faces = np.stack([crop.image.transpose(2, 0, 1) for crop in crops]).astype(np.float32) / 255.0
    return {name: float(np.median(session(name).run(["score"], {"faces": faces})[0])) for name in NETWORKS}


def asked(item: Item, version: str, names: Sequence[str], cache: Path) -> list[Row]:
    """Return a row for each detector in `names` about one version of one item, all from one view."""
    about = {"item": item.id, "group": item.group, "maker": item.maker, "label": item.label, "kind": item.kind}
    view = KeptView.open(place_of(item, version, cache), sampling=Sampling(frames=FRAMES))
    view.place = cache / "followed" / f"{key(item)}-{version}.npz"  # type: ignore[attr-defined]
    rows = [ask(name, view) for name in names]
    stages = {stage: round(took, 3) for stage, took in view.timings.items()}
    return [{**about, "laundering": version, **_finite(row), "stages": stages} for row in rows if row]


def _finite(row: Row) -> Row:
    figures = {name: value for name, value in row.get("figures", {}).items() if math.isfinite(value)}
    return row | ({"figures": figures} if figures else {})


@contextmanager
def continued(path: Path) -> Iterator[tuple[set[tuple[str, str]], Callable[[Item, str, float], None]]]:
    """Yield which items and versions the scores in `path` hold, and who adds one: the file is complete at any time."""
    there = set()
    if path.exists():
        with path.open(newline="") as file:
            there = {(row["item"], row["laundering"]) for row in csv.DictReader(file)}
    with path.open("a", newline="") as file:
        out = csv.writer(file)
        if not there:
            out.writerow(COLUMNS)

        def add(item: Item, version: str, score: float) -> None:
            out.writerow([item.id, version, item.kind, item.label, item.group, f"{score:.6g}", ""])
            file.flush()

        yield there, add


def main() -> None:
    """Launder, or ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["launder", "ask"])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--detectors", default=",".join(n for n in CATALOGUE if n.startswith("visual-")))
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--kinds", default="video,image")
    parser.add_argument("--followed-in", default="none", help="versions about which cues over time are asked")
    parser.add_argument("--backwards", action="store_true", help="from the last item: beside a run from the first")
    given = parser.parse_args()
    begun = time.monotonic()
    items = [item for kind in given.kinds.split(",") for item in read(given.media) if item.kind == kind]
    # Version by version, so that a run that is cut off has whole ones.
    items = items[::-1] if given.backwards else items
    work = [(item, versions(item)[number]) for number in range(4) for item in items if number == 0 or washable(item)]
    chosen = given.detectors.split(",")
    for item, version in work:
        there = answered(given.rows)  # another run may have come from the other end
        spared = () if version in given.followed_in.split(",") else FOLLOWED
        names = [n for n in chosen if n not in spared and (item.id, version, n, detector(n).version) not in there]
        if time.monotonic() - begun > given.seconds or not (names or given.stage == "launder"):
            continue
        if not place_of(item, version, given.cache).exists():
            washed(item, version, given.cache)
        if given.stage == "ask":
            rows = asked(item, version, names, given.cache)
            with given.rows.open("a") as out:
                out.write("".join(json.dumps(row) + "\n" for row in rows))


def answered(path: Path | None) -> set[tuple[str, ...]]:
    """Return which item, version, detector and detector's version the rows in `path` hold."""
    return _answered(path, path.stat().st_size) if path is not None and path.exists() else set()


@functools.lru_cache(maxsize=1)
def _answered(path: Path, size: int) -> set[tuple[str, ...]]:
    """Read the first `size` bytes of the rows."""
    with path.open("rb") as file:
        lines = file.read(size).splitlines()
    rows = ({**row, "version": row["version"].split("+")[0]} for row in map(json.loads, lines))
    return {tuple(row[part] for part in ("item", "laundering", "detector", "version")) for row in rows}


if __name__ == "__main__":
    main()
