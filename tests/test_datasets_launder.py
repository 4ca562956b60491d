"""Laundering keeps kind, rate and alignment, is the same for the same seed, and does what it says."""

from __future__ import annotations

import numpy as np
import pytest
from assay.datasets.corpus import CorpusError
from assay.datasets.launder import CHAINS, STEPS, chains_for, kind_of, launder
from assay.media.audio import Audio
from assay.media.image import Still
from assay.media.video import Frame
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt, welch


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
    assert np.array_equal(once.samples, audio.samples) == (chain in {"none", "trim"})


@pytest.mark.parametrize("chain", ["mp3-64k", "aac-64k", "opus-24k", "telephone", "resample", "lowpass"])
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
    assert abs(float(once.pixels.mean()) - float(still.pixels.mean())) < 40


@pytest.mark.parametrize("chain", chains_for("film"))
def test_a_film_chain_keeps_frames_and_times_and_one_size(chain: str, rng: np.random.Generator) -> None:
    film = _film(rng)
    once = launder(film, chain, np.random.default_rng(5))
    again = launder(film, chain, np.random.default_rng(5))
    assert isinstance(once, tuple)
    assert isinstance(again, tuple)
    assert [(f.index, f.time) for f in once] == [(f.index, f.time) for f in film]
    assert len({f.image.shape for f in once}) == 1
    assert all(np.array_equal(a.image, b.image) for a, b in zip(once, again, strict=True))


def test_stronger_compression_loses_more(rng: np.random.Generator) -> None:
    film = _film(rng)

    def loss(chain: str) -> float:
        after = launder(film, chain, rng)
        assert isinstance(after, tuple)
        return float(np.mean([(a.image.astype(float) - b.image) ** 2 for a, b in zip(after, film, strict=True)]))

    assert loss("none") == 0 < loss("h264-crf23") < loss("h264-crf35")


@pytest.mark.parametrize("chain", ["nonsense", "jpeg-50", "mp3-64k+nonsense", ""])
def test_a_chain_that_cannot_be_done_names_those_that_can(chain: str, rng: np.random.Generator) -> None:
    with pytest.raises(CorpusError, match=r"laundering steps for audio.*mp3-64k"):
        launder(_audio(rng), chain, rng)


def test_every_step_says_what_it_does_and_every_chain_is_made_of_steps() -> None:
    assert all(step.about and step.kinds for step in STEPS.values())
    assert all(name in STEPS for chain in CHAINS if chain != "none" for name in chain.split("+"))
    with pytest.raises(CorpusError, match="at least one frame"):
        kind_of(())
