"""Laundering keeps kind, rate and alignment, is the same for the same seed, and does what it says."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from assay.datasets.codecs import rate_of
from assay.datasets.corpus import CorpusError
from assay.datasets.launder import CHAINS, STEPS, chains_for, kind_of, launder, launder_film
from assay.media.audio import Audio
from assay.media.image import Still
from assay.media.video import Film, Frame
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, welch

STILL = set(chains_for("image")) - {"none", "half", "crop", "social-feed", "social-messenger"}
"""Chains of pictures alone: on films they are the same function on each frame."""
RETIMED = ("half-frames", "lost-frames", "rate-", "cut-")


def _audio(rng: np.random.Generator, *, rate: int = 22_050, channels: int = 1, seconds: float = 1.5) -> Audio:
    noise = rng.standard_normal((channels, int(rate * seconds)))
    band = sosfilt(butter(4, (200, 3000), "bandpass", fs=rate, output="sos"), noise, axis=1)
    swell = 0.6 + 0.4 * np.sin(np.arange(band.shape[1]) * 2 * np.pi * 4 / rate)
    return Audio(samples=(0.1 * band * swell).astype(np.float32), rate=rate)


def _pixels(rng: np.random.Generator, height: int = 120, width: int = 91) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    waves = 60 * np.sin(x / 3 + y / 7) + 40 * np.sin(x * y / 900 + rng.uniform(0, 6))
    return np.clip(128 + waves[..., None] + 2 * rng.standard_normal((height, width, 3)), 0, 255).astype(np.uint8)


def _film(rng: np.random.Generator) -> tuple[Frame, ...]:
    return tuple(Frame(index=2 * i, time=i / 12.5, image=_pixels(rng)) for i in range(5))


def _delay(before: Audio, after: Audio) -> int:
    n = 2 * before.samples.shape[1]
    cross = np.fft.irfft(np.conj(np.fft.rfft(before.samples[0], n)) * np.fft.rfft(after.samples[0], n))
    peak = int(cross.argmax())
    return peak - n if peak > n // 2 else peak


@pytest.mark.parametrize("chain", chains_for("audio"))
def test_a_sound_chain_keeps_rate_and_channels_and_repeats_by_seed(chain: str, rng: np.random.Generator) -> None:
    audio = _audio(rng, channels=2)
    kept = audio.samples.copy()
    once = launder(audio, chain, np.random.default_rng(5))
    again = launder(audio, chain, np.random.default_rng(5))
    assert isinstance(once, Audio)
    assert isinstance(again, Audio)
    assert once.rate == audio.rate
    assert once.samples.shape[0] == 2
    assert np.array_equal(once.samples, again.samples)
    assert np.array_equal(audio.samples, kept)
    assert np.abs(once.samples).max() <= 1.0
    assert np.array_equal(once.samples, audio.samples) == (chain in {"none", "trim", "cut-3s"})


@pytest.mark.parametrize(
    "chain",
    [
        *("mp3-64k", "mp3-32k", "aac-64k", "opus-24k", "telephone", "amr-nb", "g711-alaw", "resample", "resample-8k"),
        *("lowpass", "equaliser", "compressor", "bits-8", "social-messenger"),
    ],
)
@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 48_000])
def test_codecs_and_filters_keep_length_and_time(chain: str, rate: int, rng: np.random.Generator) -> None:
    audio = _audio(rng, rate=rate)
    after = launder(audio, chain, rng)
    assert isinstance(after, Audio)
    assert after.samples.shape == audio.samples.shape
    assert abs(_delay(audio, after)) <= rate // 4000


def test_noise_is_as_far_below_the_sound_as_its_name_says(rng: np.random.Generator) -> None:
    audio = _audio(rng)
    noisy = launder(audio, "noise-15", rng)
    assert isinstance(noisy, Audio)
    ratio = 10 * np.log10(np.mean(audio.samples**2) / np.mean((noisy.samples - audio.samples) ** 2))
    assert ratio == pytest.approx(15, abs=0.1)


def test_the_telephone_leaves_nothing_above_four_kilohertz(rng: np.random.Generator) -> None:
    wide = Audio(samples=(0.1 * rng.standard_normal((1, 48_000))).astype(np.float32), rate=24_000)
    called = launder(wide, "telephone", rng)
    assert isinstance(called, Audio)
    hertz, power = welch(called.samples[0], 24_000)
    assert power[hertz > 4500].max() < 1e-4 * power[(hertz > 500) & (hertz < 3000)].mean()


def test_trim_cuts_silence_at_the_ends_and_leaves_silence_alone(rng: np.random.Generator) -> None:
    audio = _audio(rng)
    padded = Audio(samples=np.pad(audio.samples, ((0, 0), (8000, 4000))), rate=audio.rate)
    cut = launder(padded, "trim", rng)
    assert isinstance(cut, Audio)
    assert audio.samples.shape[1] - 2000 < cut.samples.shape[1] < audio.samples.shape[1] + 2000
    silence = Audio(samples=np.zeros((1, 8000), np.float32), rate=8000)
    assert launder(silence, "trim", rng) == silence


@pytest.mark.parametrize("chain", chains_for("image"))
def test_a_picture_chain_gives_a_still_and_repeats_by_seed(chain: str, rng: np.random.Generator) -> None:
    still = Still(pixels=_pixels(rng))
    kept = still.pixels.copy()
    once = launder(still, chain, np.random.default_rng(5))
    again = launder(still, chain, np.random.default_rng(5))
    assert isinstance(once, Still)
    assert isinstance(again, Still)
    assert np.array_equal(once.pixels, again.pixels)
    assert np.array_equal(still.pixels, kept)
    assert abs(float(once.pixels.mean()) - float(still.pixels.mean())) < 45


@pytest.mark.parametrize("chain", [chain for chain in chains_for("film") if chain not in STILL])
def test_a_film_chain_keeps_frames_and_times_and_one_size(chain: str, rng: np.random.Generator) -> None:
    film = _film(rng)
    once = launder(film, chain, np.random.default_rng(5))
    again = launder(film, chain, np.random.default_rng(5))
    assert isinstance(once, tuple)
    assert isinstance(again, tuple)
    if not chain.startswith(RETIMED):
        assert [(f.index, f.time) for f in once] == [(f.index, f.time) for f in film]
    assert once[0].time == 0
    assert all(a.time < b.time for a, b in pairwise(once))
    assert len({f.image.shape for f in once}) == 1
    assert all(np.array_equal(a.image, b.image) for a, b in zip(once, again, strict=True))


@pytest.mark.parametrize("chain", ["crop", "words", "turn-5"])
def test_every_frame_of_a_film_meets_the_same_draws(chain: str, rng: np.random.Generator) -> None:
    still = _pixels(rng)
    once = launder(tuple(Frame(index=i, time=i / 25, image=still) for i in range(3)), chain, rng)
    assert isinstance(once, tuple)
    assert np.array_equal(once[0].image, once[2].image)


@pytest.mark.parametrize(
    ("chain", "times"),
    [
        ("half-frames", [0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.48, 0.56, 0.64, 0.72]),
        ("rate-15", [k / 15 for k in range(12)]),
        ("rate-24", [k / 24 for k in range(19)]),
        ("cut-1s", [k / 25 for k in range(20)]),
    ],
)
def test_steps_that_lose_frames_tell_their_new_times(chain: str, times: list[float], rng: np.random.Generator) -> None:
    film = tuple(Frame(index=i, time=i / 25, image=np.full((32, 32, 3), i, np.uint8)) for i in range(20))
    after = launder(film, chain, rng)
    assert isinstance(after, tuple)
    assert [f.time for f in after] == pytest.approx(times)
    assert [f.index for f in after] == list(range(len(times)))
    shown = [int(f.image[0, 0, 0]) for f in after]
    assert all(abs(value / 25 - time) <= 0.0201 for value, time in zip(shown, times, strict=True))


def test_a_cut_takes_as_long_as_it_says_from_anywhere(rng: np.random.Generator) -> None:
    film = tuple(Frame(index=i, time=i / 12.5, image=np.full((32, 32, 3), i, np.uint8)) for i in range(60))
    firsts = set()
    for _ in range(8):
        after = launder(film, "cut-3s", rng)
        assert isinstance(after, tuple)
        assert [f.time for f in after] == pytest.approx([k / 12.5 for k in range(38)], abs=1e-9)
        firsts.add(int(after[0].image[0, 0, 0]))
    assert len(firsts) > 3


def test_a_cut_takes_the_same_seconds_of_pictures_and_sound(rng: np.random.Generator) -> None:
    frames = tuple(Frame(index=i, time=i / 25, image=np.full((32, 32, 3), i, np.uint8)) for i in range(100))
    sound = Audio(samples=(np.arange(4 * 8000, dtype=np.float32) / 32_000)[np.newaxis], rate=8000)
    film = Film(frames=lambda: iter(frames), rate=Fraction(25), audio=sound)
    for chain in ("cut-1s", "half-frames+cut-1s"):
        after = launder_film(film, chain, rng)
        shown = tuple(after.frames())
        assert after.audio is not None
        assert after.audio.seconds == 1.0
        assert after.audio.samples[0, 0] * 4 == pytest.approx(shown[0].image[0, 0, 0] / 25, abs=1e-3)
        assert after.rate == pytest.approx(len(shown), abs=0.5)
    dropped = launder_film(film, "lost-frames", rng)
    assert dropped.audio is sound, "frames that are lost leave the sound and the times of the others as they are"
    short = Film(frames=lambda: iter(frames[-30:]), rate=Fraction(25), audio=None)
    assert launder_film(short, "cut-1s", rng).audio is None
    slow = Film(frames=lambda: iter(frames[::25][:1] + frames[25:26]), rate=Fraction(1), audio=sound)
    one = launder_film(slow, "cut-1s", rng)
    assert (len(tuple(one.frames())), one.rate) == (1, 1), "a frame alone is shown as long as before"


def test_codecs_find_the_frame_rate_in_the_times() -> None:
    frames = [Frame(index=i, time=i * 1001 / 30_000, image=np.zeros((2, 2, 3), np.uint8)) for i in range(4)]
    assert rate_of(frames) == Fraction(30_000, 1001)
    assert rate_of(frames[:1]) == 25


@pytest.mark.parametrize(
    ("chain", "length", "height"),
    [("speed-1.1", 1.1, 1.1), ("speed-0.9", 0.9, 0.9), ("tempo-1.1", 1.1, 1.0), ("pitch-0.9", 1.0, 0.9)],
)
def test_speed_moves_both_and_tempo_and_pitch_one(
    chain: str, length: float, height: float, rng: np.random.Generator
) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(32_000) / 16_000)
    after = launder(Audio(samples=tone[None].astype(np.float32), rate=16_000), chain, rng)
    assert isinstance(after, Audio)
    assert after.seconds == pytest.approx(2 / length, rel=0.01)
    hertz, power = welch(after.samples[0], 16_000, nperseg=4096)
    assert hertz[power.argmax()] == pytest.approx(1000 * height, abs=5)


def test_a_narrow_call_leaves_nothing_above_four_kilohertz(rng: np.random.Generator) -> None:
    wide = Audio(samples=(0.1 * rng.standard_normal((1, 48_000))).astype(np.float32), rate=24_000)
    for chain in ("amr-nb", "g711-alaw", "resample-8k"):
        after = launder(wide, chain, rng)
        assert isinstance(after, Audio)
        hertz, power = welch(after.samples[0], 24_000)
        assert power[hertz > 4500].max() < 1e-3 * power[(hertz > 500) & (hertz < 3000)].mean()


def test_twice_as_loud_is_cut_and_dynamic_compression_brings_quiet_up(rng: np.random.Generator) -> None:
    audio = Audio(samples=(0.4 * np.sin(np.arange(16_000) / 8))[None].astype(np.float32), rate=16_000)
    loud = launder(Audio(samples=audio.samples * 2, rate=16_000), "loud-clipped", rng)
    assert isinstance(loud, Audio)
    assert np.mean(np.abs(loud.samples) == 1) > 0.3
    swell = audio.samples * np.linspace(0.02, 1, 16_000, dtype=np.float32)
    squeezed = launder(Audio(samples=swell, rate=16_000), "compressor", rng)
    assert isinstance(squeezed, Audio)
    spread = [np.std(one[0, 12_000:]) / np.std(one[0, 500:2000]) for one in (swell, squeezed.samples)]
    assert spread[1] < 0.7 * spread[0]


def test_a_room_rings_on_and_starts_with_its_direct_sound(rng: np.random.Generator) -> None:
    click = np.zeros((1, 16_000), np.float32)
    click[0, 1000] = 0.2
    for chain in ("room", "reverb"):
        after = launder(Audio(samples=click, rate=16_000), chain, rng)
        assert isinstance(after, Audio)
        assert abs(int(np.abs(after.samples[0]).argmax()) - 1000) <= 1
        energy = np.cumsum(after.samples[0, ::-1].astype(float) ** 2)[::-1]
        decay = 10 * np.log10(energy / energy[0] + 1e-12)
        assert decay[1000 + 1600] > -60 > decay[-1]


def test_parts_turns_and_bars_have_the_size_they_say(rng: np.random.Generator) -> None:
    still = Still(pixels=_pixels(rng, 300, 400))

    def size(chain: str) -> tuple[int, int]:
        after = launder(still, chain, rng)
        assert isinstance(after, Still)
        return after.pixels.shape[0], after.pixels.shape[1]

    height, width = size("area-50")
    assert height * width == pytest.approx(0.5 * 300 * 400, rel=0.01)
    assert size("scale-0.4") == (120, 160)
    assert size("turn-5") == (300, 400)
    assert 240 < size("turn-5-cut")[0] < 290
    assert size("framed")[0] > 320
    white = launder(Still(pixels=np.full((300, 400, 3), 255, np.uint8)), "turn-5-cut", rng)
    assert isinstance(white, Still)
    assert white.pixels.min() > 250, "a black corner is left"


def test_gif_has_a_palette_and_half_chroma_keeps_the_luma(rng: np.random.Generator) -> None:
    still = Still(pixels=rng.integers(0, 256, (64, 64, 3)).astype(np.uint8))
    few = launder(still, "gif", rng)
    assert isinstance(few, Still)
    assert len(np.unique(few.pixels.reshape(-1, 3), axis=0)) <= 256
    smooth = Still(pixels=_pixels(rng))
    for chain, worst in (("chroma", 3.0), ("grey", 1.0)):
        after = launder(smooth, chain, rng)
        assert isinstance(after, Still)
        weights = np.array([0.299, 0.587, 0.114])
        assert np.abs(after.pixels @ weights - smooth.pixels @ weights).mean() < worst


def test_the_catalogue_of_chains_is_the_one_in_the_docs() -> None:
    text = (Path(__file__).resolve().parents[1] / "docs/laundering.md").read_text()
    rows = [
        f"| `{chain}` | {', '.join(k for k in ('audio', 'image', 'film') if chain in chains_for(k))} | {about} |"
        for chain, about in CHAINS.items()
    ]
    assert [line for line in text.splitlines() if line.startswith("| `")] == rows


def test_stronger_compression_loses_more(rng: np.random.Generator) -> None:
    film = _film(rng)

    def loss(chain: str) -> float:
        after = launder(film, chain, rng)
        assert isinstance(after, tuple)
        return float(np.mean([(a.image.astype(float) - b.image) ** 2 for a, b in zip(after, film, strict=True)]))

    assert loss("none") == 0 < loss("h264-crf23") < loss("h264-crf35")
    assert 0 < loss("h265-crf28") < loss("h265-crf35")


@pytest.mark.parametrize("chain", ["nonsense", "jpeg-50", "mp3-64k+nonsense", ""])
def test_a_chain_that_cannot_be_done_names_those_that_can(chain: str, rng: np.random.Generator) -> None:
    with pytest.raises(CorpusError, match=r"laundering steps for audio.*mp3-64k"):
        launder(_audio(rng), chain, rng)


def test_every_step_says_what_it_does_and_every_chain_is_made_of_steps() -> None:
    assert all(step.about and step.kinds for step in STEPS.values())
    assert all(name in STEPS for chain in CHAINS if chain != "none" for name in chain.split("+"))
    with pytest.raises(CorpusError, match="at least one frame"):
        kind_of(())


def test_rawboost_noise_lies_in_its_papers_range_and_impulses_hit_a_tenth_at_most() -> None:
    audio = _audio(np.random.default_rng(3))
    for seed in range(8):
        steady = launder(audio, "rawboost-stationary", np.random.default_rng(seed))
        moved = launder(audio, "rawboost-impulsive", np.random.default_rng(seed))
        bent = launder(audio, "rawboost-convolutive", np.random.default_rng(seed))
        assert isinstance(steady, Audio)
        assert isinstance(moved, Audio)
        assert isinstance(bent, Audio)
        ratio = 10 * np.log10(np.mean(audio.samples**2) / np.mean((steady.samples - audio.samples) ** 2))
        assert 9.9 < ratio < 40.1
        hit = moved.samples != audio.samples
        assert 0 < hit.mean() <= 0.1
        assert np.all(np.abs(moved.samples) <= 3.001 * np.abs(audio.samples))
        assert abs(_delay(audio, bent)) <= 2
        assert np.mean(bent.samples**2) == pytest.approx(np.mean(audio.samples**2), rel=0.01)
