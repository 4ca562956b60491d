"""Through a sound format and back, in memory: MP3, AAC, Opus, AMR, G.711."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCodec:
    """A lossy sound format: FFmpeg's encoder and container, bits per second, and the rates in hertz it takes."""

    encoder: str
    container: str
    bit_rate: int
    rates: tuple[int, ...]
    delay: float = 0.0
    """Seconds that decoding comes late where the container does not say so."""


_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3 = AudioCodec(encoder="libmp3lame", container="mp3", bit_rate=64_000, rates=_RATES)
# Matroska, Ogg and MP3's LAME header tell the decoder how many samples the encoder put in front; MP4 does not.
AAC = AudioCodec(encoder="aac", container="matroska", bit_rate=64_000, rates=_RATES)
OPUS = AudioCodec(encoder="libopus", container="ogg", bit_rate=24_000, rates=(8000, 12000, 16000, 24000, 48000))
AMR_NB = AudioCodec(encoder="libopencore_amrnb", container="amr", bit_rate=12_200, rates=(8000,), delay=0.005)
G711_ALAW = AudioCodec(encoder="pcm_alaw", container="wav", bit_rate=64_000, rates=(8000,))


def through_audio(audio: Audio, codec: AudioCodec) -> Audio:
    """Return `audio` encoded by `codec` and decoded again: same rate, channels, length and alignment.

    Each channel goes through the codec alone; a rate that the codec does not take is converted to the next one above.
    """
    rate = min((r for r in codec.rates if r >= audio.rate), default=max(codec.rates))
    channels = [_one_channel(resample(one, audio.rate, rate), rate, codec) for one in audio.samples]
    back = resample(np.stack(channels), rate, audio.rate)
    return Audio(samples=_fit(back, audio.samples.shape[1]), rate=audio.rate)


def _one_channel(samples: NDArray[np.float32], rate: int, codec: AudioCodec) -> NDArray[np.float32]:
    """Return float32 `[n]` at `rate` after one encode and decode, in time with the input."""
    import av

    store = io.BytesIO()
    with av.open(store, "w", format=codec.container) as out:
        stream = cast("av.AudioStream", out.add_stream(codec.encoder, rate=rate))
        stream.layout = "mono"
        stream.bit_rate = codec.bit_rate
        frame = av.AudioFrame.from_ndarray(np.clip(samples, -1, 1)[None], format="fltp", layout="mono")
        frame.sample_rate = rate
        frame.pts = 0
        turn = av.AudioResampler(format=stream.format, layout="mono", rate=rate)
        size = stream.codec_context.frame_size or 1024
        fifo = av.AudioFifo()
        for piece in (*turn.resample(frame), *turn.resample(None)):
            fifo.write(piece)
        while (block := fifo.read(size, partial=True)) is not None:
            out.mux(stream.encode(block))
        out.mux(stream.encode(None))
    store.seek(0)
    return _decoded(store, rate)[round(codec.delay * rate) :]


def _decoded(store: io.BytesIO, rate: int) -> NDArray[np.float32]:
    """Return the sound in `store` as float32 `[n]` at `rate` hertz."""
    import av

    pieces: list[NDArray[np.float32]] = []
    with av.open(store, "r") as media:
        turn = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        for frame in media.decode(audio=0):
            pieces.extend(piece.to_ndarray()[0] for piece in turn.resample(frame))
        pieces.extend(piece.to_ndarray()[0] for piece in turn.resample(None))
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def _fit(samples: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Return `samples` `[channels, m]` cut or padded with zeros at the end to `n` samples."""
    short = n - samples.shape[1]
    return np.ascontiguousarray(np.pad(samples, ((0, 0), (0, short))) if short > 0 else samples[:, :n])
