"""The picture mark: what it survives, what it costs, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from assay.provenance.marks import SHARED_KEY, MarkError, canvas, image_scheme
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import kstest
from skimage.metrics import structural_similarity

Picture = NDArray[np.uint8]
OTHER = bytes(range(32))
PAYLOAD = 0x0123_4567_89AB_CDEF
MARK = image_scheme()


def _coded(extension: str, option: int, quality: int) -> Callable[[Picture], Picture]:
    def run(pixels: Picture) -> Picture:
        done, data = cv2.imencode(extension, pixels[:, :, ::-1], [option, quality])
        assert done
        return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1])

    return run


def _scaled(factor: float) -> Callable[[Picture], Picture]:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return lambda pixels: cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=method)


def _cropped(pixels: Picture) -> Picture:
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(
        pixels[height // 5 : height // 5 + int(0.71 * height), width // 9 : width // 9 + int(0.71 * width)]
    )


def _cropped_and_coded(pixels: Picture) -> Picture:
    return _coded(".jpg", cv2.IMWRITE_JPEG_QUALITY, 70)(_cropped(pixels))


def _turned(degrees: float) -> Callable[[Picture], Picture]:
    def run(pixels: Picture) -> Picture:
        height, width = pixels.shape[:2]
        matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), degrees, 1.0)
        return cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC)

    return run


def _curve(change: Callable[[Any], Any]) -> Callable[[Picture], Picture]:
    table = np.clip(np.rint(change(np.arange(256.0))), 0, 255).astype(np.uint8)
    return lambda pixels: table[pixels]


def _noisy(pixels: Picture) -> Picture:
    noise = np.random.default_rng(5).normal(0, 10, pixels.shape)
    return np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)


def _palette(pixels: Picture) -> Picture:
    from PIL import Image

    return np.array(Image.fromarray(pixels).quantize(256).convert("RGB"))


ATTACKS = [
    pytest.param(lambda pixels: pixels, id="nothing"),
    pytest.param(_coded(".jpg", cv2.IMWRITE_JPEG_QUALITY, 50), id="jpeg 50"),
    pytest.param(_coded(".webp", cv2.IMWRITE_WEBP_QUALITY, 50), id="webp 50"),
    pytest.param(_scaled(0.4), id="0.4 x"),
    pytest.param(_scaled(2.0), id="2 x"),
    pytest.param(_cropped, id="half of the area"),
    pytest.param(_cropped_and_coded, id="half of the area, jpeg 70"),
    pytest.param(_turned(5.0), id="turned by 5 degrees"),
    pytest.param(_turned(-3.0), id="turned by -3 degrees"),
    pytest.param(lambda pixels: cv2.GaussianBlur(pixels, (0, 0), 1.5), id="blur"),
    pytest.param(_noisy, id="noise"),
    pytest.param(_palette, id="palette"),
    pytest.param(_curve(lambda v: 1.3 * v), id="brighter"),
    pytest.param(_curve(lambda v: 128 + 0.7 * (v - 128)), id="less contrast"),
    pytest.param(_curve(lambda v: 255 * (v / 255) ** 1.5), id="gamma 1.5"),
    pytest.param(_curve(lambda v: 255 * (v / 255) ** 0.67), id="gamma 0.67"),
]


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [skimage.data.astronaut(), np.ascontiguousarray(skimage.data.chelsea()), skimage.data.coffee()]


@pytest.fixture(scope="module")
def marked(pictures: list[Picture]) -> list[Picture]:
    return [MARK.embed(pixels, PAYLOAD + number, SHARED_KEY) for number, pixels in enumerate(pictures)]


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_id_survives(marked: list[Picture], attack: Callable[[Picture], Picture]) -> None:
    for number, pixels in enumerate(marked):
        if attack in (_cropped, _cropped_and_coded) and number == 0:
            continue  # the busiest of the three: its waves are too weak for half of it, see docs/marks.md
        mark = MARK.detect(np.ascontiguousarray(attack(pixels)), SHARED_KEY)
        assert mark is not None
        assert mark.payload == PAYLOAD + number
        assert mark.p_false_alarm < 1e-6


def test_the_change_cannot_be_seen(pictures: list[Picture], marked: list[Picture]) -> None:
    for before, after in zip(pictures, marked, strict=True):
        loss = np.square(after.astype(float) - before).mean()
        assert 10 * np.log10(255**2 / loss) >= 41.8
        assert structural_similarity(before, after, channel_axis=2) >= 0.97


def test_nothing_is_found_in_unmarked_pictures_or_with_another_key(
    pictures: list[Picture], marked: list[Picture]
) -> None:
    for before, after in zip(pictures, marked, strict=True):
        assert MARK.detect(before, SHARED_KEY) is None
        assert MARK.detect(after, OTHER) is None


def test_two_keys_do_not_read_each_other(pictures: list[Picture]) -> None:
    private = MARK.embed(pictures[0], 7, OTHER)
    assert MARK.detect(private, SHARED_KEY) is None
    found = MARK.detect(private, OTHER)
    assert found is not None
    assert found.payload == 7


def test_the_later_of_two_marks_is_read(marked: list[Picture]) -> None:
    mark = MARK.detect(MARK.embed(marked[0], 99, SHARED_KEY), SHARED_KEY)
    assert mark is not None
    assert mark.payload == 99


def test_embedding_is_the_same_twice_and_leaves_its_input_alone(pictures: list[Picture]) -> None:
    pixels = pictures[1].copy()
    first = MARK.embed(pixels, 5, SHARED_KEY)
    assert (pixels == pictures[1]).all()
    assert (first == MARK.embed(pixels, 5, SHARED_KEY)).all()
    assert first.dtype == np.uint8
    assert first.shape == pixels.shape


@settings(max_examples=12, deadline=None)
@given(
    payload=st.integers(0, 2**64 - 1),
    key=st.binary(min_size=32, max_size=32),
    width=st.integers(220, 700),
    height=st.integers(220, 700),
)
def test_any_id_key_and_shape_comes_back(payload: int, key: bytes, width: int, height: int) -> None:
    pixels = cv2.resize(skimage.data.astronaut(), (width, height), interpolation=cv2.INTER_AREA)
    mark = MARK.detect(MARK.embed(pixels, payload, key), key)
    assert mark is not None
    assert mark.payload == payload


@pytest.mark.parametrize("shape", [(127, 400), (400, 127), (1, 1)])
def test_a_small_picture_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(MarkError, match="128 pixels"):
        MARK.embed(np.zeros((*shape, 3), dtype=np.uint8), 1, SHARED_KEY)


def test_the_smallest_and_grey_and_flat_pictures_carry_an_id() -> None:
    small = cv2.resize(skimage.data.astronaut(), (128, 128), interpolation=cv2.INTER_AREA)
    grey = cv2.merge([skimage.data.camera()] * 3)
    flat = np.full((300, 400, 3), 120, dtype=np.uint8)
    for pixels in (small, grey, flat):
        mark = MARK.detect(MARK.embed(pixels, 3, SHARED_KEY), SHARED_KEY)
        assert mark is not None
        assert mark.payload == 3


@pytest.mark.parametrize("level", [0, 255])
def test_saturated_pixels_stay_as_they_are(level: int) -> None:
    pixels = skimage.data.astronaut().copy()
    pixels[:200] = level
    assert (MARK.embed(pixels, 3, SHARED_KEY)[:180] == level).all()


@pytest.mark.parametrize("shape", [(1, 1), (5, 900), (64, 64)])
def test_tiny_flat_and_noisy_pictures_carry_nothing(shape: tuple[int, int], rng: np.random.Generator) -> None:
    assert MARK.detect(np.full((*shape, 3), 9, dtype=np.uint8), SHARED_KEY) is None
    assert MARK.detect(rng.integers(0, 256, (*shape, 3), dtype=np.uint8), SHARED_KEY) is None


def test_crops_of_unmarked_pictures_carry_nothing(pictures: list[Picture], rng: np.random.Generator) -> None:
    for _ in range(20):
        pixels = pictures[int(rng.integers(len(pictures)))]
        top, left = rng.integers(0, 100, 2)
        assert MARK.detect(np.ascontiguousarray(pixels[top : top + 180, left : left + 240]), SHARED_KEY) is None


def test_faces_survive_what_a_social_site_does(shared: Path) -> None:
    paths = sorted((shared / "media" / "demo").glob("portrait-*.jpg"))
    assert paths
    site = _coded(".jpg", cv2.IMWRITE_JPEG_QUALITY, 60)
    for path in paths:
        pixels = np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])
        mark = MARK.detect(site(_scaled(0.6)(MARK.embed(pixels, PAYLOAD, SHARED_KEY))), SHARED_KEY)
        assert mark is not None
        assert mark.payload == PAYLOAD


def test_presence_is_uniform_over_keys_without_a_mark_and_tiny_with_one(
    pictures: list[Picture], marked: list[Picture]
) -> None:
    rng = np.random.default_rng(8)
    small = [np.ascontiguousarray(pixels[::2, ::2]) for pixels in pictures]
    values = [MARK.presence(pixels, rng.bytes(32)) for pixels in small for _ in range(60)]
    assert kstest(values, "uniform").pvalue > 0.01
    for pixels in marked:
        assert 0.0 < MARK.presence(_coded(".jpg", cv2.IMWRITE_JPEG_QUALITY, 50)(pixels), SHARED_KEY) < 1e-50
        assert MARK.presence(pixels, OTHER) > 1e-4


@pytest.mark.parametrize("grid", [canvas.PICTURES, canvas.FILMS])
def test_blocks_do_not_meet_in_steps(grid: canvas.Grid, rng: np.random.Generator) -> None:
    where = canvas.layout(SHARED_KEY, "a scheme", grid)
    change = canvas.backward(canvas.spread(rng.normal(0, 20, where.dither.shape).astype(np.float32), where), where)
    steps = np.abs(np.diff(change, axis=1)).mean(axis=0)
    border = np.arange(1, canvas.SIDE) % canvas.BLOCK == 0
    assert steps[border].mean() < 4 * steps[~border].mean()  # 9 and 25 times without the blur
