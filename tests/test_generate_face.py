"""Swapping faces: where the new face goes, what stays as it was, and whom it touches in a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from assay.generate.face import ENGINES, FaceEngine, Who, blend, engine, tone, warp
from assay.generate.face.canonical import MOUTH, OVAL, double_areas, mean_face, triangles
from assay.generate.face.interface import Chooser, chosen
from assay.generate.face.smooth import Ease, OneEuro, SteadyMesh
from assay.generate.interface import GenerationError
from assay.media.errors import InputError
from assay.media.extent import Region
from assay.media.faces import Face, finder, mesher, moved
from assay.media.image import Still
from assay.media.video import Frame
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]


@pytest.fixture(scope="module")
def astronaut() -> Picture:
    from skimage import data

    return np.asarray(data.astronaut(), dtype=np.uint8)


@pytest.fixture(scope="module")
def swapper() -> FaceEngine:
    return engine()


def landmarks(image: Picture) -> Points:
    mesh = mesher().mesh(image, finder().find(image)[0])
    assert mesh is not None
    return mesh.points[:, :2].astype(np.float64)


def tinted(image: Picture, gain: tuple[float, float, float]) -> Picture:
    return np.clip(image * np.array(gain), 0, 255).astype(np.uint8)


def outline(points: Points, shape: tuple[int, ...], *, grow: float) -> NDArray[np.bool_]:
    ring = points[list(OVAL)]
    ring = ring.mean(axis=0) + grow * (ring - ring.mean(axis=0))
    return blend.polygon(ring, (shape[1], shape[0])) > 0.5


def turned(image: Picture, angle: float, scale: float) -> tuple[Picture, Points]:
    import cv2

    matrix = cv2.getRotationMatrix2D((224.0, 116.0), angle, scale)
    matrix[:, 2] += np.array([200.0, 200.0]) - [224, 116]
    out = cv2.warpAffine(image, matrix, (400, 400), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(out, dtype=np.uint8), np.asarray(matrix)


@pytest.mark.parametrize("name", sorted(ENGINES))
@pytest.mark.parametrize(
    "place", [pytest.param(p, id=i) for p, i in ((36, "left of the nose"), (266, "right of the nose"), (4, "nose"))]
)
def test_a_spot_on_the_source_shows_at_the_same_place_of_the_target(name: str, place: int, astronaut: Picture) -> None:
    import cv2

    source, (target, _) = astronaut.copy(), turned(astronaut, 15.0, 1.6)
    spot = landmarks(astronaut)[place]
    cv2.circle(source, (round(spot[0]), round(spot[1])), 4, (0, 255, 0), -1)
    before = source.copy(), target.copy()
    swapped = engine(name).swap_still(Still(pixels=target), Still(pixels=source)).pixels
    assert np.array_equal(before[0], source)
    assert np.array_equal(before[1], target)
    green = swapped.astype(int)[..., 1] * 2 - swapped[..., 0] - swapped[..., 2]
    rows, columns = np.nonzero(green > 100)
    middle = np.array([columns.mean(), rows.mean()])
    assert np.linalg.norm(middle - landmarks(target)[place]) < 5.0


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_nothing_changes_outside_the_face_and_the_same_comes_twice(name: str, astronaut: Picture) -> None:
    target = Still(pixels=turned(astronaut, -10.0, 1.4)[0], orientation=6, notes=("turned upright",))
    source = Still(pixels=tinted(astronaut, (1.1, 0.9, 0.8)))
    first, second = (engine(name).swap_still(target, source) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    assert (first.orientation, first.notes) == (6, ("turned upright",))
    away = ~outline(landmarks(target.pixels), target.pixels.shape, grow=1.15)
    assert np.array_equal(first.pixels[away], target.pixels[away])
    assert not np.array_equal(first.pixels, target.pixels)


def test_a_face_put_onto_itself_is_hardly_changed(swapper: FaceEngine, astronaut: Picture) -> None:
    swapped = swapper.swap_still(Still(pixels=astronaut), Still(pixels=astronaut)).pixels
    inside = outline(landmarks(astronaut), astronaut.shape, grow=0.9)
    assert np.abs(swapped.astype(float) - astronaut)[inside].mean() < 3.0


def test_the_new_face_takes_the_skin_colour_of_the_old_one(swapper: FaceEngine, astronaut: Picture) -> None:
    blue = tinted(astronaut, (0.45, 0.6, 1.0))
    swapped = swapper.swap_still(Still(pixels=astronaut), Still(pixels=blue)).pixels
    inside = outline(landmarks(astronaut), astronaut.shape, grow=0.8)
    old, new, given = (tone.lab(image)[inside].mean(axis=0) for image in (astronaut, swapped, blue))
    assert np.linalg.norm(given - old) > 25.0
    assert np.linalg.norm(new - old) < 4.0


def test_no_step_is_left_where_the_faces_meet(swapper: FaceEngine, astronaut: Picture) -> None:
    lit = np.clip(astronaut * np.linspace(0.5, 1.3, 512)[None, :, None], 0, 255).astype(np.uint8)
    swapped = swapper.swap_still(Still(pixels=lit), Still(pixels=tinted(astronaut, (0.7, 0.8, 1.0)))).pixels
    points = landmarks(lit)
    rim = outline(points, lit.shape, grow=0.95) & ~outline(points, lit.shape, grow=0.87)
    shift = (swapped.astype(float) - lit)[rim]
    assert np.abs(np.median(shift, axis=0)).max() < 5.0


def test_the_inside_of_an_open_mouth_stays_the_targets(swapper: FaceEngine, astronaut: Picture) -> None:
    large = turned(astronaut, 0.0, 2.2)[0]
    points = landmarks(large)
    target = large.copy()
    inside = blend.polygon(points[list(MOUTH)], (400, 400)) > 0.99
    target[inside] = (0, 200, 220)
    swapped = swapper.swap_still(Still(pixels=target), Still(pixels=astronaut)).pixels
    middle = points[[13, 14]].mean(axis=0).round().astype(int)
    assert np.abs(swapped[middle[1], middle[0]].astype(int) - [0, 200, 220]).max() < 25


def test_people_may_keep_their_eyes(astronaut: Picture) -> None:
    from assay.generate.face.landmark import LandmarkSwap

    target = turned(astronaut, 0.0, 2.2)[0]
    source = Still(pixels=np.ascontiguousarray(astronaut[:, ::-1]))
    eye = landmarks(target)[[159, 145, 33, 133]].mean(axis=0).round().astype(int)
    window = np.s_[eye[1] - 2 : eye[1] + 3, eye[0] - 4 : eye[0] + 5]
    kept = LandmarkSwap(keep_eyes=True).swap_still(Still(pixels=target), source).pixels[window]
    taken = LandmarkSwap().swap_still(Still(pixels=target), source).pixels[window]
    assert np.abs(kept.astype(float) - target[window]).mean() < 3.0
    assert np.abs(taken.astype(float) - target[window]).mean() > 6.0


def test_a_face_cut_by_the_edge_is_not_moved(swapper: FaceEngine, astronaut: Picture) -> None:
    cut = np.ascontiguousarray(astronaut[70:300, 190:400])
    swapped = swapper.swap_still(Still(pixels=cut), Still(pixels=astronaut)).pixels
    assert swapped.shape == cut.shape
    assert np.abs(swapped.astype(float) - cut).mean() < 4.0


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_a_missing_face_is_an_error_that_says_whose(name: str, astronaut: Picture) -> None:
    nobody, somebody = Still(pixels=np.full((120, 160, 3), 99, dtype=np.uint8)), Still(pixels=astronaut)
    swapper = engine(name)
    with pytest.raises(GenerationError, match="source"):
        swapper.swap_still(somebody, nobody)
    with pytest.raises(GenerationError, match="target picture"):
        swapper.swap_still(nobody, somebody)
    with pytest.raises(GenerationError, match="whose: 3; faces found: 1"):
        swapper.swap_still(somebody, somebody, who=3)
    with pytest.raises(GenerationError, match="source"):
        swapper.swap_film(iter(()), nobody)
    with pytest.raises(GenerationError, match="any frame"):
        list(swapper.swap_film(iter([Frame(index=0, time=0.0, image=nobody.pixels)]), somebody))


@pytest.mark.parametrize("who", [pytest.param(w, id=repr(w)) for w in ("nearest", True, 1.5, None)])
def test_a_choice_that_is_none_is_refused_before_anything_is_made(
    who: Who, swapper: FaceEngine, astronaut: Picture
) -> None:
    with pytest.raises(InputError, match="whose face"):
        swapper.swap_still(Still(pixels=astronaut), Still(pixels=astronaut), who=who)
    with pytest.raises(InputError, match="whose face"):
        swapper.swap_film(iter(()), Still(pixels=astronaut), who=who)


def test_an_unknown_engine_is_refused_with_the_known_names() -> None:
    with pytest.raises(InputError, match="known: landmark-swap"):
        engine("deep")


@pytest.fixture(scope="module")
def two_heads(astronaut: Picture) -> list[Frame]:
    """A film: nobody, then two heads on a grey wall, the left one growing past the right one, then nobody."""
    import cv2

    frames = []
    for index in range(14):
        image = np.full((270, 480, 3), 120, dtype=np.uint8)
        if 2 <= index < 12:
            for left, side in ((20 + 2 * index, 130 + 5 * index), (300 - 2 * index, 160)):
                head = cv2.resize(astronaut[0:250, 100:350], (side, side), interpolation=cv2.INTER_AREA)
                image[30 : 30 + side, left : left + side] = head
        frames.append(Frame(index=index, time=index / 25, image=image))
    return frames


def touched(before: list[Frame], after: list[Frame]) -> list[tuple[bool, bool]]:
    """Whether the left and the right half of each frame changed."""
    changes = [np.abs(a.image.astype(int) - b.image).max(axis=2) > 8 for a, b in zip(after, before, strict=True)]
    return [(bool(change[:, :235].any()), bool(change[:, 235:].any())) for change in changes]


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        pytest.param("all", (True, True), id="all"),
        pytest.param("left", (True, False), id="left"),
        pytest.param("right", (False, True), id="right"),
        pytest.param("largest", (False, True), id="largest keeps to its person when another grows larger"),
        pytest.param(0, (True, False), id="number 0"),
        pytest.param(1, (False, True), id="number 1"),
    ],
)
def test_a_film_changes_the_people_that_were_chosen_and_no_others(
    who: Who, expected: tuple[bool, bool], swapper: FaceEngine, astronaut: Picture, two_heads: list[Frame]
) -> None:
    source = Still(pixels=np.ascontiguousarray(tinted(astronaut, (1.0, 0.8, 0.7))[:, ::-1]))
    made = list(swapper.swap_film(iter(two_heads), source, who=who))
    assert [(f.index, f.time) for f in made] == [(f.index, f.time) for f in two_heads]
    assert touched(two_heads, made) == [(False, False)] * 2 + [expected] * 10 + [(False, False)] * 2


def test_a_film_is_made_frame_by_frame(swapper: FaceEngine, astronaut: Picture, two_heads: list[Frame]) -> None:
    taken: list[int] = []

    def frames() -> Iterator[Frame]:
        for frame in two_heads:
            taken.append(frame.index)
            yield frame

    made = swapper.swap_film(frames(), Still(pixels=astronaut))
    assert taken == []
    for number, frame in enumerate(made):
        assert frame.index == number
        assert len(taken) == number + 1


def test_a_swapped_film_flickers_no_more_than_the_original(
    swapper: FaceEngine, astronaut: Picture, rng: np.random.Generator
) -> None:
    import cv2

    frames = []
    for index in range(14):
        shift = np.array([[1.0, 0.0, 1.7 * index - 120], [0.0, 1.0, 0.6 * index]])
        image = cv2.warpAffine(astronaut, shift, (260, 260), borderMode=cv2.BORDER_REPLICATE).astype(float)
        noisy = np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
        frames.append(Frame(index=index, time=index / 25, image=noisy))
    source = Still(pixels=np.ascontiguousarray(tinted(astronaut, (0.9, 0.8, 0.8))[:, ::-1]))
    made = [f.image for f in swapper.swap_film(iter(frames), source)]

    def flicker(images: list[Picture]) -> float:
        back = [np.array([[1.0, 0.0, -1.7 * i], [0.0, 1.0, -0.6 * i]]) for i in range(len(images))]
        still = [
            cv2.warpAffine(cv2.GaussianBlur(i, (0, 0), 2), m, (260, 260)) for i, m in zip(images, back, strict=True)
        ]
        inside = outline(landmarks(frames[0].image), (260, 260), grow=0.9)
        return float(np.stack(still)[:, inside].astype(float).std(axis=0).mean())

    assert flicker(made) < 1.5 * flicker([f.image for f in frames])


def head(left: float, width: float) -> Face:
    region = Region(left=left, top=0, width=width, height=width)
    return Face(region=region, score=1.0, points=np.zeros((5, 2), dtype=np.float32))


def test_a_person_who_is_lost_is_not_replaced_by_a_bystander() -> None:
    chooser = Chooser("left")
    left, right = head(0, 90), head(500, 80)
    assert chooser.pick([0, 1], [left, right], cut=False) == [0]
    assert chooser.pick([1], [right], cut=False) == []
    assert chooser.pick([1, 2], [right, left], cut=False) == [1], "somebody who appears later takes the place"
    assert chooser.pick([3], [right], cut=True) == [0], "a new scene chooses anew"


def test_people_are_numbered_from_the_left() -> None:
    faces = [head(500, 90), head(0, 80), head(200, 70)]
    assert [chosen(faces, who) for who in (0, 1, 2, 3)] == [[1], [2], [0], []]
    assert (chosen(faces, "largest"), chosen(faces, "left"), chosen(faces, "right")) == ([0], [1], [0])
    assert chosen(faces, "all") == [0, 1, 2]
    assert [chosen([], who) for who in ("all", "largest", "left", "right", 0)] == [[]] * 5


def test_the_mean_face_is_symmetric_and_covered_once_by_its_triangles() -> None:
    from scipy.spatial import ConvexHull

    mirrored = mean_face() * [-1, 1] + [1, 0]
    distance = np.linalg.norm(mirrored[:, None] - mean_face()[None], axis=2).min(axis=1)
    assert distance.max() < 1e-3
    areas = double_areas(mean_face(), triangles())
    assert areas.min() > 0
    assert areas.sum() / 2 == pytest.approx(ConvexHull(mean_face()).volume)


@pytest.mark.parametrize("scale", [pytest.param(s, id=f"x{s}") for s in (0.3, 1.0, 2.0)])
def test_the_map_of_a_plain_motion_is_that_motion(scale: float) -> None:
    target = mean_face() * 300 + [40, 30]
    source = moved(target, np.array([[scale, 0.1, 5.0], [-0.1, scale, 60.0]]))
    box = warp.box_around(target, (400, 400), margin=0.1)
    places = warp.dense_map(target, source, box, depth=np.zeros(468))
    rows, columns = np.mgrid[box.top : box.bottom, box.left : box.right]
    expected = moved(np.stack([columns, rows], axis=-1).reshape(-1, 2), np.array([[scale, 0.1, 5], [-0.1, scale, 60]]))
    assert np.abs(places.reshape(-1, 2) - expected).max() < 0.02


def test_the_map_carries_every_landmark_to_its_partner(astronaut: Picture, rng: np.random.Generator) -> None:
    target = mean_face() * 300 + 40
    source = mean_face() * [280, 320] + 20 * np.sin(6 * mean_face()[:, ::-1]) + 30
    box = warp.box_around(target, (400, 400), margin=0.1)
    places = warp.dense_map(target, source, box, depth=np.zeros(468))
    cells = (target - box.corner).round().astype(int)
    inner = np.linalg.norm(mean_face() - 0.5, axis=1) < 0.35
    error = np.linalg.norm(places[cells[:, 1], cells[:, 0]] - source, axis=1)[inner]
    assert np.median(error) < 1.0
    assert error.max() < 4.0


def test_the_membrane_agrees_with_opencvs_poisson_solver() -> None:
    import cv2

    rows, columns = np.mgrid[0:64, 0:64]
    target = np.stack([60 + columns, 140 - rows, 90 + 0.5 * columns], axis=-1).astype(np.uint8)
    source = np.full((64, 64, 3), 100, dtype=np.uint8)
    inside = np.zeros((64, 64), dtype=np.uint8)
    cv2.circle(inside, (32, 32), 20, 255, -1)
    theirs = cv2.seamlessClone(source, target, inside, (32, 32), cv2.NORMAL_CLONE)
    rim = blend.seam((inside / 255).astype(np.float32))
    ours = source + blend.membrane(target.astype(np.float32) - source, rim)
    middle = (rows - 32) ** 2 + (columns - 32) ** 2 < 14**2
    assert np.abs(ours - theirs)[middle].max() < 5.0


def test_a_membrane_over_a_constant_gap_is_that_gap_and_without_seam_nothing() -> None:
    gap = np.full((64, 64, 3), 17.0, dtype=np.float32)
    weight = np.zeros((64, 64), dtype=np.float32)
    assert np.array_equal(blend.membrane(gap, weight), np.zeros_like(gap))
    weight[10:14, 10:50] = 1.0
    np.testing.assert_allclose(blend.membrane(gap, weight), gap, atol=0.05)


def test_dark_hair_and_bright_cloth_are_not_taken_for_skin() -> None:
    colours = np.full((32, 32, 3), (65.0, 15.0, 20.0), dtype=np.float32)
    colours[:8] = (20.0, 3.0, 5.0)
    colours[-6:] = (95.0, 0.0, 0.0)
    sample = np.zeros((32, 32), dtype=np.float32)
    sample[12:22, 8:24] = 1.0
    doubt = tone.unlike_skin(colours, sample)
    assert doubt[:5].min() > 0.9
    assert doubt[-3:].min() > 0.9
    assert doubt[12:22].max() < 0.05


def test_the_low_pass_stills_noise_and_follows_a_leap(rng: np.random.Generator) -> None:
    calm = OneEuro(slow=1.0, gain=0.1)
    noise = [calm.step(i / 25, rng.normal(0, 1, 200)) for i in range(60)]
    assert np.std(noise[-1]) < 0.5
    quick = OneEuro(slow=1.0, gain=5.0)
    for i in range(20):
        quick.step(i / 25, np.zeros(1))
    assert [quick.step(0.8 + i / 25, np.full(1, 10.0)) for i in range(4)][-1] > 9.0


def test_a_steadied_head_does_not_lag_behind_its_motion() -> None:
    steady = SteadyMesh()
    for i in range(20):
        points = mean_face() * (200 + 3 * i) + [12.0 * i, 5.0 * i]
        assert np.abs(steady.step(i / 25, points) - points).max() < 0.05


def test_the_running_mean_forgets_at_its_rate() -> None:
    ease = Ease(seconds=1.0)
    ease.step(0.0, np.zeros(1, dtype=np.float32))
    assert ease.step(1.0, np.ones(1, dtype=np.float32))[0] == pytest.approx(1 - np.exp(-1))


def test_everybody_in_a_group_photograph_gets_the_face(swapper: FaceEngine, shared: Path, astronaut: Picture) -> None:
    import csv

    from PIL import Image

    with (shared / "media" / "faces" / "manifest.csv").open() as file:
        row = next(row for row in csv.DictReader(file) if row["notes"] == "6 people")
    with Image.open(shared / "media" / row["path"]) as picture:
        target = Still(pixels=np.asarray(picture.convert("RGB")))
    swapped = swapper.swap_still(target, Still(pixels=astronaut), who="all").pixels
    change = np.abs(swapped.astype(int) - target.pixels).max(axis=2)
    faces = finder().find(target.pixels)
    assert len(faces) == 6
    for face in faces:
        x, y = face.points.mean(axis=0).round().astype(int)
        assert change[y - 12 : y + 12, x - 12 : x + 12].mean() > 4
