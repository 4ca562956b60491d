"""The demonstration's material and page; the whole play is run by `make demo`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from assay.media.asset import Asset
from assay.media.errors import InputError
from assay.media.faces import finder
from assay.service.cli.progress import Steps
from assay.service.demo.cast import read_cast
from assay.service.demo.made import drawn_over, make_cast, pan
from assay.service.demo.play import play
from skimage.data import astronaut

SILENT = Steps(next=lambda _name: None, stage=lambda _name: None)


def test_the_made_cast_has_faces_a_film_of_two_and_a_voice(tmp_path: Path) -> None:
    cast = make_cast(tmp_path)
    assert cast.made
    assert [Asset.open(member.path).kind for member in cast.everyone()] == ["image", "image", "video", "audio"]
    assert len({member.people for member in cast.portraits}) == 2
    film = Asset.open(cast.films[0].path)
    assert film.audio is not None, "its sound is kept through the swap"


def test_both_people_of_the_made_film_are_found_in_its_first_and_last_frame() -> None:
    photo = astronaut()
    frames = list(pan(photo, drawn_over(photo)))
    for frame in (frames[0], frames[-1]):
        assert len(finder().find(frame.image)) == 2


def test_the_drawn_person_is_another_picture_of_a_face() -> None:
    photo = astronaut()
    drawn = drawn_over(photo)
    assert drawn.shape == photo.shape
    assert len(finder().find(drawn)) == 1
    assert np.abs(drawn.astype(int) - photo[:, ::-1].astype(int)).max() > 100


def test_a_folder_with_files_in_it_is_not_played_into(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(InputError, match="empty or new folder"):
        play(None, tmp_path, seed=1, progress=SILENT)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        pytest.param(None, "portraits of two people", id="empty"),
        pytest.param("file,who\n", "path and person", id="other columns"),
        pytest.param("path,person\n../secret.png,ann\n", "portraits of two people", id="outside"),
    ],
)
def test_material_that_does_not_serve_is_refused(tmp_path: Path, manifest: str | None, words: str) -> None:
    base = tmp_path / "media"
    base.mkdir()
    (tmp_path / "secret.png").write_bytes(b"")
    if manifest:
        (base / "manifest.csv").write_text(manifest)
    with pytest.raises(InputError, match=words):
        read_cast(base)


def test_the_shared_demonstration_material_is_read(shared: Path) -> None:
    cast = read_cast(shared / "media/demo")
    assert (len(cast.portraits), len(cast.films), len(cast.voices)) == (4, 3, 4)
    assert all(member.licence for member in cast.everyone())
