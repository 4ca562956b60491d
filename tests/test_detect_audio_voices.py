"""Voices that a user enrols: how much of a recording is heard."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from assay.detect.audio.voices import LONGEST, enrol
from assay.media.errors import InputError


def _broken_from(seconds: float, path: Path, rng: np.random.Generator) -> Path:
    """Noise of a minute more than is heard, with samples that are no numbers from `seconds` on."""
    samples = rng.normal(0.0, 0.1, (1, round((LONGEST + 60.0) * 8000))).astype(np.float32)
    samples[:, round(seconds * 8000) :] = np.nan
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_f32le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        out.mux([*stream.encode(frame), *stream.encode()])
    return path


def test_of_a_long_recording_only_the_beginning_is_decoded(tmp_path: Path, rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match=r"found 0\.\d s"):
        enrol([_broken_from(LONGEST + 20.0, tmp_path / "late.wav", rng)])
    with pytest.raises(InputError, match="NaN"):
        enrol([_broken_from(LONGEST - 20.0, tmp_path / "early.wav", rng)])
