"""Through a codec and back, in memory: what a lossy format leaves of a sound, a picture or a film."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..media.audio import Audio, resample
from ..media.video import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioCodec:
    """A lossy sound format: FFmpeg's encoder and container, bits per second, and the rates in hertz it takes."""

    encoder: str
    container: str
    bit_rate: int
    rates: tuple[int, ...]
    layout: str = "mono"


_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
MP3 = AudioCodec(encoder="libmp3lame", container="mp3", bit_rate=64_000, rates=_RATES)
# Matroska, Ogg and MP3's LAME header tell the decoder how many samples the encoder put in front; MP4 does not.
AAC = AudioCodec(encoder="aac", container="matroska", bit_rate=64_000, rates=_RATES)
OPUS = AudioCodec(encoder="libopus", container="ogg", bit_rate=24_000, rates=(8000, 12000, 16000, 24000, 48000))


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
        stream.layout = codec.layout
        stream.bit_rate = codec.bit_rate
        frame = av.AudioFrame.from_ndarray(np.clip(samples, -1, 1)[None], format="fltp", layout=codec.layout)
        frame.sample_rate = rate
        frame.pts = 0
        turn = av.AudioResampler(format=stream.format, layout=codec.layout, rate=rate)
        size = stream.codec_context.frame_size or 1024
        fifo = av.AudioFifo()
        for piece in (*turn.resample(frame), *turn.resample(None)):
            fifo.write(piece)
        while (block := fifo.read(size, partial=True)) is not None:
            out.mux(stream.encode(block))
        out.mux(stream.encode(None))
    store.seek(0)
    return _decoded(store, rate)


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


def through_picture(pixels: NDArray[np.uint8], container: str, quality: int) -> NDArray[np.uint8]:
    """Return uint8 `[h, w, 3]` RGB encoded as `container` (Pillow's name) at `quality` (1-100) and decoded again."""
    from PIL import Image

    store = io.BytesIO()
    Image.fromarray(pixels).save(store, container, quality=quality)
    store.seek(0)
    with Image.open(store) as picture:
        return np.asarray(picture.convert("RGB"))


def through_film(frames: Sequence[Frame], crf: int) -> tuple[Frame, ...]:
    """Return `frames` encoded as H.264 at constant rate factor `crf` (0-51) and decoded again.

    Times and indices are kept. The codec sees whole blocks of 16 pixels, edges repeated and cut off again: with a
    part of a block x264 reads memory nobody wrote, and two runs differ.
    """
    import av
    import cv2

    height, width = frames[0].image.shape[:2]
    down, right = -height % 16, -width % 16
    store = io.BytesIO()
    with av.open(store, "w", format="mp4") as out:
        options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        stream = out.add_stream("libx264", rate=Fraction(25), options=options)
        stream.width, stream.height, stream.pix_fmt = width + right, height + down, "yuv420p"
        for i, frame in enumerate(frames):
            whole = np.pad(frame.image, ((0, down), (0, right), (0, 0)), mode="edge")
            # Colours are turned by OpenCV: swscale's rounding depends on how the memory lies.
            planes = np.asarray(cv2.cvtColor(whole, cv2.COLOR_RGB2YUV_I420), np.uint8)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts = i
            picture.time_base = Fraction(1, 25)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    store.seek(0)
    with av.open(store, "r") as media:
        decoded = [picture.to_ndarray(format="yuv420p") for picture in media.decode(video=0)]
    images = [cv2.cvtColor(one, cv2.COLOR_YUV2RGB_I420)[:height, :width] for one in decoded]
    return tuple(
        Frame(index=frame.index, time=frame.time, image=np.ascontiguousarray(image, np.uint8))
        for frame, image in zip(frames, images, strict=True)
    )
