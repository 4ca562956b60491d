"""The face engine as a maker: another person's face in the real file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...generate import swap_face
from ...generate.interface import GenerationError
from .interface import PURPOSE, Kind, Leave, Media, Real


class SwapMaker:
    """Puts the face of another person of the cast into a photograph."""

    name = "landmark-swap"
    kind: Kind = "image"

    def make(self, real: Real, cast: Sequence[Real], *, leave: Leave, seed: int) -> Media:
        """Return the swapped picture or film; the other face is drawn by `seed` from the pictures in `cast`."""
        others = [other for other in cast if other.kind == "image" and other.subject != real.subject]
        if not others:
            msg = f"a face swap needs a picture of somebody else than {real.subject}: the material has none"
            raise GenerationError(msg)
        source = others[int(np.random.default_rng(seed).integers(len(others)))]
        draft = swap_face(
            real.path,
            source.path,
            face_of=source.subject,
            footage_of=(real.subject,),
            book=leave.book,
            purpose=PURPOSE,
            now=leave.now,
        )
        return draft.media


class SwapFilmMaker(SwapMaker):
    """The same in a film, with its sound kept."""

    name = "landmark-swap-film"
    kind: Kind = "video"
