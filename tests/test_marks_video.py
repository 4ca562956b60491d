"""The film mark: what it survives, where it says it is, and that it streams."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest
import skimage.data
from assay.media.video import Frame
from assay.provenance.marks import SHARED_KEY, MarkError, canvas, presence, video_reader, video_scheme
from scipy.stats import kstest

OTHER = bytes(range(32))
PAYLOAD = 0x1122_3344_5566_7788
MARK = video_scheme()
RATE = 25.0


def film(count: int = 75, *, width: int = 480, height: int = 360, first: int = 0) -> list[Frame]:
    """A camera that pans over a photograph while a box moves across."""
    wall = cv2.resize(skimage.data.coffee(), (width + 160, height + 60), interpolation=cv2.INTER_AREA)
    frames = []
    for number in range(first, first + count):
        left, top = 60 + int(50 * np.sin(number / 20)), 20 + int(15 * np.cos(number / 13))
        image = wall[top : top + height, left : left + width].copy()
        cv2.circle(image, (3 * number % width, height // 2), 30, (200, 80, 60), -1)
        frames.append(Frame(index=number, time=number / RATE, image=image))
    return frames


def _again(images: list[np.ndarray], rate: float = RATE) -> list[Frame]:
    return [Frame(index=n, time=n / rate, image=np.ascontiguousarray(image)) for n, image in enumerate(images)]


def _coded(frames: list[Frame], *, codec: str = "libx264", crf: int = 28) -> list[Frame]:
    height, width = frames[0].image.shape[:2]
    buffer = io.BytesIO()
    options = {"crf": str(crf), "preset": "veryfast", "x265-params": "log-level=none"}
    with av.open(buffer, "w", format="mp4") as box:
        stream = box.add_stream(codec, rate=int(RATE), options=options if codec == "libx265" else {"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            picture.pts = number
            box.mux(stream.encode(picture))
        box.mux(stream.encode())
    buffer.seek(0)
    with av.open(buffer) as box:
        return _again([picture.to_ndarray(format="rgb24") for picture in box.decode(video=0)])


def _half(frames: list[Frame]) -> list[Frame]:
    return _again([cv2.resize(frame.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for frame in frames])


def _cropped(frames: list[Frame]) -> list[Frame]:
    return _again([frame.image[30:330, 40:440] for frame in frames])


ATTACKS = [
    pytest.param(lambda frames: frames, id="nothing"),
    pytest.param(_coded, id="H.264 crf 28"),
    pytest.param(lambda frames: _coded(frames, codec="libx265"), id="H.265 crf 28"),
    pytest.param(lambda frames: _coded(_coded(frames, crf=24), codec="libx265"), id="two codecs"),
    pytest.param(lambda frames: _coded(_half(frames), crf=23), id="half size"),
    pytest.param(lambda frames: _coded(frames[7:]), id="start cut off"),
    pytest.param(lambda frames: _again([frame.image for frame in frames[::2]], RATE / 2), id="every other frame"),
    pytest.param(lambda frames: _coded(_cropped(frames), crf=20), id="cropped"),
    pytest.param(
        lambda frames: _again([np.clip(1.2 * f.image.astype(float), 0, 255).astype(np.uint8) for f in frames]),
        id="brighter",
    ),
]


@pytest.fixture(scope="module")
def marked() -> list[Frame]:
    return list(MARK.embed(film(), PAYLOAD, SHARED_KEY))


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_id_survives(marked: list[Frame], attack: Callable[[list[Frame]], list[Frame]]) -> None:
    mark = MARK.detect(attack(marked), SHARED_KEY)
    assert mark is not None
    assert mark.payload == PAYLOAD
    assert mark.p_false_alarm < 1e-6


def test_times_indices_and_shapes_stay_and_the_change_is_small(marked: list[Frame]) -> None:
    for before, after in zip(film(), marked, strict=True):
        assert (before.index, before.time, before.image.shape) == (after.index, after.time, after.image.shape)
        loss = np.square(before.image.astype(float) - after.image).mean()
        assert 10 * np.log10(255**2 / loss) >= 41.5


def test_nothing_is_found_without_mark_or_with_another_key(marked: list[Frame]) -> None:
    assert MARK.detect(film(), SHARED_KEY) is None
    assert MARK.detect(marked, OTHER) is None
    assert MARK.detect([], SHARED_KEY) is None


def test_the_spans_tell_which_seconds_are_marked(marked: list[Frame]) -> None:
    mixed = [*marked[:50], *film(50, first=50), *marked[50:]]
    mark = MARK.detect(_again([frame.image for frame in mixed]), SHARED_KEY)
    assert mark is not None
    covered = [any(span.start <= t <= span.end for span in mark.spans) for t in (1.0, 3.0, 4.5)]
    assert covered == [True, False, True]


def test_one_frame_and_odd_sizes_and_uneven_times_carry_an_id() -> None:
    single = film(1, width=333, height=251)
    uneven = [Frame(index=f.index, time=f.time + (f.index % 3) * 0.01, image=f.image) for f in film(20)]
    for frames in (single, uneven):
        mark = MARK.detect(list(MARK.embed(frames, 3, SHARED_KEY)), SHARED_KEY)
        assert mark is not None
        assert mark.payload == 3
        assert all(0 <= span.start < span.end for span in mark.spans)


def test_frames_come_out_before_the_film_is_over() -> None:
    taken = 0

    def endless() -> Iterator[Frame]:
        nonlocal taken
        still = film(1, width=160, height=160)[0].image
        while True:
            yield Frame(index=taken, time=taken / RATE, image=still)
            taken += 1

    stream = MARK.embed(endless(), 3, SHARED_KEY)
    for _ in range(40):
        next(stream)
    assert taken < 40 + 25


def test_small_frames_are_refused() -> None:
    with pytest.raises(MarkError, match="128 pixels"):
        list(MARK.embed(film(3, width=100, height=100), 1, SHARED_KEY))


def test_embedding_is_the_same_twice_and_leaves_its_input_alone() -> None:
    frames = film(12)
    first = list(MARK.embed(frames, 5, SHARED_KEY))
    second = list(MARK.embed(frames, 5, SHARED_KEY))
    for original, frame, one, two in zip(film(12), frames, first, second, strict=True):
        assert (original.image == frame.image).all()
        assert (one.image == two.image).all()


def test_flat_media_do_not_get_the_same_p_value_because_they_are_flat() -> None:
    where = canvas.layout(SHARED_KEY, MARK.name, canvas.FILMS)
    shape, rng = where.dither.shape, np.random.default_rng(3)
    flat = rng.random((2, *shape)) < 0.9  # two films, each with flat parts of its own
    media = [presence.turns(rng.normal(0.0, np.where(one, 0.05, 3.0)), np.ones(shape)) for one in flat]
    flatness = [np.where(one, 0.05, 3.0) * rng.uniform(0.5, 2.0, shape) for one in flat]
    keys = [replace(where, dither=rng.random(shape).astype(np.float32)) for _ in range(150)]
    plain = np.array([[presence.p_value(one, key) for one in media] for key in keys])
    apart = np.array(
        [[presence.p_value(one, key, near) for one, near in zip(media, flatness, strict=True)] for key in keys]
    )
    assert np.corrcoef(plain.T)[0, 1] > 0.4
    assert abs(np.corrcoef(apart.T)[0, 1]) < 0.25
    assert kstest(apart.ravel(), "uniform").pvalue > 0.01


def test_presence_is_uniform_over_keys_without_a_mark_and_tiny_with_one(marked: list[Frame]) -> None:
    frames, rng = film(22, width=160, height=128), np.random.default_rng(4)
    values = [MARK.presence(frames, rng.bytes(32)) for _ in range(60)]
    assert kstest(values, "uniform").pvalue > 0.01
    assert 0.0 < MARK.presence(_coded(marked, crf=35), SHARED_KEY) < 1e-9
    assert MARK.presence(marked, OTHER) > 1e-4
    assert MARK.presence([], SHARED_KEY) == 1.0


@pytest.mark.parametrize("count", [2, 9, 24, 25])
def test_short_films_with_much_motion_carry_an_id_through_a_codec(count: int) -> None:
    frames = [film(1, width=200, height=160, first=9 * number)[0] for number in range(count)]
    mark = MARK.detect(_coded(list(MARK.embed(_again([f.image for f in frames]), 3, SHARED_KEY)), crf=20), SHARED_KEY)
    assert mark is not None
    assert mark.payload == 3
    assert mark.spans[0].start < 0.2


def test_long_films_are_read_in_constant_memory(monkeypatch: pytest.MonkeyPatch, marked: list[Frame]) -> None:
    monkeypatch.setattr(video_reader, "MOST_ROWS", 3)
    twice = _again([frame.image for frame in (*marked, *marked)])
    mark = MARK.detect(twice, SHARED_KEY)
    assert mark is not None
    assert mark.payload == PAYLOAD
    assert mark.spans[0].start == 0.0
    assert mark.spans[-1].end == pytest.approx(6.0, abs=0.05)
