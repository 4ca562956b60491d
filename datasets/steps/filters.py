"""Sound through FFmpeg's filters: tempo, pitch and speed, equaliser, compressor, noise suppression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio
from .sounds import same_length, within

Filters = tuple[tuple[str, str], ...]
"""Filters in order: FFmpeg's name and its arguments."""


def filtered(audio: Audio, _: np.random.Generator, *, filters: Filters) -> Audio:
    """Return `audio` after `filters`, same length."""
    return same_length(_through(audio.samples, audio.rate, filters), audio)


def speed(audio: Audio, rng: np.random.Generator, *, factor: float = 0.0) -> Audio:
    """Return `audio` played `factor` times as fast, pitch and tempo together; drawn within 10 % where 0."""
    return within(_faster(audio, factor or _drawn(rng)), audio.rate)


def tempo(audio: Audio, rng: np.random.Generator, *, factor: float = 0.0) -> Audio:
    """Return `audio` `factor` times as fast at its own pitch (overlap-add); drawn within 10 % where 0."""
    return within(_through(audio.samples, audio.rate, (("atempo", f"{factor or _drawn(rng):.6f}"),)), audio.rate)


def pitch(audio: Audio, rng: np.random.Generator, *, factor: float = 0.0) -> Audio:
    """Return `audio` `factor` times as high at its own tempo; drawn within 10 % where 0."""
    factor = factor or _drawn(rng)
    fast = _faster(audio, factor)
    return same_length(_through(fast, audio.rate, (("atempo", f"{1 / factor:.6f}"),)), audio)


def equaliser(audio: Audio, rng: np.random.Generator) -> Audio:
    """Return `audio` with four drawn bells of up to 9 dB between 100 Hz and 6 kHz."""
    hertz = np.minimum(100 * 60 ** rng.uniform(0, 1, 4), 0.45 * audio.rate)
    gains, widths = rng.uniform(-9, 9, 4), rng.uniform(0.7, 1.5, 4)
    bells = zip(hertz, widths, gains, strict=True)
    return filtered(audio, rng, filters=tuple(("equalizer", f"f={f:.1f}:t=q:w={w:.3f}:g={g:.2f}") for f, w, g in bells))


def _drawn(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(0.9), np.log(1.1))))


def _faster(audio: Audio, factor: float) -> NDArray[np.float32]:
    import soxr

    turned = np.ascontiguousarray(audio.samples.T)
    out: NDArray[np.float32] = soxr.resample(turned, float(audio.rate), audio.rate / factor, quality="HQ")
    return np.ascontiguousarray(out.T, np.float32)


def _through(samples: NDArray[np.float32], rate: int, filters: Filters) -> NDArray[np.float32]:
    """Return float32 `[channels, n]` at `rate` after `filters`, each channel alone; the length may change."""
    channels = [_one(channel, rate, filters) for channel in samples]
    shortest = min(channel.size for channel in channels)
    return np.stack([channel[:shortest] for channel in channels])


def _one(samples: NDArray[np.float32], rate: int, filters: Filters) -> NDArray[np.float32]:
    import av
    from av.filter import Graph

    graph = Graph()
    nodes = [graph.add_abuffer(sample_rate=rate, format="fltp", layout="mono")]
    nodes += [graph.add(name, arguments) for name, arguments in filters]
    nodes += [graph.add("aformat", "sample_fmts=fltp"), graph.add("abuffersink")]
    graph.link_nodes(*nodes).configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[None], format="fltp", layout="mono")
    frame.sample_rate = rate
    frame.pts = 0
    graph.push(frame)
    graph.push(None)
    pieces: list[NDArray[np.float32]] = []
    while True:
        try:
            pieces.append(np.asarray(graph.pull().to_ndarray()[0], np.float32))
        except (av.BlockingIOError, av.EOFError):
            break
    return np.concatenate(pieces) if pieces else np.zeros(1, np.float32)
