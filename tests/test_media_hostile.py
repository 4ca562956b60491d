"""Hostile files: whatever the bytes, an answer or an error of ours, soon, and never a crash of this process."""

from __future__ import annotations

import functools
from contextlib import closing
from itertools import islice
from types import ModuleType

import numpy as np
import pytest
from assay.media.asset import probe, sniff
from assay.media.decode import decode_audio, decode_image, stream_frames
from assay.media.encode import encode_audio, encode_image
from assay.media.errors import AssayError
from assay.media.limits import Limits
from assay.media.sniff import CONTAINERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

LIMITS = Limits(pixels=2_000_000, seconds=60.0, frames=500, memory_bytes=2 * 1024**3, worker_seconds=20.0)


@functools.cache
def _files(makers: ModuleType) -> dict[str, bytes]:
    tone = makers.tone(seconds=0.3)
    made = {name: encode_image(makers.card(), name) for name in ("jpeg", "png", "webp", "tiff", "gif", "heif", "avif")}
    made |= {name: encode_audio(tone, name) for name in ("wav", "flac", "mp3", "m4a", "aac", "ogg")}
    made |= {name: makers.film(5, audio=tone, container=name) for name in ("mp4", "mkv", "webm")}
    made |= {"avi": makers.film_of("mjpeg", "avi", pixels="yuvj420p"), "mpeg": makers.film_of("mpeg1video", "mpeg")}
    return made


def _examine(data: bytes) -> str:
    """Do all that can be done with `data`; return what came of it."""
    container = sniff(data)
    kind = probe(data, container, limits=LIMITS)["kind"]
    notes: list[str] = []
    if kind == "image":
        assert decode_image(data, limits=LIMITS).pixels.dtype == np.uint8
    elif kind == "audio":
        assert np.isfinite(decode_audio(data, limits=LIMITS, on_note=notes.append).samples).all()
    else:
        with closing(stream_frames(data, limits=LIMITS, on_note=notes.append)) as frames:  # type: ignore[type-var]
            times = [frame.time for frame in islice(frames, 50)]
        assert times == sorted(times)
    return str(kind)


@pytest.mark.parametrize("name", sorted(CONTAINERS.keys() - {"mov"}))
@given(data=st.data())
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_flipped_and_missing_bytes_give_an_answer_or_an_error_of_ours(
    name: str, data: st.DataObject, makers: ModuleType
) -> None:
    broken = bytearray(_files(makers)[name])
    for _ in range(data.draw(st.integers(1, 12))):
        # half of the blows go to the header, where lengths and counts are
        place = data.draw(st.integers(0, min(len(broken), 400) - 1) | st.integers(0, len(broken) - 1))
        broken[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(broken)) | st.integers(1, len(broken)))
    try:
        assert _examine(bytes(broken[:cut])) in {"image", "audio", "video"}
    except AssayError as error:
        words = str(error)
        assert words
        assert "\n" not in words
        assert "Traceback" not in words


@pytest.mark.parametrize("name", ["jpeg", "mp4", "wav"])
def test_what_is_not_broken_passes_the_same_way(name: str, makers: ModuleType) -> None:
    assert _examine(_files(makers)[name]) == {"jpeg": "image", "mp4": "video", "wav": "audio"}[name]
