"""Where an eye looked, and what it makes of each frame: both are drawn, told in JSON, and said for what they are."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.detect.finding import UNCALIBRATED, Evidence, Finding, Moment
from assay.detect.model import shipped
from assay.detect.page import write_page
from assay.detect.preview import Looked, preview_of
from assay.detect.report import Report
from assay.detect.scan import Examination, scan
from assay.detect.visual.looking import CELLS, OCCLUSION, Where, occlusion, picture
from assay.detect.visual.residual import ResidualDetector
from assay.media.encode import encode_film, encode_image
from assay.media.extent import Region
from assay.media.image import Still
from assay.media.video import Frame
from assay.media.view import View
from assay.provenance.trust import Trust
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
NEVER = ("manipulated region", "forged area", "fake region")


@pytest.fixture(scope="module")
def astronaut() -> Pixels:
    """A public-domain photograph with one face of about 100 pixels."""
    from skimage.data import astronaut as photograph

    return np.ascontiguousarray(photograph(), np.uint8)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, astronaut: Pixels) -> Report:
    path = tmp_path_factory.mktemp("film") / "a.mp4"
    frames = (Frame(index=n, time=n / 25, image=np.roll(astronaut, 2 * n, axis=1)) for n in range(50))
    path.write_bytes(encode_film(frames, None, rate=Fraction(25), crf=20))
    return scan(path, Examination(trust=Trust(), detectors=("visual-residual",), previews=True, quick=True))


def _where(rng: np.random.Generator) -> Where:
    crop = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Where(region=Region(left=1, top=2, width=30, height=40), score=0.4, crop=crop, heat=np.eye(4), method="made")


def test_occlusion_finds_the_place_that_a_score_hangs_on(rng: np.random.Generator) -> None:
    crop = np.full((256, 256, 3), 128, np.uint8)
    side = 256 // CELLS
    crop[side : 2 * side, 4 * side : 5 * side] = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    place = np.s_[side : 2 * side, 4 * side : 5 * side]
    heat = occlusion(crop, lambda crops: np.array([float(one[place].astype(float).std()) for one in crops]))
    assert heat.shape == (CELLS, CELLS)
    assert np.unravel_index(heat.argmax(), heat.shape) == (1, 4)
    heat[0:3, 3:6] = 0.0
    assert np.abs(heat).max() < 1.0, "places elsewhere change nothing"


def test_what_raises_the_score_is_warm_and_what_lowers_it_is_cool(rng: np.random.Generator) -> None:
    heat = np.zeros((8, 8))
    heat[2:, :3], heat[2:, 5:] = 1.0, -1.0
    drawn = np.asarray(Image.open(io.BytesIO(picture(replace(_where(rng), heat=heat), side=80))), float)
    face = drawn[:, 86:]
    warm, cool = face[40:, 5:20].mean(axis=(0, 1)), face[40:, 60:75].mean(axis=(0, 1))
    assert warm[0] > warm[2] + 50
    assert cool[2] > cool[0] + 50


def test_a_boundary_map_is_a_third_picture_and_must_say_what_it_is(rng: np.random.Generator) -> None:
    where = _where(rng)
    edge = replace(where, boundary=np.eye(9), boundary_of="boundary map, trained on self-blends")
    assert Image.open(io.BytesIO(picture(where, side=50))).size == (106, 50)
    assert Image.open(io.BytesIO(picture(edge, side=50))).size == (162, 50)
    with pytest.raises(ValueError, match="what it was trained to draw"):
        replace(where, boundary=np.eye(9))
    with pytest.raises(ValueError, match="finite maps"):
        replace(where, heat=np.array([[np.nan]]))


def test_each_frame_has_its_score_and_the_finding_their_middle(film: Report) -> None:
    (finding,) = film.verdict.findings
    model = shipped("visual-residual").of("video")
    scores = [one.score for one in finding.moments]
    assert [one.time for one in finding.moments] == [region.time for region in finding.regions]
    assert len(scores) == film.frames.looked_at == 8  # type: ignore[union-attr]
    assert {one.face for one in finding.moments} == {0}
    assert finding.llr == pytest.approx(np.clip(np.median(scores), model.lowest, model.highest), abs=1e-3)


def test_json_carries_the_numbers_that_the_page_draws(film: Report) -> None:
    told = json.loads(json.dumps(film.to_json()))
    assert told["frames"] == {"looked_at": 8, "count": 50, "scenes": 1}
    (finding,), (looked,) = told["findings"], told["where_looked"]
    assert {"time", "face", "score"} == set(finding["moments"][0])
    worst = max(finding["moments"], key=lambda one: one["score"])
    assert (looked["time"], looked["score"]) == pytest.approx((worst["time"], worst["score"]), abs=1e-3)
    assert np.shape(looked["map"]) == (CELLS, CELLS)
    assert looked["method"] == OCCLUSION


def test_the_page_says_what_its_pictures_are_and_what_they_are_not(film: Report, tmp_path: Path) -> None:
    write_page([film], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "8 of the film's 50 frames were looked at" in page.replace("&#39;", "'")
    assert page.count("<circle cx=") >= 8
    for said in ("Where the model looked", "does not show what was changed", "No height is a probability"):
        assert said in page
    assert not any(word in page.lower() for word in NEVER)


def test_what_nothing_calibrates_is_drawn_as_counting_for_nothing(film: Report, tmp_path: Path) -> None:
    (finding,) = film.verdict.findings
    bare = replace(finding, calibration=UNCALIBRATED, llr=0.0, spread=0.0)
    write_page([replace(film, verdict=replace(film.verdict, findings=(bare,)))], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "none of it counts" in page
    assert "What counts is the line" not in page
    assert "10 : 1" not in page


def test_a_boundary_map_stands_under_its_own_name(film: Report, tmp_path: Path, rng: np.random.Generator) -> None:
    where = replace(_where(rng), boundary=np.eye(5), boundary_of="boundary map, trained on self-blends")
    assert film.preview is not None
    preview = replace(film.preview, looked=(Looked(detector="visual-made", where=where, png=picture(where)),))
    write_page([replace(film, preview=preview)], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Right: <strong>boundary map, trained on self-blends</strong>" in page


def test_a_still_has_a_map_and_no_moments(tmp_path: Path, astronaut: Pixels) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_image(astronaut, "png"))
    report = scan(path, Examination(trust=Trust(), detectors=("visual-residual",), previews=True, quick=True))
    assert report.frames is None
    assert report.verdict.findings[0].moments == ()
    assert [one["time"] for one in report.to_json()["where_looked"]] == [None]


def test_who_did_not_answer_looked_nowhere(astronaut: Pixels) -> None:
    view = View.of(Still(pixels=astronaut))
    assert ResidualDetector().where(view) == ()
    (finding,) = ResidualDetector().examine(Evidence(view=view, verification=None))
    assert isinstance(finding, Finding)
    assert preview_of(view).looked == ()
    assert len(preview_of(view, (finding,)).looked) == 1


@pytest.mark.parametrize(("time", "face", "score"), [(-1.0, 0, 0.0), (0.0, -1, 0.0), (0.0, 0, float("nan"))])
def test_a_moment_is_valid_or_refused(time: float, face: int, score: float) -> None:
    with pytest.raises(ValueError, match="a moment needs"):
        Moment(time=time, face=face, score=score)


def test_of_two_detectors_the_more_suspicious_is_drawn_on_top_and_alone_numbers_the_faces(
    tmp_path: Path, astronaut: Pixels
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encode_image(astronaut, "png"))
    report = scan(path, Examination(trust=Trust(), detectors=("visual-residual",), previews=True, quick=True))
    (calm,) = report.verdict.findings
    (face,) = calm.regions
    struck = replace(calm, detector="visual-face", llr=1.2, regions=(replace(face, left=10.0), face))
    findings = (struck, replace(calm, llr=-0.3, regions=(face, replace(face, left=10.0))))
    write_page([replace(report, verdict=replace(report.verdict, findings=findings))], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    boxes = page[page.index('<svg viewBox="0 0 512 512">') :].partition("</svg>")[0]
    assert re.findall('stroke="(#ff5247|#7fd6a0)"', boxes) == ["#7fd6a0"] * 2 + ["#ff5247"] * 2
    assert re.findall(">([0-9]+)</text>", boxes) == ["1", "2"]
    assert "in the order of the ratios of visual-face" in page
