"""Reading marks from a view: in the pass that decodes, long films by stretches, long sounds in blocks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import skimage.data
from assay.media import survey, worker
from assay.media.audio import Audio
from assay.media.encode import encode_film
from assay.media.errors import UnreadableMedia
from assay.media.sampling import Passing
from assay.media.video import Frame
from assay.media.view import View
from assay.provenance.marks import SHARED_KEY, audio, audio_scheme, reading, stave, video_scheme

PAYLOAD = 0x1122_3344_5566_7788
BRIEF = Passing(max_side=640, whole=1.0, stretch=0.8, every=2.0)


def _pan(count: int) -> list[Frame]:
    wall = cv2.resize(skimage.data.coffee(), (480, 320), interpolation=cv2.INTER_AREA)
    shifts = (60 + int(50 * np.sin(number / 20)) for number in range(count))
    return [
        Frame(index=n, time=n / 25, image=np.ascontiguousarray(wall[20:260, left : left + 320]))
        for n, left in enumerate(shifts)
    ]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same film of six seconds, plain and marked, through H.264."""
    folder, frames = tmp_path_factory.mktemp("films"), _pan(150)
    made = {"plain": frames, "marked": list(video_scheme().embed(frames, PAYLOAD, SHARED_KEY))}
    for name, several in made.items():
        (folder / f"{name}.mp4").write_bytes(encode_film(several, None, "mp4", rate=Fraction(25)))
    return {name: folder / f"{name}.mp4" for name in made}


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The decoding jobs that were asked for while the test ran."""
    asked: list[str] = []
    real = worker.stream

    def counted(op: str, *args: object, **kwargs: object) -> object:
        asked.append(op)
        return real(op, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(survey, "stream", counted)
    monkeypatch.setattr("assay.media.decode.stream", counted)
    return asked


def test_a_film_is_read_in_the_pass_that_decodes_it_for_all(films: dict[str, Path], passes: list[str]) -> None:
    view = View.open(films["marked"])
    (mark,) = reading.read(view).marks
    assert mark.payload == PAYLOAD
    assert mark.spans[0].start == 0.0
    assert mark.spans[-1].end == pytest.approx(6.0, abs=0.05)
    assert len(view.frames) == 32
    assert passes == ["film"]


def test_a_long_film_is_read_by_stretches_and_whole_only_if_they_show_a_mark(
    films: dict[str, Path], passes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "STRETCHES", BRIEF)
    plain = reading.read(View.open(films["plain"]))
    assert plain.marks == ()
    assert plain.notes == ("the film's mark was looked for in 3 of 6 s: all of its first 1 s, then 0.8 s in every 2",)
    assert passes == ["film"]
    found = reading.read(View.open(films["marked"]))
    assert found.marks[0].spans[-1].end == pytest.approx(6.0, abs=0.05), "all of it was looked at after all"
    assert found.notes == ()
    assert passes == ["film", "film", "frames"]


@pytest.mark.parametrize("seconds", [0.0, 3.0, 61.0, 64.0, 125.0])
def test_a_sound_in_blocks_is_cut_into_the_pieces_that_the_whole_is(seconds: float) -> None:
    mono = np.arange(round(seconds * 100), dtype=np.float32)
    whole = np.repeat(mono, stave.RATE // 100)
    blocks = [whole[at : at + 70_001] for at in range(0, len(whole), 70_001)]
    expected = [
        (start, whole[start : start + audio.PIECE + stave.PERIOD])
        for start in range(0, max(1, len(whole) - stave.PERIOD), audio.PIECE)
    ]
    found = list(audio._pieces(blocks))
    assert [start for start, _ in found] == [start for start, _ in expected]
    for (_, one), (_, two) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_marked_sound_is_heard_in_blocks_as_in_one(rng: np.random.Generator) -> None:
    swell = 1.0 + np.sin(2 * np.pi * 3 * np.arange(8 * stave.RATE) / stave.RATE)
    plain = Audio(samples=(0.05 * swell * rng.standard_normal(len(swell))).astype(np.float32)[None], rate=stave.RATE)
    marked = audio_scheme().embed(plain, PAYLOAD, SHARED_KEY)
    parts = [Audio(samples=part, rate=stave.RATE) for part in np.array_split(marked.samples, 7, axis=1)]
    assert audio_scheme().heard(iter(parts), SHARED_KEY) == audio_scheme().detect(marked, SHARED_KEY)
    assert audio_scheme().heard(parts, bytes(32)) is None


def _with_broken_sound(film: Path, place: Path) -> Path:
    """The pictures of `film` with a track of samples that are no numbers."""
    with av.open(str(film)) as source, av.open(str(place), "w") as out:
        pictures = out.add_stream_from_template(source.streams.video[0])
        sound = out.add_stream("pcm_f32le", rate=16_000, layout="mono")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                out.mux(packet)
        frame = av.AudioFrame.from_ndarray(np.full((1, 1024), np.nan, np.float32), format="flt", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 0
        out.mux([*sound.encode(frame), *sound.encode()])
    return place


def test_a_broken_sound_does_not_hide_the_mark_of_the_pictures(films: dict[str, Path], tmp_path: Path) -> None:
    told = reading.read(View.open(_with_broken_sound(films["marked"], tmp_path / "marked.mov")))
    assert [mark.payload for mark in told.marks] == [PAYLOAD]
    assert "in a part of the file only: the sound holds NaN" in told.notes[-1]
    with pytest.raises(UnreadableMedia, match="NaN"):
        reading.read(View.open(_with_broken_sound(films["plain"], tmp_path / "plain.mov")))
