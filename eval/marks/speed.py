"""What marking and reading cost: processor seconds on one thread and memory, each in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...datasets.launder import Media
from ...media.audio import Audio, resample
from ...media.errors import AssayError
from ...media.image import Still
from ...media.video import Frame
from ...provenance import marks
from .contenders import contender
from .ledger import Record
from .material import Piece, load

SIZES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {"image": (512, 1024, 2048, 4096), "audio": (10, 60, 600, 3600), "film": (50, 200)}
)
"""Pixels a side of square pictures, seconds of sound at 16 kHz, frames of 1280 x 720."""
PEER_SIZES: Mapping[str, int] = MappingProxyType({"image": 1024, "audio": 60})
LIMIT = 480.0
"""Seconds after which a scheme is given up on."""


class SpeedError(AssayError):
    """A scheme could not be timed."""


def timed(name: str, kind: str, size: int, piece: Piece) -> Record:
    """Return the cost of `name` at `size`, measured in a fresh process. Raises `SpeedError` if that fails."""
    order = {"name": name, "kind": kind, "size": size, "item": piece.item, "path": str(piece.path.resolve())}
    code = "from assay.eval.marks.speed import child; child()"
    command = [sys.executable, "-P", "-c", code]
    # A second thread of linear algebra would wait by spinning, and that would be counted.
    alone = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    asked = json.dumps(order)
    try:
        done = subprocess.run(  # noqa: S603
            command, input=asked, capture_output=True, text=True, check=True, timeout=LIMIT, cwd="/", env=alone
        )
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", "") or "").strip().splitlines()
        msg = f"{name} at {size}: {said[-1] if said else error}"
        raise SpeedError(msg) from error
    found: Record = json.loads(done.stdout.strip().splitlines()[-1])
    return {"row": "speed", "scheme": name, "kind": kind, "size": size, **found}


def child() -> None:
    """Measure what stdin asks for and write the figures to stdout: runs in the process that `timed` starts."""
    import cv2

    cv2.setNumThreads(1)
    order = json.load(sys.stdin)
    piece = Piece(item=order["item"], kind=order["kind"], group="", path=Path(order["path"]))
    found = {"image": _pictures, "audio": _sounds, "film": _films}[order["kind"]](order["name"], piece, order["size"])
    sys.stdout.write(json.dumps(found) + "\n")


def _pictures(name: str, piece: Piece, size: int) -> Record:
    import cv2

    pixels = cast("Still", load(piece)).pixels
    plain = Still(pixels=np.asarray(cv2.resize(pixels, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8))
    return {"megapixels": size * size / 1e6, **_both(name, plain)}


def _sounds(name: str, piece: Piece, size: int) -> Record:
    audio = cast("Audio", load(piece))
    samples = resample(audio.mono(), audio.rate, 16_000)
    if name == "assay-audio":
        return {"seconds": size, **_streamed(samples, size)}
    long = np.resize(samples, size * 16_000)[None].astype(np.float32)
    return {"seconds": size, **_both(name, Audio(samples=np.ascontiguousarray(long), rate=16_000))}


def _streamed(samples: NDArray[np.float32], size: int) -> Record:
    """Stream `size` seconds of `samples`, repeated, through both ways; nothing of the whole is kept in memory."""
    scheme, key = marks.audio_scheme(), marks.SHARED_KEY

    def played(seconds: int) -> Iterator[Audio]:
        for start in range(0, seconds * 16_000, 80_000):
            places = np.arange(start, min(start + 80_000, seconds * 16_000)) % len(samples)
            yield Audio(samples=np.ascontiguousarray(samples[None, places]), rate=16_000)

    scheme.heard(scheme.embed_stream(played(5), 5, key), key)
    before = _peak()
    embedding: list[float] = []
    both, mark = _cost(lambda: scheme.heard(_clocked(scheme.embed_stream(played(size), 12345, key), embedding), key))
    unmarked, _ = _cost(lambda: scheme.heard(played(size), key))
    right = mark is not None and mark.payload == 12345
    figures = {"embed": round(sum(embedding), 4), "read": round(both - sum(embedding), 4), "unmarked": unmarked}
    return {**figures, "right": right, "megabytes": round(_peak() - before, 1)}


def _clocked(blocks: Iterator[Audio], seconds: list[float]) -> Iterator[Audio]:
    """Yield `blocks`, and add to `seconds` what each of them took to come."""
    while True:
        begun = time.process_time()
        block = next(blocks, None)
        seconds.append(time.process_time() - begun)
        if block is None:
            return
        yield block


def _both(name: str, plain: Media) -> Record:
    """Return seconds of embedding, of reading the marked and the unmarked, and megabytes beyond what was there."""
    scheme = contender(name)
    # The first call loads tables, networks and code: it is not the scheme's speed.
    small: Media = plain
    if isinstance(plain, Still):
        small = Still(pixels=np.ascontiguousarray(plain.pixels[:320, :320]))
    elif isinstance(plain, Audio):
        small = Audio(samples=plain.samples[:, : 5 * plain.rate], rate=plain.rate)
    scheme.read(scheme.embed(small, 5), 5)
    before = _peak()
    embed, marked = _cost(lambda: scheme.embed(plain, 12345))
    read, reading = _cost(lambda: scheme.read(marked, 12345))
    unmarked, _ = _cost(lambda: scheme.read(plain, 12345))
    right = reading.present if not scheme.bits else reading.payload == 12345
    return {"embed": embed, "read": read, "unmarked": unmarked, "right": bool(right), "megabytes": _peak() - before}


def _films(name: str, piece: Piece, size: int) -> Record:
    """Stream frames of 1280 x 720 through both ways; the mark is not kept in memory."""
    import cv2

    del name
    film = cast("tuple[Frame, ...]", load(piece))
    stills = [np.asarray(cv2.resize(one.image, (1280, 720)), np.uint8) for one in film[:25]]
    scheme = marks.video_scheme()
    list(scheme.embed(_looped(stills, 12), 5, marks.SHARED_KEY))
    before = _peak()
    embed, count = _cost(lambda: sum(1 for _ in scheme.embed(_looped(stills, size), 12345, marks.SHARED_KEY)))
    marked = scheme.embed(_looped(stills, size), 12345, marks.SHARED_KEY)
    both, mark = _cost(lambda: scheme.detect(marked, marks.SHARED_KEY))
    unmarked, _ = _cost(lambda: scheme.detect(_looped(stills, size), marks.SHARED_KEY))
    right = mark is not None and mark.payload == 12345
    figures = {"embed": embed, "read": max(0.0, both - embed), "unmarked": unmarked}
    return {"frames": count, "megapixels": 1280 * 720 / 1e6, **figures, "right": right, "megabytes": _peak() - before}


def _looped(stills: list[NDArray[np.uint8]], count: int) -> Iterator[Frame]:
    there_and_back = [*stills, *stills[-2:0:-1]]
    for k in range(count):
        yield Frame(index=k, time=k / 25, image=there_and_back[k % len(there_and_back)])


def _cost(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    out = work()
    return round(time.process_time() - begun, 4), out


def _peak() -> float:
    """Return the most memory that this process has held, megabytes (Linux counts kilobytes)."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
