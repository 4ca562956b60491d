"""The faces that an eye for seams is taught on: cut out, copied by small networks, kept in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .seam_material import Sitter
from .selfblend import Portrait
from .visual_crops import sized

if TYPE_CHECKING:
    from .redraw import Copiers

CONTEXT, LARGEST = 0.78, 300.0
"""Half the side of what is kept around a face, in its sides, and the pixels of its longer side at most."""


def sitter(kind: str, faces: Sequence[Portrait], copiers: Copiers | None, *, copies: int, seed: int) -> Sitter:
    """Return a sitter with `copies` of each face drawn by `copiers`; without copiers, or for 0, with none."""
    from .redraw import redrawn

    drawn = []
    for number, face in enumerate(faces):
        rng = np.random.default_rng([seed, number])
        drawn.append(() if copiers is None else tuple(redrawn(face.pixels, copiers, rng) for _ in range(copies)))
    return Sitter(kind=kind, faces=tuple(faces), drawn=tuple(drawn))


def tight(face: Portrait) -> Portrait:
    """Return the face with no more around it than crops can reach, at most `LARGEST` pixels a side."""
    low, high = face.mesh.min(axis=0), face.mesh.max(axis=0)
    middle, half = (low + high) / 2, CONTEXT * float((high - low).max())
    height, width = face.pixels.shape[:2]
    left, top = np.maximum(0, np.floor(middle - half)).astype(int)
    right, bottom = np.minimum([width, height], np.ceil(middle + half)).astype(int)
    shift = np.array([left, top], np.float32)
    pixels = np.ascontiguousarray(face.pixels[top:bottom, left:right])
    return sized(Portrait(pixels=pixels, mesh=face.mesh - shift, points=face.points - shift), LARGEST)


def kept_sitter(path: Path, made: Sitter | None = None) -> Sitter:
    """Return the sitter in `path`, after `made` was written into it if given."""
    if made is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        values: dict[str, NDArray[Any]] = {"kind": np.array(made.kind)}
        for number, (face, copies) in enumerate(zip(made.faces, made.drawn, strict=True)):
            parts: dict[str, NDArray[Any]] = {"pixels": face.pixels, "mesh": face.mesh, "points": face.points}
            values |= {f"{number}-{name}": value for name, value in parts.items()}
            values |= {f"{number}-copy-{copy}": value for copy, value in enumerate(copies)}
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, allow_pickle=False, **values)
        temporary.replace(path)
    with np.load(path, allow_pickle=False) as told:
        count = sum(name.endswith("-pixels") for name in told)
        counts = [sum(name.startswith(f"{number}-copy-") for name in told) for number in range(count)]
        faces = tuple(
            Portrait(pixels=told[f"{n}-pixels"], mesh=told[f"{n}-mesh"], points=told[f"{n}-points"])
            for n in range(count)
        )
        drawn = tuple(tuple(told[f"{n}-copy-{k}"] for k in range(counts[n])) for n in range(count))
        return Sitter(kind=str(told["kind"]), faces=faces, drawn=drawn)
