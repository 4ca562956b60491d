"""The shared look at a file: one pass, when asked, the same for all."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay.media import survey, worker
from assay.media.asset import Asset
from assay.media.encode import encode_audio, encode_film, encode_image
from assay.media.errors import NothingToExamine, UnreadableMedia
from assay.media.image import Still
from assay.media.sampling import Chooser, Passing, Sampling
from assay.media.video import Film, Frame
from assay.media.view import View


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The decoding jobs that were asked for while the test ran."""
    asked: list[str] = []
    real = worker.stream

    def counted(op: str, *args: object, **kwargs: object) -> object:
        asked.append(op)
        return real(op, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(survey, "stream", counted)
    return asked


def _film(makers: ModuleType, tmp_path: Path, count: int = 100) -> Asset:
    path = tmp_path / "film.mp4"
    path.write_bytes(makers.film(count, audio=makers.tone(seconds=count / 25)))
    return Asset.open(path)


def test_a_film_is_decoded_once_for_all_that_is_asked(makers: ModuleType, tmp_path: Path, passes: list[str]) -> None:
    view = View.open(_film(makers, tmp_path))
    assert passes == []
    for _ in range(2):
        assert view.audio is not None
        assert len(view.frames) == 32
        assert view.seconds == pytest.approx(4.0)
    assert passes == ["film"]
    assert view.timings["decode"] > 0
    assert view.audio.samples.shape == (1, 4 * 48_000)
    assert (view.kind, view.frame_rate, view.frame_count, view.still) == ("video", Fraction(25), 100, None)
    assert view.audio_start == 0.0
    assert view.notes == ()


def test_frames_are_spread_evenly_and_carry_their_own_times(makers: ModuleType, tmp_path: Path) -> None:
    view = View.open(_film(makers, tmp_path), sampling=Sampling(frames=10))
    assert [makers.number(frame.image) for frame in view.frames] == [frame.index for frame in view.frames]
    assert [frame.index // 10 for frame in view.frames] == list(range(10)), "one of each tenth"
    assert all(frame.time == pytest.approx(frame.index / 25, abs=1e-4) for frame in view.frames)


def test_a_run_has_no_gaps_and_is_scaled_down(makers: ModuleType, tmp_path: Path) -> None:
    view = View.open(_film(makers, tmp_path), sampling=Sampling(frames=2, run_frames=20, run_side=64))
    assert [frame.index for frame in view.run] == list(range(20))
    assert view.run[0].image.shape == (48, 64, 3)
    assert view.frames[0].image.shape == (96, 128, 3)


def test_a_short_film_gives_all_its_frames(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "short.mp4"
    path.write_bytes(makers.film(1))
    view = View.open(path)
    assert [frame.index for frame in view.frames] == [0]
    assert view.audio is None
    assert view.seconds == pytest.approx(0.04)


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000, 12_345])
def test_thinning_keeps_few_and_even_whatever_the_length(count: int) -> None:
    thinned: Chooser[int] = Chooser(32, room=256)
    most = 0
    for number in range(count):
        thinned.add(number, np.zeros((18, 32), np.uint8))
        most = max(most, len(thinned._held))
    chosen = thinned.chosen()
    assert most <= 256
    assert thinned.scenes == min(count, 1)
    assert len(chosen) == min(count, 32)
    assert chosen == sorted(set(chosen))
    if count > 32:
        gaps = np.diff([0, *chosen, count])
        assert gaps.max() <= 2 * count / 32


def _light(number: int, *, blurred: bool, level: int = 0) -> np.ndarray:
    noise = np.random.default_rng(number).integers(level, level + 120, (72, 128), dtype=np.uint8)
    return np.full_like(noise, level + 60) if blurred else noise


def test_the_sharp_frame_of_each_stretch_is_chosen() -> None:
    chooser: Chooser[int] = Chooser(8, room=64)
    for number in range(800):
        chooser.add(number, _light(number, blurred=number % 100 != 37))
    assert chooser.chosen() == [100 * part + 37 for part in range(8)]
    assert chooser.scenes == 1


def test_a_scene_that_is_short_has_a_frame_too() -> None:
    chooser: Chooser[int] = Chooser(8, room=64)
    for number in range(400):
        chooser.add(number, _light(number, blurred=True, level=130 if 150 <= number < 160 else 0))
    chosen = chooser.chosen()
    assert chooser.scenes == 3
    assert len(chosen) == 8
    assert any(150 <= number < 160 for number in chosen)
    assert chosen == sorted(chosen)


def test_frames_pass_a_watcher_while_the_film_is_decoded_for_all(
    makers: ModuleType, tmp_path: Path, passes: list[str]
) -> None:
    view = View.open(_film(makers, tmp_path))
    seen: list[Frame] = []
    told = view.watch(seen.append, passing=Passing(max_side=64, whole=1.0, stretch=0.5, every=1.5))
    assert [frame.index for frame in seen] == [*range(25), *range(38, 50), *range(75, 88)]
    assert [makers.number(frame.image) for frame in view.frames] == [frame.index for frame in view.frames]
    assert seen[0].image.shape == (48, 64, 3)
    assert told == pytest.approx(2.0)
    assert passes == ["film"], "one pass for the watcher and for what is kept"
    again: list[Frame] = []
    assert view.watch(again.append, passing=Passing()) == pytest.approx(4.0)
    assert [frame.index for frame in again] == list(range(100)), "who comes late gets a pass of its own"


def _peak_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the kernel does not tell peaks of memory here")
def test_frames_that_passed_leave_nothing_behind_in_the_decoding_process(tmp_path: Path) -> None:
    wall = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    frames = (Frame(index=n, time=n / 25, image=wall) for n in range(300))
    path = tmp_path / "film.mp4"
    path.write_bytes(encode_film(frames, None, "mp4", rate=Fraction(25)))
    seen: dict[int, float] = {}

    def see(frame: Frame) -> None:
        if frame.index in {60, 299}:
            (working,) = worker.POOL._busy
            seen[frame.index] = _peak_mib(working.pid)

    View.open(path, sampling=Sampling(frames=1)).watch(see, passing=Passing())
    assert seen[299] - seen[60] < 60, "MiB; the frames between are 210"


def test_sound_that_starts_late_says_so(makers: ModuleType, tmp_path: Path) -> None:
    import av

    path = tmp_path / "late.mkv"
    with av.open(str(path), mode="w", format="matroska") as file:
        film = file.add_stream("mpeg4", rate=25)
        film.width, film.height, film.pix_fmt = 128, 96, "yuv420p"
        sound = file.add_stream("pcm_s16le", rate=8000)
        sound.layout = "mono"
        for index, frame in enumerate(makers.frames(makers.steady(25))):
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 25)
            file.mux(film.encode(picture))
        file.mux(film.encode(None))
        piece = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), format="s16", layout="mono")
        piece.rate, piece.pts, piece.time_base = 8000, 2000, Fraction(1, 8000)
        file.mux(sound.encode(piece))
        file.mux(sound.encode(None))
    assert View.open(path).audio_start == pytest.approx(0.25, abs=0.002)
    info = Asset.open(path).audio
    assert info is not None
    assert info.start == pytest.approx(0.25, abs=0.002)


