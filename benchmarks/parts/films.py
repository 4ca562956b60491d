"""The films that scans are timed with: a photograph that pans with speech-like sound, and the same over and over."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

SECONDS, RATE = 10, 25


def film(path: Path) -> None:
    """Write the made film: 1280 x 720, 25 frames a second, stereo sound at 48 kHz, H.264 and AAC."""
    import cv2
    from assay.media.audio import Audio
    from assay.media.encode import encode_film
    from assay.media.video import Frame
    from skimage.data import astronaut

    scene = cv2.resize(astronaut(), (1440, 1440), interpolation=cv2.INTER_CUBIC)

    def frames() -> Iterator[Frame]:
        for index in range(SECONDS * RATE):
            shift = int(60 + 50 * np.sin(index / 20))
            yield Frame(index=index, time=index / RATE, image=np.ascontiguousarray(scene[shift : shift + 720, 80:1360]))

    time_axis = np.arange(SECONDS * 48_000) / 48_000
    voice = 0.2 * np.sin(2 * np.pi * 140 * time_axis) * (1 + np.sin(2 * np.pi * 4 * time_axis)) / 2
    sound = Audio(samples=np.stack([voice, voice]).astype(np.float32), rate=48_000)
    path.write_bytes(encode_film(frames(), sound, "mp4", rate=Fraction(RATE)))


def repeated(source: Path, target: Path, times: int) -> None:
    """Write the packets of the film `source` to `target`, `times` after each other: nothing is encoded again."""
    import av

    with av.open(str(target), "w") as out:
        streams: list[Any] = []
        last = [-(1 << 60)] * 2
        for turn in range(times):
            with av.open(str(source)) as file:
                old = [file.streams.video[0], file.streams.audio[0]]
                streams = streams or [out.add_stream_from_template(stream) for stream in old]
                for packet in file.demux(old):
                    number = old.index(packet.stream)
                    shift = round(turn * SECONDS / packet.time_base)
                    if packet.dts is None or packet.dts + shift <= last[number]:
                        continue  # the last block of sound reaches into the next turn
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    last[number], packet.stream = packet.dts, streams[number]
                    out.mux(packet)
