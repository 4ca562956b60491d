"""Cues at one picture's own pixels and in a film's coding: what was planted is found, its absence is not, and why."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.detect import CATALOGUE, ON_REQUEST, detector
from assay.detect.cue import Measured, Untold
from assay.detect.finding import UNCALIBRATED, Evidence, Finding
from assay.detect.fuse import fuse
from assay.detect.model import WEIGHTS, shipped
from assay.detect.visual.cues.compression import CompressionDetector, earlier, table_of
from assay.detect.visual.cues.edits import MARGIN, judged
from assay.detect.visual.cues.eyes import GRID, EyesDetector, overlap, pupil
from assay.detect.visual.cues.noise import ColourFilterDetector, NoiseDetector
from assay.detect.visual.cues.portrait import Portrait, PortraitCue, portraits
from assay.detect.visual.cues.spectrum import SpectrumDetector, excess, power_of
from assay.detect.visual.cues.steadiness import identity, teeth
from assay.media.asset import Asset
from assay.media.audio import Audio
from assay.media.decode import decode_image, stream_frames
from assay.media.encode import encode_film, encode_image
from assay.media.faces.iris import iris_finder
from assay.media.image import Still
from assay.media.packets import Packets, film_packets
from assay.media.video import Frame
from assay.media.view import View

STILL = ("visual-noise", "visual-cfa", "visual-spectrum", "visual-compression", "visual-eyes")


def oval(pixels: np.ndarray) -> Portrait:
    """Return a portrait whose landmarks fill an oval in the middle, half the picture wide."""
    height, width = pixels.shape[:2]
    turn = np.linspace(0, 2 * np.pi, 468, endpoint=False)
    reach = np.sqrt(np.linspace(0, 1, 468))[:, None]
    points = np.stack([0.25 * width * np.cos(29 * turn), 0.3 * height * np.sin(29 * turn)], axis=1) * reach
    points[[234, 454]] = [[-0.25 * width, 0], [0.25 * width, 0]]
    middle = np.array([width / 2, height / 2])
    return Portrait(image=np.ascontiguousarray(pixels), points=(points + middle).astype(np.float32))


def inside(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width]
    return np.hypot((x - width / 2) / (0.25 * width), (y - height / 2) / (0.3 * height))[..., None] <= 1


def scene(rng: np.random.Generator, side: int = 384) -> np.ndarray:
    """Return a picture without noise: slopes, patches and a fine texture, float 40..220."""
    import cv2

    coarse, fine = (
        cv2.resize(rng.normal(0, 1, (n, n, 3)), (side, side), interpolation=cv2.INTER_CUBIC) for n in (5, side // 3)
    )
    return np.clip(128 + 30 * coarse + 6 * fine, 40, 220)


def rounded(pixels: np.ndarray) -> np.ndarray:
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def score(cue: PortraitCue, portrait: Portrait) -> float:
    answer = cue.measure(portrait)
    assert isinstance(answer, Measured), answer
    return answer.score


def test_a_face_with_another_noise_than_its_surroundings_stands_out(rng: np.random.Generator) -> None:
    import cv2

    flat = cv2.GaussianBlur(scene(rng), (0, 0), 4)
    noise = rng.normal(0, 1, flat.shape)
    own = rounded(flat + 3 * noise)
    other = rounded(flat + np.where(inside(flat), 1.0, 3.0) * noise)
    assert score(NoiseDetector(), oval(own)) < 0.3
    assert score(NoiseDetector(), oval(other)) > 1.0
    silent = NoiseDetector().measure(oval(rounded(np.where(inside(flat), 3 * noise, 0) + 128)))
    assert isinstance(silent, Untold)
    assert "no noise" in silent.why


def mosaic(pixels: np.ndarray) -> np.ndarray:
    """Return `pixels` as a camera with a Bayer filter gives them, made up by bilinear interpolation."""
    import cv2

    seen = rounded(pixels)
    raw = seen[..., 1].copy()
    raw[0::2, 0::2], raw[1::2, 1::2] = seen[0::2, 0::2, 0], seen[1::2, 1::2, 2]
    return np.asarray(cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB))


def test_a_face_without_the_colour_filter_of_its_picture_stands_out(rng: np.random.Generator) -> None:
    picture = scene(rng) + rng.normal(0, 2, (384, 384, 3))
    own = mosaic(picture)
    other = np.where(inside(picture), rounded(picture), own)
    assert abs(score(ColourFilterDetector(), oval(own))) < 0.3
    assert score(ColourFilterDetector(), oval(other)) > 0.7
    answer = ColourFilterDetector().measure(oval(rounded(picture)))
    assert isinstance(answer, Untold)
    assert "no trace" in answer.why


def test_a_grid_leaves_a_lonely_peak_and_softness_a_lack_of_high_end(rng: np.random.Generator) -> None:
    import cv2

    natural = scene(rng) + rng.normal(0, 4, (384, 384, 3))
    y, x = np.mgrid[:384, :384]
    grid = natural + 3.0 * (np.cos(np.pi * x / 2) * np.cos(np.pi * y / 2))[..., None]
    plain, planted = (SpectrumDetector().measure(oval(rounded(one))) for one in (natural, grid))
    assert isinstance(plain, Measured)
    assert isinstance(planted, Measured)
    assert planted.score > plain.score + 6
    assert planted.figures["at"] == pytest.approx(np.hypot(0.25, 0.25), abs=0.02)
    fall = [excess(power_of(one))[1] for one in (natural[..., 1], cv2.GaussianBlur(natural, (0, 0), 1.5)[..., 1])]
    assert fall[1] < fall[0] - 10


def test_a_file_tells_its_own_table_and_a_broken_one_none(rng: np.random.Generator) -> None:
    from PIL import Image

    data = encode_image(rounded(scene(rng, 64)), "jpeg", quality=83)
    table = table_of(data)
    assert table is not None
    # Pillow gives tables in order of rows since 8.3.
    assert list(table) == list(Image.open(io.BytesIO(data)).quantization[0])  # type: ignore[attr-defined]
    for length in range(0, 200, 7):
        assert table_of(data[:length]) in (None, table)


def test_an_earlier_jpeg_shows_below_a_finer_one_and_nothing_where_none_was(rng: np.random.Generator) -> None:
    first = rounded(scene(rng) + rng.normal(0, 3, (384, 384, 3)))
    once = encode_image(first, "jpeg", quality=92)
    twice = encode_image(decode_image(encode_image(first, "jpeg", quality=60)).pixels, "jpeg", quality=92)
    assert earlier(decode_image(once).pixels, table_of(once))[1] == 1
    clear, step = earlier(decode_image(twice).pixels, table_of(twice))
    assert clear > 0.4
    assert step > 5
    assert earlier(decode_image(once).pixels, None)[1] > 1
    assert earlier(first, None)[1] == 1


def test_a_face_that_was_a_jpeg_in_a_picture_that_was_none_leaves_a_ghost(rng: np.random.Generator) -> None:
    picture = rounded(scene(rng) + rng.normal(0, 5, (384, 384, 3)))
    again = decode_image(encode_image(picture, "jpeg", quality=60)).pixels
    own = score(CompressionDetector(), oval(picture))
    assert score(CompressionDetector(), oval(np.where(inside(picture), again, picture))) > own + 0.5


def sizes(rng: np.random.Generator, *, former: int | None) -> Packets:
    level = 8 + 0.3 * np.sin(np.arange(240) / 20) + rng.normal(0, 0.25, 240)
    if former is not None:
        level[::former] += 0.6
    keys = np.zeros(240, bool)
    keys[0] = keys[200] = True
    return Packets(codec="h264", times=np.arange(240) / 25, sizes=np.exp(level + 1.5 * keys), keys=keys)


def test_the_rhythm_of_a_former_coding_is_found_and_seldom_where_none_was(rng: np.random.Generator) -> None:
    for former in (12, 25):
        found = judged(sizes(rng, former=former))
        assert isinstance(found, Measured)
        assert found.figures["period"] == former
        assert found.score > MARGIN
    none = [judged(sizes(rng, former=None)) for _ in range(30)]
    assert sum(isinstance(one, Measured) and one.score >= MARGIN for one in none) <= 1
    missing = sizes(rng, former=None)
    shifted = replace(missing, times=missing.times + 0.2 * (np.arange(240) >= 100))
    answer = judged(shifted)
    assert isinstance(answer, Measured)
    assert answer.figures["gaps"] == 1
    assert isinstance(judged(replace(missing, times=np.full(240, np.nan))), Untold)


def test_a_film_coded_twice_by_a_real_coder_shows_it(rng: np.random.Generator) -> None:
    import cv2

    wide = cv2.GaussianBlur(rng.normal(128, 400, (200, 500, 3)), (0, 0), 3)
    frames = [rounded(wide[20:164, 2 * n : 2 * n + 160] + rng.normal(0, 2, (144, 160, 3))) for n in range(160)]

    def coded(images: list[np.ndarray], crf: int) -> bytes:
        film = (Frame(index=n, time=n / 25, image=image) for n, image in enumerate(images))
        return encode_film(film, None, rate=Fraction(25), crf=crf)

    once = film_packets(coded(frames, 24))
    assert len(once.sizes) == 160
    assert once.keys[0]
    assert np.allclose(np.diff(np.sort(once.times)), 0.04)
    alone = _each_alone(frames, every=15)
    twice = judged(film_packets(coded([frame.image for frame in stream_frames(alone)], 24)))
    assert isinstance(twice, Measured)
    assert twice.figures["period"] == 15
    assert twice.score > MARGIN
    single = judged(once)
    assert isinstance(single, Measured)
    assert single.score < MARGIN


def _each_alone(frames: list[np.ndarray], *, every: int) -> bytes:
    import av

    store = io.BytesIO()
    with av.open(store, "w", format="mp4") as out:
        options = {"crf": "28", "g": str(every), "bf": "0", "preset": "veryfast", "sc_threshold": "0", "threads": "1"}
        stream = out.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        out.mux(stream.encode(None))
    return store.getvalue()


def test_lamps_that_differ_between_the_eyes_stand_out_on_a_real_face(shared: Path) -> None:
    import cv2

    still = decode_image(Asset.open(shared / "media/demo/portrait-1.jpg"))
    (seen, _), *_ = portraits(View.of(still))[0]
    irises = iris_finder().find(seen.image, seen.points)
    wide = np.linalg.norm(seen.points[133] - seen.points[33])
    assert all(0.15 * wide < iris.radius < 0.35 * wide for iris in irises)

    def lit(*turns: float) -> Portrait:
        image = seen.image.copy()
        for iris, turn in zip(irises, turns, strict=True):
            cv2.circle(image, np.round(iris.centre).astype(int).tolist(), round(0.9 * iris.radius), (60, 45, 40), -1)
            place = iris.centre + 0.4 * iris.radius * np.array([np.cos(turn), np.sin(turn)])
            cv2.circle(image, np.round(place).astype(int).tolist(), max(1, round(0.2 * iris.radius)), (250,) * 3, -1)
        return Portrait(image=image, points=seen.points)

    cue = EyesDetector()
    assert score(cue, lit(0.5, 0.5)) < 0.5
    assert score(cue, lit(0.5, 0.5 + np.pi)) > 0.9


def test_a_round_pupil_is_told_from_a_ragged_one() -> None:
    y, x = np.mgrid[:GRID, :GRID] - GRID // 2
    seen, none = np.hypot(x, y) < 19, np.zeros((GRID, GRID), bool)
    iris = np.full((GRID, GRID), 120.0)
    turn = np.arctan2(y, x)
    round_one = pupil(np.where(np.hypot(x, y) < 8, 20.0, iris), seen, none)
    ragged = pupil(np.where(np.hypot(x, y) < 8 + 3.5 * np.sign(np.sin(3 * turn)), 20.0, iris), seen, none)
    assert round_one is not None
    assert ragged is not None
    assert round_one < 0.1
    assert ragged > round_one + 0.1
    assert pupil(iris, seen, none) is None
    assert overlap(none, none, seen) == 0.0


def test_a_skull_that_changes_and_teeth_that_flutter_are_measured(rng: np.random.Generator) -> None:
    shape = rng.normal(0, 1, (468, 3)) * 50
    angle = 0.3 * np.sin(np.arange(60) / 9)
    turns = np.array([[[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]] for a in angle])
    nodding = np.einsum("pc,ncd->npd", shape, turns)
    other = shape * np.where(np.arange(60)[:, None, None] < 30, 1.0, np.array([1.15, 0.95, 1.0]))
    assert identity(nodding) < 1
    assert identity(other) > 20
    mouth = np.zeros((60, 468, 3))
    mouth[:, 14, 1], mouth[:, 291, 0] = 20.0, 50.0
    picture = rng.integers(0, 255, (128, 128, 3)).astype(float)
    steps = np.arange(60)[:, None, None, None]
    slow = teeth(rounded(picture * (0.4 + steps / 200)), mouth)
    fast = teeth(rounded(picture * (0.6 + 0.2 * (steps % 2))), mouth)
    assert slow is not None
    assert fast is not None
    assert fast > slow + 3
    assert teeth(rounded(np.repeat(picture[None], 60, axis=0)), np.zeros((60, 468, 3))) is None


@pytest.mark.parametrize("name", STILL)
def test_every_face_of_a_picture_is_asked_and_the_answer_is_the_same_twice(name: str, shared: Path) -> None:
    view = View.open(shared / "media/demo/portrait-1.jpg")
    before = view.still.pixels.copy()  # type: ignore[union-attr]
    first, second = (detector(name).examine(Evidence(view=view, verification=None)) for _ in range(2))
    assert first == second
    assert np.array_equal(view.still.pixels, before)  # type: ignore[union-attr]
    told = detector(name).look(view)  # type: ignore[attr-defined]
    if isinstance(first, tuple):
        assert first[0].regions
        assert first[0].note.startswith(told.note)
    else:
        assert first.why == told.why


def test_no_cue_moves_a_verdict_whatever_it_says(shared: Path) -> None:
    silence = Audio(samples=np.zeros((1, 9), np.float32), rate=8000)
    evidence = Evidence(view=View.of(silence), verification=None)
    weighing = Finding(
        detector="visual-x", version="1", llr=0.5, calibration="400 files", note="n", modality="visual", spread=0.2
    )
    alone = fuse((weighing,), (), evidence)
    portrait = Evidence(view=View.open(shared / "media/demo/portrait-1.jpg"), verification=None)
    film = Evidence(view=View.open(shared / "media/demo/clip-1.mpg"), verification=None)
    learned = {"visual-mesonet", "visual-lrnet", "visual-face"}
    cues = sorted(name for name in ON_REQUEST - learned if name.startswith("visual-"))
    answers = [detector(name).examine(seen) for name in cues for seen in (portrait, film)]
    said = [one for answer in answers if isinstance(answer, tuple) for one in answer]
    assert {one.detector for one in said} >= {"visual-noise", "visual-spectrum", "visual-steadiness"}
    assert all(one.calibration == UNCALIBRATED and one.llr == 0.0 for one in said)
    assert sum(one.detector == "visual-compression" for one in said) == 1, "a film's frames have no JPEG's past"
    joined = fuse((weighing, *said), (), evidence)
    assert (joined.llr, joined.interval, joined.conclusion) == (alone.llr, alone.interval, alone.conclusion)


def test_no_detector_can_say_more_than_its_calibration_set_supports() -> None:
    cards = [json.loads(path.read_text()) for path in WEIGHTS.glob("*.json")]
    measured = [card["name"] for card in cards if card.get("name") in CATALOGUE and "items" in card["calibration"]]
    assert {"audio-whisper", "visual-residual"} <= set(measured) or measured
    for name in measured:
        model = shipped(name)
        groups = model.card["calibration"]["groups"]
        # One group more on the wrong side is the least that a set cannot rule out: log10(groups + 1) bounds a ratio.
        most = np.log10(groups + 1)
        assert -most <= model.lowest <= 0.0 <= model.highest <= most
        for raw in (-1e9, -1.0, 0.0, 1.0, 1e9):
            assert model.lowest <= model.llr(raw) <= model.highest
            assert model.spread(raw) <= model.spread(-1e9) + model.spread(1e9) + 1.0


def test_a_picture_without_faces_is_told_so() -> None:
    flat = View.of(Still(pixels=np.full((90, 90, 3), 100, np.uint8)))
    for name in STILL:
        answer = detector(name).look(flat)  # type: ignore[attr-defined]
        assert isinstance(answer, Untold)
        assert "face" in answer.why
