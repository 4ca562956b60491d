"""How a film is coded, packet by packet: nothing is decoded, and the file is opened in a capped process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .decode import Source, place
from .errors import WorkerFailed
from .limits import Limits
from .worker import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Packets:
    """How the frames of a film are coded, in coding order: `times` in seconds (NaN: none), `sizes` in bytes, `keys`."""

    codec: str
    times: NDArray[np.float64]
    sizes: NDArray[np.float64]
    keys: NDArray[np.bool_]


def film_packets(source: Source, *, most: int = 3000, limits: Limits | None = None) -> Packets:
    """Return the first `most` packets of the film stream of `source`; nothing is decoded.

    Raises `NothingToExamine` if there is no film, `UnreadableMedia` if the file cannot be opened.
    """
    where, name = place(source)
    header, body = run("packets", where, limits=limits or Limits(), container=name, most=most)
    rows = np.frombuffer(body, np.float64).reshape(-1, 3)
    if len(rows) != header["rows"]:
        msg = f"the decoding process sent {len(rows)} packets where it said {header['rows']}"
        raise WorkerFailed(msg)
    return Packets(codec=str(header["codec"]), times=rows[:, 0], sizes=rows[:, 1], keys=rows[:, 2] > 0)
