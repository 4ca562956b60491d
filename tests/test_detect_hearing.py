"""Hearing any recording: any rate, channels and length, and an answer why where there is nothing to hear."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from assay.detect.audio import hearing
from assay.detect.audio.ear import EarDetector
from assay.detect.audio.hearing import Heard, Stretch, hear, speech_windows, stretches
from assay.detect.audio.scoring import MOST, SIZE
from assay.detect.finding import Evidence, Finding, Skipped
from assay.detect.train import copysynth
from assay.media.audio import Audio, MonoStream, resample
from assay.media.encode import encode_audio
from assay.media.sampling import Sampling
from assay.media.view import View

RATE = 16_000


@pytest.fixture(scope="module")
def spoken() -> Audio:
    """Some seconds of speech by a synthetic voice, 16 kHz."""
    voice = copysynth.speak(np.random.default_rng(1))
    return Audio(samples=resample(voice.samples, voice.rate, RATE)[:, : 6 * RATE], rate=RATE)


def _answer(samples: np.ndarray, rate: int = RATE) -> tuple[Finding, ...] | Skipped:
    media = Audio(samples=np.atleast_2d(samples).astype(np.float32).clip(-1, 1), rate=rate)
    return EarDetector().examine(Evidence(view=View.of(media), verification=None))


def chords(rng: np.random.Generator, seconds: float, *, sustained: bool) -> np.ndarray:
    """Return music: triads of eleven harmonics with vibrato, a tune above, a drum and a cymbal; `[n]`."""
    time = np.arange(int(seconds * RATE)) / RATE
    out = np.zeros(time.size)
    steps = np.array([0, 2, 4, 5, 7, 9, 11])
    for start in np.arange(0, seconds - 0.5, 0.5):
        here = slice(int(start * RATE), int((start + 0.5) * RATE))
        local = time[here] - start
        notes = (rng.integers(7) + np.array([0, 2, 4, 7])) % 7
        for place, note in enumerate(notes):
            hertz = 110.0 * 2 ** (steps[note] / 12 + (place == 3))
            phase = 2 * np.pi * hertz * (local + 0.0007 * np.sin(2 * np.pi * 5.5 * local))
            fall = np.exp(-local * (0.4 if sustained else 6.0)) * np.minimum(1, local / 0.02)
            out[here] += sum(np.sin(k * phase) / k for k in range(1, 12)) * fall
        out[here] += 3 * np.sin(2 * np.pi * 55 * local) * np.exp(-local * 20)
        out[here] += 0.7 * rng.standard_normal(local.size) * np.exp(-np.abs(local - 0.25) * 60)
    return np.asarray(0.3 * out / np.abs(out).max())


def rain(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Return rain: hiss, and drops of it; `[n]`."""
    sound = 0.02 * rng.standard_normal(int(seconds * RATE))
    for start in rng.integers(0, sound.size - 400, int(60 * seconds)):
        sound[start : start + 400] += 0.1 * rng.standard_normal(400) * np.exp(-np.arange(400) / 40)
    return sound


@pytest.mark.parametrize("sustained", [True, False], ids=["strings", "plucked"])
def test_music_is_skipped_and_the_answer_says_what_there_is(rng: np.random.Generator, sustained: bool) -> None:
    answer = _answer(chords(rng, 8.0, sustained=sustained))
    assert isinstance(answer, Skipped)
    assert not answer.failed
    assert "needs at least 1 s of speech" in answer.why
    assert "music or noise" in answer.why


def test_rain_hiss_and_hum_are_no_speech(rng: np.random.Generator) -> None:
    time = np.arange(6 * RATE) / RATE
    hum = 0.1 * sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 12))
    for sound in (rain(rng, 6.0), 0.1 * rng.standard_normal(6 * RATE), np.asarray(hum)):
        answer = _answer(sound)
        assert isinstance(answer, Skipped)
        assert "needs at least 1 s of speech" in answer.why