def test_broken_sound_does_not_cost_the_pictures(makers: ModuleType, tmp_path: Path) -> None:
    import av

    path = tmp_path / "nan.mkv"
    with av.open(str(path), mode="w", format="matroska") as file:
        film = file.add_stream("mpeg4", rate=25)
        film.width, film.height, film.pix_fmt = 128, 96, "yuv420p"
        sound = file.add_stream("pcm_f32le", rate=8000)
        sound.layout = "mono"
        for frame in makers.frames(makers.steady(5)):
            file.mux(film.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
        file.mux(film.encode(None))
        piece = av.AudioFrame.from_ndarray(np.full((1, 4000), np.nan, np.float32), format="flt", layout="mono")
        piece.rate, piece.pts = 8000, 0
        file.mux(sound.encode(piece))
        file.mux(sound.encode(None))
    view = View.open(path)
    assert len(view.frames) == 5
    for _ in range(2):
        with pytest.raises(UnreadableMedia, match="NaN"):
            _ = view.audio


def test_a_file_that_fails_fails_once_and_for_all(makers: ModuleType, tmp_path: Path, passes: list[str]) -> None:
    data = makers.film(50)
    first, last = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path = tmp_path / "holed.mp4"
    path.write_bytes(data[:first] + bytes(last - first) + data[last:])
    view = View.open(path)
    for _ in range(3):
        with pytest.raises(UnreadableMedia, match="no frame of the film decodes"):
            _ = view.frames
    assert passes == ["film"]


def test_sound_beyond_what_is_kept_is_told(makers: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    path.write_bytes(encode_audio(makers.tone(seconds=3.0, rate=8000), "wav"))
    view = View.open(path, sampling=Sampling(audio_seconds=1.0))
    assert view.audio is not None
    assert view.audio.seconds == 1.0
    assert view.seconds == 3.0
    assert any("first 1 s are kept" in note for note in view.notes)


def test_a_picture_and_a_sound_have_no_frames(makers: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(encode_image(makers.card(), "png"))
    (tmp_path / "s").write_bytes(encode_audio(makers.tone(), "wav"))
    picture, sound = View.open(tmp_path / "p"), View.open(str(tmp_path / "s"))
    assert picture.still is not None
    assert (picture.kind, picture.audio, picture.frames, picture.seconds) == ("image", None, (), None)
    assert sound.audio is not None
    assert (sound.kind, sound.still, sound.frames, sound.faces, sound.tracks) == ("audio", None, (), (), ())
    assert sound.frame_rate is None


def test_media_in_memory_are_seen_without_a_file(makers: ModuleType) -> None:
    frames = makers.frames(makers.steady(100))
    view = View.of(Film(frames=lambda: iter(frames), rate=Fraction(25), audio=makers.tone()))
    assert (view.asset, view.kind, view.frame_count, view.seconds) == (None, "video", 100, pytest.approx(4.0))
    assert len(view.frames) == 32
    assert view.audio is not None
    still = View.of(Still(pixels=makers.card(), notes=("made",)))
    assert (still.kind, still.notes) == ("image", ("made",))
    assert View.of(makers.tone()).seconds == 1.0
    with pytest.raises(NothingToExamine, match="no frames"):
        _ = View.of(Film(frames=lambda: iter(()), rate=Fraction(25))).frames


def test_sampling_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        Sampling(frames=-1)
    with pytest.raises(ValueError, match="at least 1 pixel"):
        Sampling(max_side=0)


def test_faces_of_a_portrait_and_a_clip_are_found_followed_and_cropped(shared: Path) -> None:
    demo = shared / "media" / "demo"
    portrait = View.open(demo / "portrait-1.jpg")
    assert len(portrait.faces) == 1
    (crop,) = portrait.crops(128)
    assert crop.image.shape == (128, 128, 3)
    assert (crop.index, crop.track) == (None, None)
    assert portrait.crops(128) is portrait.crops(128)
    assert portrait.meshes[0] is not None
    clip = View.open(demo / "clip-1.mpg", sampling=Sampling(frames=6))
    (one,) = clip.tracks
    assert [seen.index for seen in one.sightings] == [frame.index for frame in clip.frames]
    assert [crop.time for crop in clip.crops(64)] == [frame.time for frame in clip.frames]
    assert len(clip.meshes) == 6
    assert set(clip.timings) >= {"decode", "faces", "tracks", "meshes"}


def test_a_film_view_is_the_same_from_file_and_from_memory(makers: ModuleType, tmp_path: Path) -> None:
    frames = makers.frames(makers.steady(40))
    path = tmp_path / "film.mkv"
    path.write_bytes(encode_film(frames, None, "mkv", rate=Fraction(25)))
    chosen = [frame.index for frame in View.open(path).frames]
    film = Film(frames=lambda: iter(frames), rate=Fraction(25))
    assert [frame.index for frame in View.of(film).frames] == pytest.approx(chosen, abs=2), "noise chooses a little"
    assert all(isinstance(frame, Frame) for frame in View.of(film).frames)


@pytest.mark.parametrize("length", [0.0, 0.7, 1.0, 2.9, 9.3])
def test_the_seconds_that_pass_are_told_by_time_whatever_the_frame_rate(length: float) -> None:
    passing = Passing(whole=1.0, stretch=0.5, every=1.5)
    shown = sum(passing.shows(time) for time in np.arange(0.0005, length, 0.001)) * 0.001
    assert passing.seconds_of(length) == pytest.approx(shown, abs=0.002)
    assert Passing().seconds_of(length) == length


def test_threads_that_want_the_same_wait_for_one_of_them(makers: ModuleType, tmp_path: Path, passes: list[str]) -> None:
    view = View.open(_film(makers, tmp_path))
    made: list[int] = []

    def look(_number: int) -> tuple[int, str, float]:
        def make() -> str:
            made.append(1)
            time.sleep(0.05)
            return "made"

        return len(view.frames), view.shared("thing", make), view.spent()

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(look, range(4)))
    assert {answer[:2] for answer in answers} == {(32, "made")}
    assert (passes, made) == (["film"], [1])
    assert sum(spent > 0 for *_, spent in answers) == 1, "the others only waited"
    assert max(spent for *_, spent in answers) == pytest.approx(view.stages["decode"])
    assert "thing" in view.timings
    assert "thing" not in view.stages, "it is the work of those who asked, not the view's"


def test_who_watches_while_another_thread_decodes_still_sees_the_film(
    makers: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = View.open(_film(makers, tmp_path, 10))
    begun, go = threading.Event(), threading.Event()
    real = survey.stream

    def slow(op: str, *args: object, **kwargs: object) -> object:
        begun.set()
        assert go.wait(60)
        return real(op, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(survey, "stream", slow)
    seen: list[int] = []
    with ThreadPoolExecutor(2) as threads:
        frames = threads.submit(lambda: view.frames)
        assert begun.wait(60)
        watched = threads.submit(view.watch, lambda frame: seen.append(frame.index), passing=Passing())
        time.sleep(0.1)
        go.set()
        assert len(frames.result()) == 10
        assert watched.result() == pytest.approx(0.4)
    assert seen == list(range(10))
