"""Finding, meshing, aligning and following faces, on the photograph that scikit-image ships."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from assay.media.errors import InputError, MissingExtra, NothingToExamine
from assay.media.extent import Region
from assay.media.faces import (
    FINDERS,
    Face,
    FaceFinder,
    Linker,
    Scenes,
    align,
    cut,
    finder,
    inverse,
    mesher,
    moved,
    similarity,
    template,
    track,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def astronaut() -> Picture:
    from skimage import data

    return np.asarray(data.astronaut(), dtype=np.uint8)


def face_at(left: float, top: float, side: float = 100.0) -> Face:
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], dtype=np.float32)
    region = Region(left=left, top=top, width=side, height=side)
    return Face(region=region, score=0.9, points=(points * side + [left, top]).astype(np.float32))


@pytest.fixture(params=sorted(FINDERS))
def each_finder(request: pytest.FixtureRequest) -> FaceFinder:
    if request.param == "mtcnn" and importlib.util.find_spec("facenet_pytorch") is None:
        pytest.skip("the extra mtcnn is not installed")
    return finder(request.param)


def test_every_finder_finds_the_astronaut_with_points_in_order(each_finder: FaceFinder, astronaut: Picture) -> None:
    before = astronaut.copy()
    (face,) = each_finder.find(astronaut)
    assert np.array_equal(before, astronaut)
    assert abs(face.region.left + face.region.width / 2 - 224) < 12
    assert abs(face.region.top + face.region.height / 2 - 116) < 14
    assert face.points.shape == (5, 2)
    assert face.points.dtype == np.float32
    left_eye, right_eye, nose, left_mouth, right_mouth = face.points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert 0.5 < face.score <= 1.0


def test_every_finder_says_the_same_twice(each_finder: FaceFinder, astronaut: Picture) -> None:
    first, second = each_finder.find(astronaut)[0], each_finder.find(astronaut)[0]
    assert first.region == second.region
    assert np.array_equal(first.points, second.points)


@pytest.mark.parametrize(
    "shape", [pytest.param(s, id=f"{s[1]}x{s[0]}") for s in ((1, 1), (1, 300), (300, 1), (16, 16), (97, 131))]
)
def test_every_finder_finds_nobody_in_an_empty_picture(each_finder: FaceFinder, shape: tuple[int, int]) -> None:
    assert each_finder.find(np.full((*shape, 3), 127, dtype=np.uint8)) == []


def test_several_faces_of_all_sizes_come_largest_first(astronaut: Picture) -> None:
    import cv2

    canvas = np.full((720, 1280, 3), 90, dtype=np.uint8)
    head = astronaut[20:240, 110:330]
    for left, side in ((20, 60), (200, 400), (700, 220), (1000, 110)):
        canvas[100 : 100 + side, left : left + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    found = finder().find(canvas)
    assert [round(face.region.left, -2) for face in found] == [300, 800, 1000, 0]
    areas = [face.region.width * face.region.height for face in found]
    assert areas == sorted(areas, reverse=True)
    assert found[-1].region.width < 35


def test_boxes_stay_inside_the_picture_when_a_face_is_cut_by_its_edge(astronaut: Picture) -> None:
    (face,) = finder().find(astronaut[90:, 200:])
    assert face.region.left >= 0
    assert face.region.top >= 0
    assert face.region.left + face.region.width <= 312


def test_an_unknown_finder_is_refused_with_the_known_names() -> None:
    with pytest.raises(InputError, match="known: retinaface, mtcnn"):
        finder("haar")


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.media.faces.mtcnn import Mtcnn

    monkeypatch.setitem(sys.modules, "facenet_pytorch", None)
    with pytest.raises(MissingExtra, match=r"assay\[mtcnn\]"):
        Mtcnn()


def test_the_mesh_agrees_with_the_finder_and_lies_in_the_picture(astronaut: Picture) -> None:
    (face,) = finder().find(astronaut)
    mesh = mesher().mesh(astronaut, face)
    assert mesh is not None
    assert mesh.points.shape == (468, 3)
    assert mesh.points.dtype == np.float32
    eyes = np.stack([(mesh.points[33] + mesh.points[133]) / 2, (mesh.points[263] + mesh.points[362]) / 2])[:, :2]
    mouth = mesh.points[[61, 291], :2]
    seen = np.concatenate([eyes, mouth])
    assert np.abs(seen - face.points[[0, 1, 3, 4]]).max() < 6.0
    assert mesh.points[1, 2] < mesh.points[234, 2], "the nose is nearer than the cheek"


@pytest.mark.parametrize("angle", [pytest.param(a, id=f"{a} degrees") for a in (-35, 20)])
@pytest.mark.parametrize("scale", [pytest.param(s, id=f"x{s}") for s in (0.6, 2.5)])
def test_the_mesh_turns_and_grows_with_the_face(astronaut: Picture, angle: float, scale: float) -> None:
    import cv2

    (face,) = finder().find(astronaut)
    plain = mesher().mesh(astronaut, face)
    matrix = cv2.getRotationMatrix2D((224.0, 116.0), angle, scale)
    matrix[:, 2] += np.array([256 * scale, 256 * scale]) - [224, 116]
    side = round(512 * scale)
    turned = np.asarray(cv2.warpAffine(astronaut, matrix, (side, side), flags=cv2.INTER_AREA), dtype=np.uint8)
    points = moved(face.points, matrix).astype(np.float32)
    again = mesher().mesh(turned, Face(region=face.region, score=1.0, points=points))
    assert plain is not None
    assert again is not None
    back = moved(again.points[:, :2], inverse(matrix))
    between_eyes = float(np.linalg.norm(plain.points[33, :2] - plain.points[263, :2]))
    assert np.linalg.norm(back - plain.points[:, :2], axis=1).mean() < 0.04 * between_eyes


def test_the_mesh_of_something_that_is_no_face_is_none(rng: np.random.Generator) -> None:
    noise = rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    assert mesher().mesh(noise, face_at(50, 50)) is None


def test_faces_need_neither_torch_nor_mediapipe_and_say_nothing() -> None:
    code = (
        "import sys, numpy as np; from assay.media.faces import finder, mesher; from assay.media.faces import Face;"
        "from assay.media.extent import Region; image = np.zeros((90, 90, 3), np.uint8); finder().find(image);"
        "points = np.array([[30, 30], [60, 30], [45, 45], [35, 60], [55, 60]], np.float32);"
        "mesher().mesh(image, Face(region=Region(left=20, top=20, width=50, height=50), score=1.0, points=points));"
        "sys.exit(len({'torch', 'mediapipe', 'jax', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.01, 100.0),
    shift=st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)),
)
def test_similarity_finds_the_motion_that_was_made(angle: float, scale: float, shift: tuple[float, float]) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    made = np.column_stack([turn, shift])
    points = template(0.2) * 50
    found = similarity(points, moved(points, made))
    np.testing.assert_allclose(found, made, atol=1e-7 * (scale + 1000))
    np.testing.assert_allclose(moved(moved(points, found), inverse(found)), points, atol=1e-6 * (1000 / scale + 100))


def test_similarity_never_mirrors() -> None:
    points = template(0.0)
    assert np.linalg.det(similarity(points, points * [-1, 1])[:, :2]) > 0


def test_points_that_coincide_are_refused() -> None:
    with pytest.raises(NothingToExamine, match="coincide"):
        similarity(np.full((5, 2), 7.0), template(0.0))


def test_align_brings_a_turned_face_upright(astronaut: Picture) -> None:
    import cv2

    (face,) = finder().find(astronaut)
    turn = cv2.getRotationMatrix2D((224.0, 116.0), 25.0, 1.0)
    tilted = np.asarray(cv2.warpAffine(astronaut, turn, (512, 512)), dtype=np.uint8)
    tilted_face = Face(region=face.region, score=1.0, points=moved(face.points, turn).astype(np.float32))
    crop, matrix = align(tilted, tilted_face, 128)
    straight, _ = align(astronaut, face, 128)
    assert crop.shape == (128, 128, 3)
    assert np.abs(crop.astype(float) - straight).mean() < 6.0
    assert np.abs(moved(tilted_face.points, matrix) - template(0.15) * 128).max() < 10.0


def test_shrinking_averages_fine_patterns_away() -> None:
    checks = np.indices((800, 800)).sum(axis=0) % 2 * 255
    image = np.repeat(checks[..., None], 3, axis=2).astype(np.uint8)
    small = cut(image, np.array([[0.13, 0.0, 0.0], [0.0, 0.13, 0.0]]), 100)
    assert np.abs(small.astype(float) - 127.5).max() < 12.0


def test_a_crop_does_not_depend_on_the_way_it_is_shrunk() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 900).round().astype(np.uint8)[None, :, None], (900, 900, 3))
    matrix = np.array([[0.2, 0.0, -40.0], [0.0, 0.2, -40.0]])
    crop = cut(np.ascontiguousarray(ramp), matrix, 80)
    expected = ((np.arange(80) + 40.0) / 0.2) * 255 / 899
    assert np.abs(crop[40, :, 0] - expected).max() < 1.5


def test_people_who_cross_keep_their_tracks() -> None:
    frames = [(i, i / 25, [face_at(10 * i, 0, 120), face_at(800 - 10 * i, 95, 100)]) for i in range(80)]
    tracks = track(frames)
    assert [len(t.sightings) for t in tracks] == [80, 80]
    assert all(s.face.region.width == 120 for s in tracks[0].sightings)
    assert repr(tracks) == repr(track(frames))


def test_a_short_gap_is_bridged_and_a_long_one_is_not() -> None:
    def seen(gap: int) -> int:
        frames = [(i, i / 25, [] if 10 <= i < 10 + gap else [face_at(3.0 * i, 0)]) for i in range(100)]
        return len(track(frames))

    assert [seen(5), seen(20), seen(60)] == [1, 1, 2]


def test_no_track_goes_across_a_cut() -> None:
    frames = [(i, i / 25, [face_at(5, 5)]) for i in range(10)]
    assert [[s.index for s in t.sightings] for t in track(frames, cuts={6})] == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9]]


def test_a_face_elsewhere_or_of_another_size_is_another_person() -> None:
    linker = Linker()
    assert linker.link(0.0, [face_at(0, 0)]) == [0]
    assert linker.link(0.04, [face_at(400, 0)]) == [1]
    assert linker.link(0.08, [face_at(400, 0, 20)]) == [2]


def test_sparse_looks_at_a_film_still_join(astronaut: Picture) -> None:
    frames = [(25 * i, 3.0 * i, [face_at(20.0 + 4 * (i % 2), 0)]) for i in range(6)]
    assert len(track(frames)) == 1


def test_a_cut_is_noticed_and_a_pan_or_a_fade_is_not(astronaut: Picture) -> None:
    scenes = Scenes()
    pan = [scenes.cut(np.roll(astronaut, 6 * i, axis=1)) for i in range(12)]
    fade = [scenes.cut((astronaut * (1 - i / 12)).astype(np.uint8)) for i in range(12)]
    assert not any(pan[1:])
    assert not any(fade[1:])
    assert scenes.cut(255 - astronaut)


def test_every_face_of_a_group_photograph_is_found(shared: Path) -> None:
    import csv

    from PIL import Image

    with (shared / "media" / "faces" / "manifest.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["notes"] == "6 people"]
    with Image.open(shared / "media" / rows[0]["path"]) as picture:
        found = finder().find(np.asarray(picture.convert("RGB")))
    assert len(found) == 6
