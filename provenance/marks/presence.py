"""Whether a mark is there at all: one statistic of the lattice whose law on unmarked media is known.

Without the mark the key's dither, uniform and independent of the media, turns each sum's place between the lattice
points by an angle of its own. The soft values of one symbol then are a sum of independent cosines of uniform angles,
and so all moments of its square are known for these very media: no training set of unmarked files stands behind the
p-value. With the mark all soft values of a symbol have one sign, whichever, and the square is larger.

That holds over keys. Under one key films resemble each other: where they are flat all sums lie near 0, whatever the
film, and the key's dither says the same of all of them. What sums of such flatness have in common is therefore
taken away first, and the moments change accordingly. Flatness is told from what the mark does not change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import Layout
from .codes import SYMBOLS

ALIKE = 24
"""Sums of like flatness whose common direction is taken away from each."""


def turns(phases: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.complex128]:
    """Return where `phases` (sums in lattice steps) lie between lattice points: complex, of size `weights`."""
    return np.asarray(weights * np.exp(2j * np.pi * phases.astype(np.float64)), dtype=np.complex128)


def p_value(seen: NDArray[np.complex128], where: Layout, flatness: NDArray[np.float64] | None = None) -> float:
    """Return the chance that media without a mark gives soft values at least as strong, uniform in (0, 1].

    `seen` `[64, sums]` are the `turns` of a picture, or those of the groups of a film added up. The first three
    moments of the sum of squares are exact over all keys; a gamma law with these moments (Pearson III) gives the rest.
    `flatness`, of the same shape, orders the sums by how flat the media is there; without it nothing is taken away.
    """
    symbol = where.symbol.ravel()

    def of_symbols(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(symbol, weights=values.ravel(), minlength=SYMBOLS), dtype=np.float64)

    turned = np.exp(-2j * np.pi * where.dither.astype(np.float64)).ravel()
    flat = seen.ravel()
    sizes = np.square(np.abs(flat))
    soft = of_symbols((flat * turned).real)
    # Cumulants of r cos(a), a uniform: r^2 / 2, -3 r^4 / 8, 5 r^6 / 4.
    second, fourth, sixth = of_symbols(sizes / 2.0), of_symbols(-3.0 / 8.0 * sizes**2), of_symbols(1.25 * sizes**3)
    total = float((soft**2 - second).sum())
    variance = float((2.0 * second**2 + fourth).sum())
    third = float((8.0 * second**3 + 12.0 * second * fourth + sixth).sum())
    if flatness is not None:
        # The square of one sum alone is half its size plus the real part of `own` turned twice by the dither.
        own = flat**2 / 2.0
        common = _common(own, flatness.ravel())
        left = own - common
        total -= float((common * turned**2).real.sum())
        variance += float((np.square(np.abs(left)) - np.square(np.abs(own))).sum()) / 2.0
        along = (left * own.conj()).real / np.maximum(np.abs(own), 1e-300) - np.abs(own)
        third += float((1.5 * sizes * (of_symbols(sizes)[symbol] - sizes) * along).sum())
    return _tail(total, variance, third)


def _common(own: NDArray[np.complex128], flatness: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return what each of `own` has in common with the `ALIKE` nearest by `flatness`: their mean direction."""
    order = np.argsort(flatness, kind="stable")
    size = np.abs(own)
    grown = np.concatenate([[0.0], np.cumsum((own / np.maximum(size, 1e-300))[order])])
    first = np.clip(np.arange(own.size) - ALIKE // 2, 0, max(own.size - ALIKE, 0))
    last = np.minimum(first + ALIKE, own.size)
    mean = np.empty_like(own)
    mean[order] = (grown[last] - grown[first]) / (last - first)
    return np.asarray(mean * size, dtype=np.complex128)


def _tail(total: float, variance: float, third: float) -> float:
    """Return the upper tail at `total` of the gamma law with mean 0 and these central moments."""
    from scipy.special import gammaincc, ndtr

    least = float(np.finfo(float).tiny)
    if variance <= 0.0:
        return 1.0
    deviations, skew = total / np.sqrt(variance), third / variance**1.5
    if skew < 1e-3:
        return max(float(ndtr(-deviations)), least)
    shape = 4.0 / skew**2
    return max(float(gammaincc(shape, max(shape + deviations * np.sqrt(shape), 0.0))), least)
