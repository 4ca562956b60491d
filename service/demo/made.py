"""A cast out of installed packages: a public-domain photograph, a drawing over it, and a synthetic speaker."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...media.audio import Audio, resample
from ...media.encode import encode_audio, encode_film, encode_image
from ...media.errors import MissingExtra
from ...media.video import Frame
from .cast import Cast, Member

FILM_RATE = Fraction(25)
FILM_FRAMES = 75
FILM_SIZE = (480, 720)  # height, width
FILM_PAN = 24
WORDS = (
    "I lend my voice to this demonstration.",
    "I am a synthetic speaker, so nobody is hurt when I am copied.",
    "Listen to how I sound, and then to the sentence that I have never said.",
)
PUBLIC_DOMAIN = "public domain (NASA, shipped with scikit-image)"
DRAWN = "drawn for this run over a public-domain photograph"
SPOKEN = "spoken for this run by hibari-tts (Apache-2.0)"


def make_cast(folder: Path) -> Cast:
    """Write the material into `folder` and return it. Raises `MissingExtra` without the extra `generate`."""
    try:
        from skimage.data import astronaut
    except ImportError as error:
        feature = "the demonstration without --media"
        raise MissingExtra(feature, "generate") from error
    folder.mkdir(parents=True, exist_ok=True)
    photo: NDArray[np.uint8] = astronaut()  # type: ignore[no-untyped-call]
    other, voice = drawn_over(photo), spoken()
    heard = Audio(samples=voice.samples[:, : round(FILM_FRAMES / FILM_RATE * voice.rate)], rate=voice.rate)
    files = {
        "astronaut.png": encode_image(photo, "png"),
        "drawn.png": encode_image(other, "png"),
        "two-people.mp4": encode_film(pan(photo, other), heard, "mp4", rate=FILM_RATE, crf=16),
        "speaker.wav": encode_audio(voice, "wav"),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    first, second = (
        Member(path=folder / "astronaut.png", people=("astronaut",), licence=PUBLIC_DOMAIN),
        Member(path=folder / "drawn.png", people=("drawn person",), licence=DRAWN),
    )
    return Cast(
        portraits=(first, second),
        films=(Member(path=folder / "two-people.mp4", people=("astronaut", "drawn person"), licence=DRAWN),),
        voices=(Member(path=folder / "speaker.wav", people=("synthetic speaker",), licence=SPOKEN),),
        made=True,
    )


def drawn_over(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a second person: the photograph mirrored and reshaped, with glasses and a moustache drawn on the face."""
    import cv2

    from ...media.faces import finder

    mirrored = np.ascontiguousarray(photo[:, ::-1])
    face = finder().find(mirrored)[0]
    left, right, nose, *mouth = (point.astype(int) for point in face.points)
    width = int(np.linalg.norm(right - left))
    drawing = mirrored.copy()
    for eye in (left, right):
        cv2.circle(drawing, tuple(eye.tolist()), int(0.36 * width), (24, 22, 30), max(2, width // 16), cv2.LINE_AA)
    bridge = (left + right) // 2
    half = np.array([int(0.14 * width), 0])
    cv2.line(
        drawing, tuple((bridge - half).tolist()), tuple((bridge + half).tolist()), (24, 22, 30), max(2, width // 16)
    )
    lip = (nose * 0.45 + (mouth[0] + mouth[1]) / 2 * 0.55).astype(int)
    for side in (-1, 1):
        centre = (int(lip[0] + side * 0.24 * width), int(lip[1]))
        cv2.ellipse(
            drawing, centre, (int(0.3 * width), int(0.1 * width)), side * 14, 0, 360, (52, 34, 26), -1, cv2.LINE_AA
        )
    return np.asarray(cv2.GaussianBlur(drawing, (0, 0), 0.8), dtype=np.uint8)


def pan(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Iterator[Frame]:
    """Yield a slow pan over both pictures side by side: a film with two faces."""
    import cv2

    height, width = FILM_SIZE
    scene = np.concatenate([first[:400, 60:380], second[:400, 132:452]], axis=1)
    scene = cv2.resize(scene, (width + 2 * FILM_PAN, height + FILM_PAN), interpolation=cv2.INTER_CUBIC)
    for index in range(FILM_FRAMES):
        shift = FILM_PAN * (1.0 - np.cos(np.pi * index / FILM_FRAMES))
        moved = np.array([[1.0, 0.0, -shift], [0.0, 1.0, -FILM_PAN / 2 * (1.0 + np.sin(index / 12.0))]])
        image = cv2.warpAffine(scene, moved, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        yield Frame(index=index, time=index / float(FILM_RATE), image=image.astype(np.uint8))


def spoken() -> Audio:
    """Return the synthetic speaker's words, slowed and lowered by an eighth so that it is nobody's default voice."""
    from ...generate.voice.hibari import HibariSynthesiser

    voice = HibariSynthesiser()
    said = [voice.say(sentence, seed=0) for sentence in WORDS]
    heard = [part for part in said if part is not None]
    samples = np.concatenate([part.samples for part in heard], axis=1)
    rate = heard[0].rate
    return Audio(samples=resample(samples, round(rate * 7 / 8), rate), rate=rate)
