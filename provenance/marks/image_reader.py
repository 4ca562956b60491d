"""Reading the picture mark: as the picture lies, at other brightness and curves, cropped, scaled and turned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import align, canvas, codes, presence, template, template_search

GAINS = np.geomspace(0.55, 1.8, 97)
GAMMAS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.12, 1.25, 1.4, 1.6, 1.8, 2.1)
TRIED = 6
"""Gains that are decoded, best lattice score first."""
BLURS = ((1.0, 1.0, 1.0), (1.0, 0.5, 0.1), (1.0, 0.0, 0.0))
"""Weights of the three bands of coefficients that are tried: a sharp, a soft and a blurred picture."""
BLURRED = (2.5, 4.0, 5.5)
"""Widths in canvas pixels of a Gaussian blur that is undone: it moves the sums off their lattice."""
SEEN = 5.2
"""Agreement of the template in standard deviations from which a picture that lies as it was is decoded further."""
LIKELY, FINE = 4.4, 6.2
"""The same from which another placement is made finer, and then decoded."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a canvas gave: the id found, and how many decodings were tried."""

    found: codes.Decoded | None
    trials: int


def read_canvas(grey: NDArray[np.float32], aspect: float, key: bytes, scheme: str) -> Reading:
    """Search the id: as it lies, other brightness, other gamma, then wherever the template shows it to lie."""
    whole = np.ones(canvas.BLOCKS**2, dtype=np.float32)
    straight = read_lattice(grey, whole, key, scheme)
    if straight.found is not None or float(grey.std()) < 0.5:
        return straight
    trials = straight.trials
    for width in BLURRED:
        widths = (width * aspect**0.5, width / aspect**0.5)
        reading = read_lattice(grey, whole, key, scheme, blurred=widths)
        trials += reading.trials
        if reading.found is not None:
            return Reading(reading.found, trials)
    for number, placed in enumerate(_placements(grey, aspect, key, scheme)):
        curves = placed is None or number == 0
        moved, there = (grey, whole) if placed is None else template.onto_canvas(grey, placed)
        for gamma in (1.0, *(GAMMAS if curves else ())):
            reading = read_lattice(_curved(moved, gamma), there, key, scheme)
            trials += reading.trials
            if reading.found is not None:
                return Reading(reading.found, trials)
    return Reading(None, trials)


def _placements(
    grey: NDArray[np.float32], aspect: float, key: bytes, scheme: str
) -> Iterator[template.Placement | None]:
    """Yield where the picture may lie, likeliest first; `None` stands for as it is."""
    seen, waves = template.received(grey), template.waves(key, scheme)
    where = canvas.layout(key, scheme, canvas.PICTURES)
    own = template.place(seen, np.eye(2), waves)
    if own.score >= SEEN and float(np.abs(own.shift).max()) < 0.005:
        yield None
    for found in template_search.search(seen, aspect, key, scheme)[:2]:
        if found.score < LIKELY:
            return
        fine = template.refined(seen, found, waves)
        if fine.score >= FINE:
            yield align.aligned([grey], fine, aspect, where)[0]
            yield fine
            yield from template_search.simpler(fine, aspect)


def _curved(grey: NDArray[np.float32], gamma: float) -> NDArray[np.float32]:
    return grey if gamma == 1.0 else gamma_table(gamma)[np.rint(np.clip(grey, 0, 255)).astype(np.uint8)]


@lru_cache(maxsize=32)
def gamma_table(gamma: float) -> NDArray[np.float32]:
    """Return the 256 values of the power curve with exponent `gamma`."""
    return (255.0 * (np.arange(256) / 255.0) ** gamma).astype(np.float32)


def read_lattice(
    grey: NDArray[np.float32],
    there: NDArray[np.float32],
    key: bytes,
    scheme: str,
    *,
    blurred: tuple[float, float] = (0.0, 0.0),
) -> Reading:
    """Decode the canvas as it lies at gain 1 and at the gains with the best lattice score.

    `there` says how much of each block `[64]` is in the picture; blocks at the ends of the scale count less.
    """
    where = canvas.layout(key, scheme, canvas.PICTURES)
    weights = there * open_blocks(grey)
    coefficients = canvas.forward(grey, where) * canvas.unblurred(where, *blurred)
    phases = canvas.sums_of(coefficients, where) / np.float32(where.grid.step)
    each = weights[:, None] * np.ones_like(phases)
    scores = canvas.gain_scores(phases, where, each, GAINS)
    gains = [1.0, *GAINS[np.argsort(-scores)[:TRIED]]]
    soft = np.stack(
        [
            canvas.soft_values(phases / np.float32(gain), where, weights[:, None] * canvas.band_weights(where, *bands))
            for gain in gains
            for bands in BLURS
        ]
    )
    decoded = [one for one in codes.decode(soft, key, scheme) if one is not None]
    best = max(decoded, key=lambda one: one.strength, default=None)
    return Reading(best, len(soft))


def read_frames(greys: Sequence[NDArray[np.float32]], key: bytes, scheme: str, layout: str) -> Reading:
    """Decode the soft values of canvases that were marked one by one, added up, at gain 1."""
    where = canvas.layout(key, scheme + layout, canvas.PICTURES)
    soft = np.zeros((len(BLURS), codes.SYMBOLS))
    for grey in greys:
        phases = canvas.sums_of(canvas.forward(grey, where), where) / np.float32(where.grid.step)
        weights = open_blocks(grey)[:, None]
        soft += [canvas.soft_values(phases, where, weights * canvas.band_weights(where, *bands)) for bands in BLURS]
    decoded = [one for one in codes.decode(soft, key, scheme) if one is not None]
    return Reading(max(decoded, key=lambda one: one.strength, default=None), len(soft))


def turns_of(grey: NDArray[np.float32], where: canvas.Layout) -> NDArray[np.complex128]:
    """Return where the sums of the canvas `grey` lie between lattice points, for `presence.p_value`."""
    phases = canvas.sums_of(canvas.forward(grey, where), where) / np.float32(where.grid.step)
    return presence.turns(phases, open_blocks(grey)[:, None])


def open_blocks(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return for each block `[64]` how far it lies inside the scale of grey, 1 where nothing was cut off."""
    inside = ((grey > 1.5) & (grey < 253.5)).astype(np.float32)
    shape = (canvas.BLOCKS, canvas.BLOCK, canvas.BLOCKS, canvas.BLOCK)
    return np.asarray(inside.reshape(shape).mean(axis=(1, 3)).reshape(-1) ** 2 + 1e-3, dtype=np.float32)
