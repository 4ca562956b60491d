"""Films of few and small frames go through every film codec; what a codec does not take is an error of ours."""

from __future__ import annotations

import numpy as np
import pytest
from assay.datasets.codecs import FilmCodec, h264, h265, through_film, vp9
from assay.datasets.corpus import CorpusError
from assay.media.video import Frame


def _film(rng: np.random.Generator, count: int, side: int) -> list[Frame]:
    pixels = np.repeat(rng.integers(0, 255, (count, side, side, 1), dtype=np.uint8), 3, axis=3)
    return [Frame(index=i, time=i / 25, image=image) for i, image in enumerate(pixels)]


@pytest.mark.parametrize("codec", [pytest.param(h264(30), id="h264"), pytest.param(vp9(30), id="vp9")])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_small_frames_come_back(codec: FilmCodec, count: int, rng: np.random.Generator) -> None:
    film = _film(rng, count, 40)
    assert [frame.image.shape for frame in through_film(film, codec)] == [(40, 40, 3)] * count


@pytest.mark.parametrize("side", [8, 64, 200])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_h265_takes_few_frames_of_any_size_alike_each_time(count: int, side: int, rng: np.random.Generator) -> None:
    film = _film(rng, count, side)
    once, again = through_film(film, h265(28)), through_film(film, h265(28))
    assert [frame.time for frame in once] == [frame.time for frame in film]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(once, again, strict=True))
    # Noise at this rate keeps its means: it is this film that came back.
    assert abs(float(once[-1].image.mean()) - float(film[-1].image.mean())) < 6


def test_what_an_encoder_does_not_take_is_told_in_words_of_ours(rng: np.random.Generator) -> None:
    with pytest.raises(CorpusError, match=r"libx264 does not take 2 frames of 40 x 40 pixels"):
        through_film(_film(rng, 2, 40), FilmCodec(encoder="libx264", options={"profile": "nonsense"}))
    with pytest.raises(CorpusError, match="got none"):
        through_film([], h264(30))
