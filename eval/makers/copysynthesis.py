"""Copy synthesis: the same words by the same person, through a vocoder. What remains is the vocoder's trace alone.

The vocoders are those that detectors are trained against (`detect.train.copysynth`), so these makers are never
unknown to the detector shipped here: a figure on them is a floor check, not a claim about strangers' makers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...detect.train import copysynth
from .interface import Kind, Leave, Media, Real
from .permission import speech


class WorldCopyMaker:
    """WORLD analysis and synthesis (Morise et al. 2016), half the time at another pitch."""

    name = "world-copy"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the re-synthesised recording; `cast` is not used."""
        del cast
        return copysynth.world(speech(real, leave), np.random.default_rng(seed))


class GriffinLimMaker:
    """Phase thrown away and guessed again (Griffin & Lim 1984), half the time through 80 mel bands."""

    name = "griffin-lim"
    kind: Kind = "audio"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the re-synthesised recording; `cast` is not used."""
        del cast
        return copysynth.griffin_lim(speech(real, leave), np.random.default_rng(seed))
