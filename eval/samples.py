"""Items of a benchmark before they are judged: levelled, marked or not, and written under names that say nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import cast

import numpy as np

from ..datasets.launder import launder, launder_film
from ..media.audio import Audio, resample
from ..media.encode import encode_audio, encode_film
from ..media.errors import NothingToExamine
from ..media.image import Still
from ..media.video import Film
from .makers import Media

RATE = 16_000
SECONDS = 3.0
"""All sound and film is cut to this: makers of speech write sentences that are longer, so length tells nothing."""
GRID = RATE // 2
"""Samples: what is shorter is cut to a whole number of these."""
LEVEL_DB = -23.0
CLEAN = {"audio": "none", "image": "jpeg-90", "video": "h264-crf23"}
"""The chain behind the word "clean": an encoder all the same, because a real picture has been through one too."""
_FILM_CRF = 12
_FILM_BLOCK = 1 << 20
_LONG_AGO = 1_000_000_000


def seed_of(seed: int, name: str) -> int:
    """Return a seed of its own for `name`, the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{name}".encode()).digest()[:8], "big")


def level(media: Media) -> Media:
    """Return `media` without what could give its class away.

    Sound becomes mono at 16 kHz, without the silence at its ends, at most 3 s in steps of half a second, and
    at one loudness; of a film the pictures of at most 3 s are kept; a picture stays as it is. Raises
    `NothingToExamine` if the sound is silent.
    """
    if isinstance(media, Audio):
        return _level_audio(media)
    if isinstance(media, Film):
        return _level_film(media)
    return media


def _level_audio(audio: Audio) -> Audio:
    samples = resample(audio.mono(), audio.rate, RATE)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    if not loud.size or loud[-1] + 1 - loud[0] < GRID:
        msg = "the sound is silent but for less than half a second"
        raise NothingToExamine(msg)
    samples = samples[loud[0] : loud[-1] + 1]
    # Makers add or lose some milliseconds: lengths on a coarse grid say no more who made them.
    samples = samples[: min(int(SECONDS * RATE), samples.size // GRID * GRID)]
    gain = 10.0 ** (LEVEL_DB / 20.0) / float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
    return Audio(samples=np.clip(samples * gain, -1.0, 1.0).astype(np.float32)[np.newaxis], rate=RATE)


def _level_film(film: Film) -> Film:
    # Decoded once and kept: every chain and every detector looks at these three seconds again.
    frames = []
    for frame in film.frames():
        if frame.time >= SECONDS:
            break
        frames.append(frame)
    kept = tuple(frames)
    # The makers of films change the pictures alone: the sound of a fake is the real one, and would be scored as spoof.
    return Film(frames=lambda: iter(kept), rate=film.rate)


def marked(media: Media, payload: int) -> Media:
    """Return `media` with our own mark under the shared key in it. Raises `MarkError` where it cannot carry one."""
    from ..provenance.marks import SHARED_KEY, audio_scheme, image_scheme, video_scheme

    if isinstance(media, Audio):
        return audio_scheme().embed(media, payload, SHARED_KEY)
    if isinstance(media, Still):
        return Still(pixels=image_scheme().embed(media.pixels, payload, SHARED_KEY), notes=media.notes)
    frames = tuple(video_scheme().embed(media.frames(), payload, SHARED_KEY))
    return Film(frames=lambda: iter(frames), rate=media.rate, audio=media.audio)


def laundered(media: Media, chain: str, rng: np.random.Generator) -> Media:
    """Return `media` after `chain`."""
    if isinstance(media, Film):
        return launder_film(media, chain, rng)
    return cast("Audio | Still", launder(media, chain, rng))


def digest(media: Media) -> str:
    """Return 32 hexadecimal digits of the SHA-256 of the samples or pixels, without any container."""
    total = hashlib.sha256()
    for part in _parts(media):
        total.update(part)
    return total.hexdigest()[:32]


def _parts(media: Media) -> Iterator[bytes]:
    if isinstance(media, Audio):
        yield f"{media.rate} {media.samples.shape}".encode()
        yield media.samples.tobytes()
    elif isinstance(media, Still):
        yield f"{media.pixels.shape}".encode()
        yield media.pixels.tobytes()
    else:
        for frame in media.frames():
            yield f"{frame.time:.6f} {frame.image.shape}".encode()
            yield frame.image.tobytes()


def file_bytes(media: Media) -> tuple[bytes, str]:
    """Return `media` as a file that others can read, and its suffix.

    A picture is a PNG without compression and a sound 16-bit PCM, so that their size tells no more than width, height
    and length; a film is H.264 at a constant rate factor of 12, filled up to whole mebibytes.
    """
    if isinstance(media, Audio):
        return encode_audio(media, "wav"), ".wav"
    if isinstance(media, Still):
        from PIL import Image

        out = BytesIO()
        Image.fromarray(np.ascontiguousarray(media.pixels)).save(out, format="PNG", compress_level=0)
        return out.getvalue(), ".png"
    data = encode_film(media.frames(), None, "mp4", rate=media.rate, crf=_FILM_CRF)
    spare = -(len(data) + 8) % _FILM_BLOCK
    return data + (8 + spare).to_bytes(4, "big") + b"free" + bytes(spare), ".mp4"


def hand_out(data: bytes, suffix: str, folder: Path, name: str) -> Path:
    """Write `data` into `folder` under a name drawn from `name` by a hash, with one date for all; return its path."""
    path = folder / (hashlib.sha256(name.encode()).hexdigest()[:20] + suffix)
    path.write_bytes(data)
    os.utime(path, (_LONG_AGO, _LONG_AGO))
    return path