def test_speech_over_music_is_heard_where_it_is_spoken(rng: np.random.Generator, spoken: Audio) -> None:
    music = chords(rng, 30.0, sustained=False)
    voice = np.zeros_like(music)
    voice[10 * RATE : 10 * RATE + spoken.samples.shape[1]] = spoken.samples[0]
    mixed = voice + 0.1 * music * spoken.samples.std() / music.std()
    heard = hear(View.of(Audio(samples=mixed[None].astype(np.float32), rate=RATE)))
    assert isinstance(heard, Heard)
    assert min(heard.starts) > 8.0
    assert max(heard.starts) < 17.0


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 96_000, 192_000])
def test_every_rate_is_heard_much_alike(spoken: Audio, rate: int) -> None:
    turned = resample(spoken.samples, RATE, rate)
    (finding,) = _answer(np.repeat(turned, 2, axis=0), rate)
    (own,) = _answer(spoken.samples)
    assert abs(finding.llr - own.llr) < (1.0 if rate < RATE else 0.3)


def test_a_stream_in_blocks_is_resampled_as_the_whole(rng: np.random.Generator) -> None:
    sound = 0.1 * rng.standard_normal((2, 30_011)).astype(np.float32)
    stream = MonoStream(44_100, RATE)
    parts = [stream.feed(part) for part in np.array_split(sound, 13, axis=1)]
    joined = np.concatenate([*parts, stream.end()])
    assert np.allclose(joined, resample(sound.mean(axis=0), 44_100, RATE), atol=1e-6)


def test_a_long_recording_is_heard_to_its_end_a_stretch_at_a_time(tmp_path: Path, spoken: Audio) -> None:
    quiet = np.zeros(150 * RATE, np.float32)
    quiet[-spoken.samples.shape[1] :] = spoken.samples[0]
    path = tmp_path / "long.flac"
    path.write_bytes(encode_audio(Audio(samples=quiet[None], rate=RATE), "flac"))
    view = View.open(path, sampling=Sampling(audio_seconds=20.0))
    assert view.audio is not None
    assert view.audio.seconds == 20.0
    lengths = [stretch.seconds for stretch in stretches(view)]
    assert lengths == [60.0, 60.0, 30.0]
    heard = hear(view)
    assert isinstance(heard, Heard)
    assert heard.seconds == 150.0
    assert min(heard.starts) > 140.0
    (finding,) = EarDetector().examine(Evidence(view=view, verification=None))
    assert all(140.0 < span.start < span.end <= 150.0 for span in finding.spans)


def test_what_is_in_memory_and_what_is_streamed_are_heard_the_same(tmp_path: Path, spoken: Audio) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(
        encode_audio(Audio(samples=resample(spoken.samples, RATE, 44_100).clip(-1, 1), rate=44_100), "wav")
    )
    streamed, held = View.open(path), View.open(path)
    assert held.audio is not None
    one, other = hear(streamed), hear(held)
    assert isinstance(one, Heard)
    assert isinstance(other, Heard)
    assert one.starts == other.starts
    assert np.allclose(one.scores, other.scores, atol=1e-4)


def test_of_many_windows_some_are_scored_evenly_spread(spoken: Audio) -> None:
    minute = np.resize(spoken.samples[0], 69 * RATE)
    stretch = Stretch(start=0.0, samples=minute, speech=np.ones(-(-minute.size // 512), np.bool_))
    assert len(speech_windows(stretch).starts) <= MOST
    few = speech_windows(stretch, most=10)
    assert len(few.starts) == len(few.samples) == 10
    assert few.samples.shape[1] == SIZE
    assert few.starts[0] < 1.0
    assert few.starts[-1] > 66.0
    assert np.ptp(np.diff(few.starts)) <= 3.0


def test_a_model_is_asked_once_a_view_however_many_want_to_know(spoken: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = hearing.window_scores

    def counted(samples: np.ndarray) -> np.ndarray:
        asked.append(len(samples))
        return real(samples)

    monkeypatch.setattr(hearing, "window_scores", counted)
    view = View.of(spoken)
    assert hear(view) is hear(view)
    assert len(asked) == 1


def test_hearing_imports_no_torch(tmp_path: Path, spoken: Audio) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(encode_audio(spoken, "wav"))
    program = (
        "import sys; from pathlib import Path; from assay.detect.scan import Examination, scan; "
        "from assay.provenance.trust import Trust; "
        "report = scan(Path(sys.argv[1]), Examination(trust=Trust(), detectors=('audio-whisper',), previews=True)); "
        "assert report.verdict.findings, report.verdict.skipped; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
