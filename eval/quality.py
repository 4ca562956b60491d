"""How good an item is, beside whether it is caught: cheap measures, judges where asked, and a thumbnail."""

from __future__ import annotations

import base64
import contextlib

import numpy as np
from numpy.typing import NDArray

from ..media.audio import Audio
from ..media.errors import AssayError
from ..media.image import Still
from ..media.video import Film
from .makers import Media

MEASURES = {
    "mos": "predicted opinion score, 1 to 5",
    "ssim": "structural similarity to the real picture",
    "speaker": "likeness to the person's voice",
    "range": "dB between loud and quiet parts",
    "sharpness": "sharpness, log10 variance of the Laplacian",
}
"""Measures in the order in which the scatter prefers them: DistillMOS and d-vectors (voice_quality), the rest here.

`range` is the 95th less the 5th percentile of the power of 20 ms frames; similarity and sharpness are of luminance.
"""
_SIDE = 384
_THUMB = 120
_FRAMES = 5


def quality(media: Media, real: Media | None, *, judges: bool) -> dict[str, float]:
    """Return the measures of `media`; those of likeness need the levelled `real` that it was made of.

    `judges` asks the slow networks too. What cannot be measured is left out.
    """
    found: dict[str, float] = {}
    if isinstance(media, Audio):
        found["range"] = _range(media)
        if judges:
            found |= _judged(media, real)
        return found
    pictures = _pictures(media)
    found["sharpness"] = float(np.mean([_sharpness(picture) for picture in pictures]))
    if real is not None and not isinstance(real, Audio):
        pairs = [(a, b) for a, b in zip(pictures, _pictures(real), strict=False) if a.shape == b.shape]
        if pairs:
            found["ssim"] = float(np.mean([ssim(a, b) for a, b in pairs]))
    return found


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the mean structural similarity of two luminance pictures uint8 `[h, w]` (Wang et al. 2004).

    Gaussian window of sigma 1.5, constants 0.01 and 0.03, as in the paper's section III.B and III.C.
    """
    import cv2

    x, y = a.astype(np.float32), b.astype(np.float32)

    def mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float32)

    mx, my = mean(x), mean(y)
    vx, vy, both = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float(np.mean((2 * mx * my + c1) * (2 * both + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))))


def thumbnail(media: Media, *, fake: bool) -> str:
    """Return a small JPEG of a picture, of a film's middle or of a sound's spectrogram, in base64.

    What is made says so in letters burnt into it: no picture of a fake leaves the benchmark unlabelled.
    """
    import cv2

    if isinstance(media, Audio):
        image = _spectrogram(media)
    else:
        whole = media.pixels if isinstance(media, Still) else _middle(media)
        scale = _THUMB / max(whole.shape[:2])
        size = (max(1, round(whole.shape[1] * scale)), max(1, round(whole.shape[0] * scale)))
        small = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), np.uint8)
    if fake:
        cv2.rectangle(image, (0, 0), (46, 15), (30, 30, 200), -1)
        cv2.putText(image, "AI fake", (3, 11), cv2.FONT_HERSHEY_SIMPLEX, 0.34, (255, 255, 255), 1, cv2.LINE_AA)
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 72])
    return base64.b64encode(data.tobytes()).decode("ascii")


def _range(audio: Audio) -> float:
    samples = audio.mono().astype(np.float64)
    step = max(1, audio.rate // 50)
    frames = samples[: samples.size // step * step].reshape(-1, step)
    power = 10.0 * np.log10(np.mean(frames**2, axis=1) + 1e-10)
    return float(np.percentile(power, 95) - np.percentile(power, 5))


def _judged(media: Audio, real: Media | None) -> dict[str, float]:
    from . import voice_quality

    found: dict[str, float] = {}
    with contextlib.suppress(AssayError):
        found["mos"] = voice_quality.quality(media)
    if isinstance(real, Audio):
        with contextlib.suppress(AssayError):
            found["speaker"] = voice_quality.similarity(media, real)
    return found


def _pictures(media: Still | Film) -> list[NDArray[np.uint8]]:
    """Return the luminance of a picture, or of a few frames of a film, at most `_SIDE` pixels a side."""
    import cv2

    if isinstance(media, Still):
        chosen = [media.pixels]
    else:
        frames = [frame.image for frame in media.frames()]
        chosen = [frames[place] for place in np.linspace(0, len(frames) - 1, _FRAMES).astype(int)] if frames else []
    out = []
    for image in chosen:
        scale = min(1.0, _SIDE / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        out.append(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8))
    return out


def _sharpness(picture: NDArray[np.uint8]) -> float:
    import cv2

    return float(np.log10(np.var(cv2.Laplacian(picture, cv2.CV_64F)) + 1e-6))


def _middle(film: Film) -> NDArray[np.uint8]:
    frames = [frame.image for frame in film.frames()]
    return frames[len(frames) // 2]


def _spectrogram(audio: Audio) -> NDArray[np.uint8]:
    """Return a spectrogram as a picture, BGR uint8 `[80, 200, 3]`: 0 Hz below, 70 dB from dark to bright."""
    import cv2

    samples = np.pad(audio.mono(), (0, max(0, 512 - audio.samples.shape[1])))
    windows = np.lib.stride_tricks.sliding_window_view(samples, 512)[::128] * np.hanning(512)
    power = 20.0 * np.log10(np.abs(np.fft.rfft(windows, axis=1)).T + 1e-6)
    shade = np.clip((power - power.max() + 70.0) / 70.0, 0.0, 1.0)
    grey = cv2.resize((shade[::-1] * 255).astype(np.uint8), (200, 80), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), np.uint8)
