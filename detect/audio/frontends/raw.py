"""The wave itself, for networks that learn their own filters."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from .interface import F32, FrontEnd


class Raw(FrontEnd):
    """The samples as they are, `[n, 1]`."""

    size: ClassVar[int] = 1
    step: ClassVar[int] = 1
    width: ClassVar[int] = 1

    def rows(self, frames: F32) -> F32:
        """Return a copy of `frames` `[n, 1]`."""
        return np.array(frames, np.float32)
