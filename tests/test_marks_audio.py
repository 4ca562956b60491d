"""The sound mark: what it survives, where it says it is, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import soxr
from assay.media.audio import Audio
from assay.provenance.marks import SHARED_KEY, MarkError, audio_scheme
from assay.provenance.marks.audio import quality
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import kstest

Sound = NDArray[np.float32]
RATE = 16_000
OTHER = bytes(range(32))
PAYLOAD = 0xFEDC_BA98_7654_3210
MARK = audio_scheme()


def voice(seconds: float, rate: int = RATE, *, seed: int = 1) -> Sound:
    """A made voice: a buzz of wandering pitch and a hiss through wandering resonances, in syllables."""
    rng = np.random.default_rng(seed)
    count = int(seconds * RATE)
    time = np.arange(count) / RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.6 * time + rng.uniform(0, 6)) + 10 * np.sin(2 * np.pi * 1.7 * time)
    buzz = np.mod(np.cumsum(pitch) / RATE, 1.0) - 0.5 + 0.15 * rng.normal(size=count)
    out = np.zeros(count)
    state = [np.zeros(2) for _ in range(3)]
    for start in range(0, count, 800):
        piece = slice(start, start + 800)
        for number, centre in enumerate((550, 1500, 2600)):
            hertz = centre * (1 + 0.35 * np.sin(start / 3000 + number + seed))
            poles = 0.97 * np.exp(2j * np.pi * hertz / RATE)
            part, state[number] = lfilter([1.0], [1.0, -2 * poles.real, abs(poles) ** 2], buzz[piece], zi=state[number])
            out[piece] += part / (1 + number)
    out *= 0.15 + np.clip(np.sin(2 * np.pi * 2.3 * time + seed), 0, 1)
    out = 0.09 * out / np.abs(out).std() + 1e-4 * rng.normal(size=count)
    return np.clip(soxr.resample(out, RATE, rate), -1, 1).astype(np.float32)


def mono(samples: Sound, rate: int = RATE) -> Audio:
    return Audio(samples=np.ascontiguousarray(samples, dtype=np.float32)[None], rate=rate)


def _noisy(samples: Sound) -> Sound:
    noise = np.random.default_rng(3).normal(size=len(samples))
    return samples + noise * np.sqrt(np.square(samples).mean() / 10**2.5)


def _played(speed: float) -> Callable[[Sound], Sound]:
    return lambda samples: soxr.resample(samples, RATE, RATE / speed)


def _through(rate: int) -> Callable[[Sound], Sound]:
    return lambda samples: soxr.resample(soxr.resample(samples, RATE, rate), rate, RATE)


ATTACKS = [
    pytest.param(lambda samples: samples, id="nothing"),
    pytest.param(lambda samples: np.round(samples * 127) / 127, id="8 bits"),
    pytest.param(_noisy, id="noise 25 dB"),
    pytest.param(_through(8000), id="8 kHz and back"),
    pytest.param(lambda samples: np.clip(2 * samples, -1, 1), id="twice as loud"),
    pytest.param(lambda samples: 0.3 * samples, id="softer"),
    pytest.param(lambda samples: -samples[::1], id="turned over"),
    pytest.param(lambda samples: samples[21_111 : 21_111 + 3 * RATE], id="3 seconds of it"),
    pytest.param(lambda samples: np.concatenate([samples[:40_000], samples[40_160:]]), id="10 ms cut out"),
    pytest.param(_played(1.1), id="10 % faster"),
    pytest.param(_played(0.93), id="7 % slower"),
]


@pytest.fixture(scope="module")
def plain() -> Sound:
    return voice(8.0)


@pytest.fixture(scope="module")
def marked(plain: Sound) -> Sound:
    return MARK.embed(mono(plain), PAYLOAD, SHARED_KEY).samples[0]


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_id_survives(marked: Sound, attack: Callable[[Sound], Sound]) -> None:
    mark = MARK.detect(mono(attack(marked)), SHARED_KEY)
    assert mark is not None
    assert mark.payload == PAYLOAD
    assert mark.p_false_alarm < 1e-6


def test_the_change_is_25_decibels_down(plain: Sound, marked: Sound) -> None:
    assert quality(plain, marked) >= 25.0


def test_nothing_is_found_without_mark_or_with_another_key(plain: Sound, marked: Sound) -> None:
    assert MARK.detect(mono(plain), SHARED_KEY) is None
    assert MARK.detect(mono(marked), OTHER) is None


def test_the_later_of_two_marks_is_read(marked: Sound) -> None:
    mark = MARK.detect(MARK.embed(mono(marked), 99, SHARED_KEY), SHARED_KEY)
    assert mark is not None
    assert mark.payload == 99


def test_the_longer_of_two_marks_in_a_row_is_read(plain: Sound) -> None:
    first = MARK.embed(mono(plain), 1, SHARED_KEY).samples[0]
    second = MARK.embed(mono(voice(8.0, seed=2)), 2, SHARED_KEY).samples[0][: 3 * RATE]
    mark = MARK.detect(mono(np.concatenate([second, first])), SHARED_KEY)
    assert mark is not None
    assert mark.payload == 1


def test_seconds_without_the_mark_are_told_apart(plain: Sound, marked: Sound) -> None:
    whole = MARK.detect(mono(marked), SHARED_KEY)
    assert whole is not None
    assert sum(span.end - span.start for span in whole.spans) > 0.85 * 8.0
    spliced = np.concatenate([marked[: 3 * RATE], voice(2.0, seed=9), marked[3 * RATE :]])
    mark = MARK.detect(mono(spliced), SHARED_KEY)
    assert mark is not None
    covered = [any(span.start <= t <= span.end for span in mark.spans) for t in (1.5, 4.0, 7.0)]
    assert covered == [True, False, True]
    hidden = np.concatenate([plain[: 3 * RATE], marked[3 * RATE : 6 * RATE], plain[6 * RATE :]])
    mark = MARK.detect(mono(hidden), SHARED_KEY)
    assert mark is not None
    assert mark.spans[0].start > 2.4
    assert mark.spans[-1].end < 6.6


@settings(max_examples=8, deadline=None)
@given(
    payload=st.integers(0, 2**64 - 1),
    key=st.binary(min_size=32, max_size=32),
    rate=st.sampled_from([8000, 11_025, 22_050, 44_100, 48_000]),
    channels=st.integers(1, 6),
)
def test_any_id_key_rate_and_channels_come_back(payload: int, key: bytes, rate: int, channels: int) -> None:
    gains = np.linspace(1.0, 0.4, channels, dtype=np.float32)[:, None]
    audio = Audio(samples=np.ascontiguousarray(gains * voice(4.0, rate, seed=4)), rate=rate)
    out = MARK.embed(audio, payload, key)
    assert out.samples.shape == audio.samples.shape
    assert out.rate == rate
    mark = MARK.detect(out, key)
    assert mark is not None
    assert mark.payload == payload


def test_embedding_is_the_same_twice_and_leaves_its_input_alone(plain: Sound) -> None:
    before = plain.copy()
    first = MARK.embed(mono(plain), 5, SHARED_KEY)
    assert (plain == before).all()
    assert (first.samples == MARK.embed(mono(plain), 5, SHARED_KEY).samples).all()


def test_silence_stays_silent(plain: Sound) -> None:
    samples = plain.copy()
    samples[3 * RATE : 5 * RATE] = 0.0
    stereo = np.stack([samples, np.zeros_like(samples)])
    out = MARK.embed(Audio(samples=stereo, rate=RATE), 5, SHARED_KEY).samples
    assert (out[1] == 0.0).all()
    assert (out[0, int(3.05 * RATE) : int(4.95 * RATE)] == 0.0).all()
    mark = MARK.detect(Audio(samples=out, rate=RATE), SHARED_KEY)
    assert mark is not None
    assert mark.payload == 5


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        pytest.param(np.zeros(RATE * 4), RATE, "silent", id="silence"),
        pytest.param(0.1 * np.ones(RATE), RATE, r"2\.0 s", id="short"),
        pytest.param(0.1 * np.ones(4000 * 4), 4000, "8000 Hz", id="low rate"),
    ],
)
def test_what_cannot_hide_a_mark_is_refused(samples: Sound, rate: int, words: str) -> None:
    with pytest.raises(MarkError, match=words):
        MARK.embed(mono(samples, rate), 1, SHARED_KEY)


@pytest.mark.parametrize("count", [1, 100, RATE, 4 * RATE])
def test_silence_noise_and_clicks_carry_nothing(count: int, rng: np.random.Generator) -> None:
    click = np.zeros(count)
    click[0] = 1.0
    for samples in (np.zeros(count), rng.normal(0, 0.1, count), click, np.full(count, 0.5)):
        assert MARK.detect(mono(samples), SHARED_KEY) is None


def _plucked(rng: np.random.Generator) -> Sound:
    """Notes with overtones, each struck and dying away, over a faint hiss."""
    out = rng.normal(0, 0.002, 6 * RATE)
    time = np.arange(RATE) / RATE
    for number, hertz in enumerate((196, 247, 294, 330, 392, 220, 262, 311, 349, 440, 233)):
        overtones = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 12))
        out[number * RATE // 2 :][:RATE] += 0.1 * np.exp(-4 * time) * overtones
    return out


def test_what_is_no_voice_can_be_marked_too(rng: np.random.Generator) -> None:
    for samples in (rng.normal(0, 0.1, 5 * RATE), _plucked(rng)):
        mark = MARK.detect(MARK.embed(mono(samples), 3, SHARED_KEY), SHARED_KEY)
        assert mark is not None
        assert mark.payload == 3


def test_a_bare_tone_holds_no_mark_and_is_hardly_changed() -> None:
    samples = 0.15 * np.sin(2 * np.pi * 440 * np.arange(5 * RATE) / RATE)
    out = MARK.embed(mono(samples), 3, SHARED_KEY)
    assert quality(samples, out.samples[0]) > 25.0
    assert MARK.detect(out, SHARED_KEY) is None


def _pressed(samples: Sound) -> Sound:
    """A compressor: 4 to 1 above a level, fast up, slow down."""
    level, out = 0.0, np.empty_like(samples)
    for at, value in enumerate(np.abs(samples)):
        level += (value - level) * (0.02 if value > level else 0.0008)
        out[at] = samples[at] * min(1.0, (0.03 / max(level, 1e-9)) ** 0.75)
    return out


def _in_a_room(samples: Sound) -> Sound:
    rng = np.random.default_rng(5)
    tail = rng.normal(size=RATE // 2) * np.exp(-6.9 * np.arange(RATE // 2) / (0.4 * RATE))
    tail *= np.sqrt(0.4 / np.square(tail).sum())
    tail[0] = 1.0
    return np.convolve(samples, tail)[: len(samples)]


def _equalised(samples: Sound) -> Sound:
    return lfilter([1.0, -1.2, 0.7], [1.0, 0.5, 0.3], samples)


def _at_pitch(samples: Sound, tempo: float, pitch: float) -> Sound:
    """Other tempo or pitch by cutting into overlapping pieces where they fit best (WSOLA), then resampling."""
    stretch, piece, reach = tempo / pitch, 640, 160
    out = np.zeros(int(len(samples) / stretch) + piece)
    window = np.hanning(2 * piece)[::2]
    before = samples[:piece]
    for at in range(0, int((len(samples) - 3 * piece) / stretch), piece // 2):
        middle = round(at * stretch)
        tries = [s for s in range(max(middle - reach, 0), middle + reach, 4) if s + piece <= len(samples)]
        best = max(tries, key=lambda s: float(before @ samples[s : s + piece]))
        out[at : at + piece] += window * samples[best : best + piece]
        before = samples[best + piece // 2 :][:piece]
        if len(before) < piece:
            break
    return soxr.resample(out, RATE, RATE / pitch)


HARD = [
    pytest.param(_pressed, id="compressor"),
    pytest.param(_in_a_room, id="room"),
    pytest.param(_equalised, id="equaliser"),
    pytest.param(lambda samples: _at_pitch(samples, 0.92, 1.0), id="tempo 0.92"),
    pytest.param(lambda samples: _at_pitch(samples, 1.0, 1.07), id="pitch 1.07"),
]


@pytest.mark.parametrize("attack", HARD)
def test_the_id_survives_what_turns_phases_and_moves_time_or_pitch(
    marked: Sound, attack: Callable[[Sound], Sound]
) -> None:
    mark = MARK.detect(mono(attack(marked)), SHARED_KEY)
    assert mark is not None
    assert mark.payload == PAYLOAD


def test_the_p_value_of_presence_is_uniform_without_a_mark_and_tiny_with_one(plain: Sound, marked: Sound) -> None:
    values = [MARK.presence(mono(plain[: 3 * RATE]), bytes([number] * 32)) for number in range(150)]
    assert kstest(values, "uniform").pvalue > 1e-3
    assert MARK.presence(mono(marked), SHARED_KEY) < 1e-6
    assert MARK.presence(mono(np.zeros(4 * RATE)), SHARED_KEY) == 1.0


def test_long_sound_is_marked_in_pieces_that_fit_together(plain: Sound) -> None:
    long = np.tile(plain, 9)
    mark = MARK.detect(MARK.embed(mono(long), PAYLOAD, SHARED_KEY), SHARED_KEY)
    assert mark is not None
    assert mark.payload == PAYLOAD
    assert sum(span.end - span.start for span in mark.spans) > 0.85 * len(long) / RATE
