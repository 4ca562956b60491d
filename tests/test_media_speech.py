"""Finding speech: people yes, noise and silence no."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from assay.media.asset import Asset
from assay.media.audio import Audio, resample
from assay.media.decode import decode_audio
from assay.media.speech import voiced


def test_silence_noise_and_tones_are_no_speech(makers: ModuleType, rng: np.random.Generator) -> None:
    silence = Audio(samples=np.zeros((1, 32_000), np.float32), rate=16_000)
    for audio in (silence, makers.noise(rng, samples=32_000, rate=16_000), makers.tone(seconds=2.0, rate=16_000)):
        assert voiced(audio) == ()


def test_a_sample_is_no_speech_and_no_error() -> None:
    assert voiced(Audio(samples=np.zeros((2, 1), np.float32), rate=44_100)) == ()
    with pytest.raises(ValueError, match="between 0 and 1"):
        voiced(Audio(samples=np.zeros((2, 1), np.float32), rate=44_100), threshold=1.0)


def test_speech_between_silences_is_found_where_it_is_at_any_rate(shared: Path) -> None:
    clip = decode_audio(Asset.open(shared / "media" / "demo" / "voice-2.flac"))
    bare = clip.samples[:, 5 * clip.rate : 12 * clip.rate]
    quiet = np.zeros((1, 2 * clip.rate), np.float32)
    for rate in (clip.rate, 8_000, 44_100):
        samples = resample(np.concatenate([quiet, bare, quiet], axis=1), clip.rate, rate)
        spans = voiced(Audio(samples=samples, rate=rate))
        assert spans == voiced(Audio(samples=samples, rate=rate))
        assert 1.8 < spans[0].start < 2.6
        assert 8.4 < spans[-1].end < 9.3
        assert sum(span.end - span.start for span in spans) > 4
        assert all(a.end < b.start for a, b in pairwise(spans))
