"""Following one face through every frame: no gap, the longest piece, and never more memory than asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from assay.media.asset import Asset
from assay.media.decode import stream_frames
from assay.media.faces import CROP_SIDE, SKIN, Followed, Stretch, finder, follow, mesher
from assay.media.video import Frame
from assay.media.view import View


@pytest.fixture(scope="module")
def clip(shared: Path) -> list[Frame]:
    """Return the first second and a half of a talking face, 25 frames a second."""
    frames = stream_frames(Asset.open(shared / "media/demo/clip-1.mpg"))
    return [frame for frame, _ in zip(frames, range(38), strict=False)]


def followed(frames: Iterator[Frame] | list[Frame], stretch: Stretch | None = None) -> Followed:
    seen = follow(frames, finder=finder(), mesher=mesher(), stretch=stretch)
    assert seen is not None
    return seen


def test_every_frame_is_followed_and_agrees_with_looking_anew(clip: list[Frame]) -> None:
    seen = followed(clip)
    assert len(seen.times) == len(clip)
    assert seen.crops.shape == (len(clip), CROP_SIDE, CROP_SIDE, 3)
    assert seen.skin.shape == (len(clip), len(SKIN), 3)
    assert seen.rate == pytest.approx(25.0)
    for number in (10, 37):
        anew = mesher().mesh(clip[number].image, finder().find(clip[number].image)[0])
        assert anew is not None
        gaps = np.linalg.norm(anew.points[:, :2] - seen.points[number, :, :2], axis=1)
        assert float(np.median(gaps)) < 0.02 * seen.side


def test_the_colours_are_those_of_the_skin(clip: list[Frame]) -> None:
    image = clip[0].image.copy()
    seen = followed([Frame(index=0, time=0.0, image=image)])
    assert (seen.skin[..., 0] > seen.skin[..., 2]).all(), "skin is redder than blue"
    assert np.isfinite(seen.surround).all()


def test_a_face_that_goes_away_ends_the_piece_and_the_longest_is_kept(clip: list[Frame]) -> None:
    empty = np.full_like(clip[0].image, 90)
    gone = [Frame(index=f.index, time=f.time, image=empty if 10 <= f.index < 13 else f.image) for f in clip]
    seen = followed(gone)
    assert seen.times[0] == pytest.approx(clip[13].time)
    assert len(seen.times) == len(clip) - 13


def test_a_film_without_end_is_left_when_enough_is_seen(clip: list[Frame]) -> None:
    taken = 0

    def endless() -> Iterator[Frame]:
        nonlocal taken
        while True:
            yield Frame(index=taken, time=taken / 25, image=clip[taken % 5].image)
            taken += 1

    seen = followed(endless(), Stretch(seconds=0.4))
    assert taken <= 11
    assert seen.seconds == pytest.approx(0.4)
    taken = 0
    assert len(followed(endless(), Stretch(seconds=9.0, frames=6)).times) == 6
    assert taken <= 7


def test_pictures_and_faceless_films_have_nobody_to_follow(shared: Path) -> None:
    flat = Frame(index=0, time=0.0, image=np.full((60, 80, 3), 90, np.uint8))
    assert follow([flat], finder=finder(), mesher=mesher()) is None
    assert View.open(shared / "media/demo/portrait-1.jpg").followed is None
