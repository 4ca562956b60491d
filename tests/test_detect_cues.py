"""Physical cues: what was planted is found, noise is not, and what cannot be told is said."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from assay.detect import ON_REQUEST, detector, names
from assay.detect.cue import Untold
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.visual.cues.blink import blinks
from assay.detect.visual.cues.cue import Seen, evenly
from assay.detect.visual.cues.pulse import PulseDetector, chrom, pos, pulse_of, strongest
from assay.detect.visual.cues.steadiness import drift, flicker, jitter, pose_gap
from assay.detect.visual.cues.sync import SyncDetector, tie
from assay.media.asset import Asset
from assay.media.audio import Audio
from assay.media.decode import decode_image
from assay.media.encode import encode_film
from assay.media.faces import CROP_SIDE, Followed
from assay.media.image import Still
from assay.media.video import Film, Frame
from assay.media.view import View

PUBLISHED = {"visual-mesonet", "visual-lrnet"}
CUES = sorted(name for name in ON_REQUEST - PUBLISHED if name.startswith("visual-"))
SKIN_PULSE = np.array([0.33, 0.77, 0.53])
"""Relative strength of the pulse in red, green and blue (de Haan & Jeanne 2013)."""


def beat(times: np.ndarray, bpm: float) -> np.ndarray:
    phase = 2 * np.pi * bpm / 60 * times
    return np.sin(phase) + 0.3 * np.sin(2 * phase + 1)


def skin(times: np.ndarray, *, strength: float, rng: np.random.Generator, bpm: float = 72.0) -> np.ndarray:
    """Return mean colours of three patches `[n, 3, 3]`: a pulse, light that wanders by 5 %, and noise of 0.3 levels."""
    light = 1 + 0.05 * np.cumsum(rng.normal(0, 1, len(times))) / np.sqrt(len(times))
    colours = np.array([180.0, 130.0, 110.0]) * (1 + strength * SKIN_PULSE * beat(times, bpm)[:, None])
    return (colours * light[:, None])[:, None, :] + rng.normal(0, 0.3, (len(times), 3, 3))


def followed(times: np.ndarray, colours: np.ndarray, *, surround: np.ndarray | None = None) -> Followed:
    points = np.zeros((len(times), 468, 3), np.float32)
    points[:, 454, 0] = 200.0
    return Followed(
        times=times,
        points=points,
        crops=np.zeros((len(times), CROP_SIDE, CROP_SIDE, 3), np.uint8),
        skin=colours.astype(np.float32),
        surround=np.full((len(times), 3), np.nan, np.float32) if surround is None else surround.astype(np.float32),
    )


@pytest.mark.parametrize("rate", [15.0, 25.0, 29.97, 60.0])
@pytest.mark.parametrize("bpm", [50.0, 72.0, 140.0])
def test_both_methods_find_a_planted_rate_at_any_frame_rate(rate: float, bpm: float, rng: np.random.Generator) -> None:
    colours = skin(np.arange(round(10 * rate)) / rate, strength=0.006, rng=rng, bpm=bpm).mean(axis=1)
    assert abs(strongest(pos(colours, rate), rate)[0] - bpm) < 5
    assert abs(strongest(chrom(colours, rate), rate)[0] - bpm) < 5


def test_frames_at_uneven_times_keep_the_rate(rng: np.random.Generator) -> None:
    times = np.sort(rng.uniform(0, 10, 260))
    face = followed(times, skin(times, strength=0.008, rng=rng))
    found = pulse_of(evenly(face.times, face.skin, 25.0), 25.0)
    assert found.told
    assert abs(found.bpm - 72) < 5


def test_noise_is_hardly_ever_called_a_pulse(rng: np.random.Generator) -> None:
    times = np.arange(240) / 25
    told = [pulse_of(skin(times, strength=0.0, rng=rng), 25.0).told for _ in range(30)]
    assert sum(told) <= 2


def test_light_that_beats_is_no_pulse(rng: np.random.Generator) -> None:
    times = np.arange(250) / 25
    room = 120 * (1 + 0.02 * beat(times, 72))[:, None] * np.ones(3) + rng.normal(0, 0.2, (250, 3))
    answer = PulseDetector().ask(Seen(followed=followed(times, skin(times, strength=0.01, rng=rng), surround=room)))
    assert isinstance(answer, Untold)
    assert "light" in answer.why


def living(portrait: Path, *, strength: float, seconds: float, rng: np.random.Generator) -> list[Frame]:
    """Return a portrait at 25 frames a second that sways by two pixels, beats in its skin and has a camera's noise."""
    import cv2

    still = decode_image(Asset.open(portrait)).pixels
    small = cv2.resize(still, (320, round(320 * still.shape[0] / still.shape[1]) // 2 * 2)).astype(np.float32)
    red, green, blue = small[..., 0], small[..., 1], small[..., 2]
    mask = cv2.GaussianBlur(((red > green) & (green > blue * 0.9) & (red > 60)).astype(np.float32), (0, 0), 3)
    frames = []
    for number in range(round(25 * seconds)):
        time = number / 25
        shown = small * (1 + strength * beat(np.array(time), 72.0) * SKIN_PULSE * mask[..., None])
        sway = np.array([[1, 0, 2 * np.sin(time)], [0, 1, 1.5 * np.cos(0.7 * time)]], np.float32)
        shown = cv2.warpAffine(shown, sway, shown.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        noisy = shown + rng.normal(0, 2.5, shown.shape)
        frames.append(Frame(index=number, time=time, image=np.clip(np.round(noisy), 0, 255).astype(np.uint8)))
    return frames


@pytest.mark.parametrize(("strength", "beats"), [(0.008, True), (0.0, False)])
def test_a_planted_pulse_is_read_through_h264_and_none_where_none_is(
    strength: float, beats: bool, shared: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    film = living(shared / "media/demo/portrait-1.jpg", strength=strength, seconds=6.5, rng=rng)
    path = tmp_path / "face.mp4"
    path.write_bytes(encode_film(film, None, rate=Fraction(25), crf=20))
    view = View.open(path)
    answer = PulseDetector().ask(Seen(followed=view.followed))  # type: ignore[arg-type]
    assert not isinstance(answer, Untold), answer
    assert bool(answer.figures["told"]) is beats, answer
    if beats:
        assert abs(answer.figures["bpm"] - 72) < 5
    else:
        assert "no pulse can be told" in answer.note


def test_lips_and_voice_are_tied_at_the_planted_offset_and_strangers_are_not(rng: np.random.Generator) -> None:
    def syllables() -> np.ndarray:
        return np.convolve(rng.normal(0, 1, 700), np.hanning(12), "same")[100:600]

    own = [syllables() for _ in range(10)]
    for one in own:
        height, offset, p_value = tie(one, np.roll(one, 6) + rng.normal(0, 0.5, 500))
        assert height > 0.6
        assert abs(offset - 0.12) <= 0.021
        assert p_value < 0.1
    chance = [tie(syllables(), syllables())[2] for _ in range(60)]
    assert np.mean(np.array(chance) < 0.1) < 0.25
    assert 0.25 < np.mean(chance) < 0.75


def test_a_real_talking_clip_goes_with_its_own_voice_better_than_backwards(shared: Path) -> None:
    view = View.open(shared / "media/demo/clip-1.mpg")
    face, audio = view.followed, view.audio
    assert face is not None
    assert audio is not None
    own = SyncDetector().measure(Seen(followed=face, audio=audio, audio_start=view.audio_start))
    other = Audio(samples=np.ascontiguousarray(audio.samples[:, ::-1]), rate=audio.rate)
    turned = SyncDetector().measure(Seen(followed=face, audio=other, audio_start=view.audio_start))
    assert not isinstance(own, Untold)
    assert not isinstance(turned, Untold)
    assert own.figures["correlation"] > turned.figures["correlation"]


def test_blinks_are_counted_and_a_long_look_down_is_none() -> None:
    ratio = np.full(250, 0.3)
    for start in (40, 120, 200):
        ratio[start : start + 4] = [0.2, 0.08, 0.1, 0.2]
    ratio[150:175] = 0.15
    found = blinks(ratio)
    assert [round(when, 1) for when, _, _ in found] == [1.6, 4.8, 8.0]
    assert all(share > 0.6 for _, _, share in found)


def test_trembling_landmarks_flutter_and_drift_are_measured_and_a_steady_face_has_none(
    rng: np.random.Generator,
) -> None:
    shape = rng.normal(0, 1, (468, 3)) * 50
    still = np.repeat(shape[None], 40, axis=0)
    assert jitter(still) < 1e-6
    assert pose_gap(still) < 1e-3
    trembling = still + rng.normal(0, 0.5, still.shape)
    assert jitter(trembling) > 1
    picture = rng.integers(0, 255, (CROP_SIDE, CROP_SIDE, 3)).astype(np.float64)
    steps = np.arange(40)[:, None, None, None]
    fading, flashing = picture * (0.5 + steps / 100), picture * (0.7 + 0.2 * (steps % 2))
    assert flicker(flashing.astype(np.uint8)) > flicker(fading.astype(np.uint8)) + 3
    assert drift(fading.astype(np.uint8)) < 0.02
    changed = np.where(steps < 20, picture, picture[::-1])
    assert drift(changed.astype(np.uint8)) > 0.5


def test_cues_cost_a_scan_nothing_unless_they_are_named() -> None:
    assert not set(CUES) & set(names())
    assert names(CUES) == tuple(CUES)


def test_a_rate_that_the_patches_do_not_share_is_no_pulse(rng: np.random.Generator) -> None:
    times = np.arange(250) / 25
    shared_light = skin(times, strength=0.0, rng=rng)
    for patch, lag in enumerate((0.0, 0.28, 0.56)):
        shared_light[:, patch] *= 1 + 0.006 * SKIN_PULSE * np.sin(2 * np.pi * 1.2 * (times + lag))[:, None]
    found = pulse_of(shared_light, 25.0)
    assert found.ties < 0
    assert not found.told


@pytest.mark.parametrize("name", CUES)
def test_a_cue_that_cannot_tell_says_why(name: str) -> None:
    flat = np.full((72, 96, 3), 90, np.uint8)
    film = Film(frames=lambda: iter([Frame(index=0, time=0.0, image=flat)]), rate=Fraction(25))
    for view in (
        View.of(Still(pixels=flat)),
        View.of(film),
        View.of(Audio(samples=np.zeros((1, 99), np.float32), rate=8000)),
    ):
        answer = detector(name).examine(Evidence(view=view, verification=None))
        assert isinstance(answer, Skipped)
        assert answer.why
        assert not answer.failed


def test_all_cues_share_one_followed_face_and_move_no_verdict(shared: Path) -> None:
    view = View.open(shared / "media/demo/clip-1.mpg")
    first = view.followed
    answers = [detector(name).examine(Evidence(view=view, verification=None)) for name in CUES]
    assert view.followed is first
    findings = [one for answer in answers if not isinstance(answer, Skipped) for one in answer]
    assert {finding.detector for finding in findings} >= {"visual-steadiness", "visual-sync"}
    assert all(isinstance(finding, Finding) and not finding.weighs and finding.llr == 0 for finding in findings)
