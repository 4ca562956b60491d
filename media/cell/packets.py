"""How a film stream was coded, packet by packet, inside the decoding process: nothing is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from ..errors import NothingToExamine
from ..limits import Limits
from ..wire import Body, Header
from .streams import Reader


def each(file: BinaryIO, limits: Limits, *, container: str, most: int) -> Iterator[tuple[Header, Body]]:
    """Send one row for each of the first `most` packets: time in seconds (NaN: none), bytes, 1 for a key frame."""
    import av

    reader = Reader(file, limits, container=container)
    if reader.video is None:
        msg = f"the {container} file holds no film"
        raise NothingToExamine(msg)
    rows: list[tuple[float, float, float]] = []
    try:
        for packet in reader.container.demux(reader.video):
            if packet.size and len(rows) < min(most, limits.frames):
                base = float(packet.time_base or 0)
                time = float("nan") if packet.pts is None else packet.pts * base
                rows.append((time, float(packet.size), float(packet.is_keyframe)))
            elif packet.size:
                break
    except av.FFmpegError:  # what came before the damage is told
        pass
    codec = reader.video.codec_context.codec.canonical_name
    reader.close()
    yield {"codec": codec, "rows": len(rows)}, np.array(rows, np.float64).tobytes()
