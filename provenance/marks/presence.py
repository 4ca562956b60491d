"""Whether a mark is there at all: one statistic of the lattice whose law on unmarked media is known.

Without the mark the key's dither, uniform and independent of the media, turns each sum's place between the lattice
points by an angle of its own. The soft values of one symbol then are a sum of independent cosines of uniform angles,
and so all moments of its square are known for these very media: no training set of unmarked files stands behind the
p-value. With the mark all soft values of a symbol have one sign, whichever, and the square is larger.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import Layout
from .codes import SYMBOLS


def turns(phases: NDArray[Any], weights: NDArray[Any]) -> NDArray[np.complex128]:
    """Return where `phases` (sums in lattice steps) lie between lattice points: complex, of size `weights`."""
    return np.asarray(weights * np.exp(2j * np.pi * phases.astype(np.float64)), dtype=np.complex128)


def p_value(seen: NDArray[np.complex128], where: Layout) -> float:
    """Return the chance that media without a mark gives soft values at least as strong, uniform in (0, 1].

    `seen` `[64, sums]` are the `turns` of a picture, or those of the groups of a film added up. The first three
    moments of the sum of squares are exact over all keys; a gamma law with these moments (Pearson III) gives the rest.
    """
    from scipy.special import gammaincc, ndtr

    symbol = where.symbol.ravel()

    def of_symbols(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(symbol, weights=values.ravel(), minlength=SYMBOLS), dtype=np.float64)

    sizes = np.square(np.abs(seen))
    soft = of_symbols((seen * np.exp(-2j * np.pi * where.dither.astype(np.float64))).real)
    # Cumulants of r cos(a), a uniform: r^2 / 2, -3 r^4 / 8, 5 r^6 / 4.
    second, fourth, sixth = of_symbols(sizes / 2.0), of_symbols(-3.0 / 8.0 * sizes**2), of_symbols(1.25 * sizes**3)
    variance = float((2.0 * second**2 + fourth).sum())
    if variance <= 0.0:
        return 1.0
    deviations = float((soft**2 - second).sum()) / np.sqrt(variance)
    skew = float((8.0 * second**3 + 12.0 * second * fourth + sixth).sum()) / variance**1.5
    if skew < 1e-3:
        return max(float(ndtr(-deviations)), float(np.finfo(float).tiny))
    shape = 4.0 / skew**2
    return max(float(gammaincc(shape, max(shape + deviations * np.sqrt(shape), 0.0))), float(np.finfo(float).tiny))
