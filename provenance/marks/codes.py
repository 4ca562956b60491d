"""From a 64-bit id to the symbols of a mark and back: a keyed tag, a convolutional code, soft decisions.

The message is the id and 32 bits of HMAC-SHA256 over scheme and id, so that noise decodes to an accepted id once in
2**32 trials. It is protected by the rate-1/3 code of constraint length 7 with generators 133, 171, 165 (octal), the
one of 3GPP TS 36.212 section 5.1.3.1, ended by six zero bits, and its 306 symbols are put into an order of the key's.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .interface import PAYLOAD_BITS, MarkError
from .keys import KeyStream

TAG_BITS = 32
MEMORY = 6
STATES = 1 << MEMORY
GENERATORS = (0o133, 0o171, 0o165)
STEPS = PAYLOAD_BITS + TAG_BITS + MEMORY
SYMBOLS = STEPS * len(GENERATORS)
"""Symbols that carry one id."""
ALTERNATIVES = 512
"""Paths beside the likeliest whose tag is tried too, where the likeliest fits but has a wrong tag."""
FITS = 10.3
"""Strength of the likeliest path from which that is done: noise reaches it in one decoding of eighty."""
LISTED = 4
"""Rows of one call for which it is done at most, best first."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """An id whose tag is right, the symbols it stands for, and how strongly it was received.

    `strength` is the correlation of the soft values with the symbols over the norm of the soft values, at most
    sqrt(306) = 17.5; `p_single` bounds the chance that one trial on unmarked media gives any accepted id this strong.
    """

    payload: int
    symbols: NDArray[np.float32]
    strength: float
    p_single: float


def p_single(strength: float) -> float:
    """Bound the probability that unmarked media gives an accepted id of at least `strength` in one trial.

    Two bounds hold, the smaller is returned. The tag: 2**-32 for each path that is tried. The soft statistic: without
    the mark the keyed dither makes the signs of the soft values fair coins, so one given codeword correlates beyond z
    with probability at most exp(-z**2 / 2) (Hoeffding 1963, theorem 2), and 2**64 codewords have a right tag.
    """
    exponent = PAYLOAD_BITS * np.log(2.0) - strength * strength / 2.0
    return float(min((1 + ALTERNATIVES) * 2.0**-TAG_BITS, np.exp(min(exponent, 0.0))))


def p_false_alarm(strength: float, trials: int) -> float:
    """Bound the probability over all `trials` decodings that were tried on this file, by the sum over them."""
    return min(1.0, trials * p_single(strength))


def tag_of(payload: int, key: bytes, scheme: str) -> int:
    """Return the 32-bit tag of `payload` under `key` for `scheme`."""
    message = b"assay mark tag\x00" + scheme.encode() + b"\x00" + payload.to_bytes(PAYLOAD_BITS // 8, "big")
    return int.from_bytes(hmac.new(key, message, hashlib.sha256).digest()[: TAG_BITS // 8], "big")


def check_payload(payload: int) -> None:
    """Raise `MarkError` unless `payload` fits in 64 bits."""
    if not 0 <= payload < 1 << PAYLOAD_BITS:
        msg = f"a mark carries an id of {PAYLOAD_BITS} bits, 0 to 2**{PAYLOAD_BITS} - 1, got {payload}"
        raise MarkError(msg)


def encode(payload: int, key: bytes, scheme: str) -> NDArray[np.float32]:
    """Return the 306 symbols (+1 or -1) that carry `payload`. Raises `MarkError` if it does not fit in 64 bits."""
    check_payload(payload)
    message = payload << TAG_BITS | tag_of(payload, key, scheme)
    raw = np.frombuffer(message.to_bytes((PAYLOAD_BITS + TAG_BITS) // 8, "big"), dtype=np.uint8)
    return _symbols_of(np.unpackbits(raw))[_order(key, scheme)]


def decode(soft: NDArray[Any], key: bytes, scheme: str) -> list[Decoded | None]:
    """Return, for each row of `soft` (float `[trials, 306]`), the id in it whose tag is right, or `None`.

    Soft values are positive for the symbol +1; their scale does not matter, and 0 says that a symbol was lost.
    """
    ordered = np.zeros(soft.shape, dtype=np.float32)
    order = _order(key, scheme)
    ordered[:, order] = soft
    odd, _, metric = _survivors(ordered.reshape(len(soft), STEPS, len(GENERATORS)), gaps=False)
    bits = _traced(odd)
    found = [_accepted(row, values, key, scheme) for row, values in zip(bits, soft, strict=True)]
    if any(one is not None for one in found):
        return found
    fits = metric / (np.linalg.norm(ordered, axis=1) + 1e-12)
    for row in np.argsort(-fits)[:LISTED]:
        if fits[row] >= FITS:
            others = alternatives(ordered[row].reshape(STEPS, len(GENERATORS)))
            read = (_accepted(other, soft[row], key, scheme) for other in others)
            found[row] = next((one for one in read if one is not None), None)
    return found


def _accepted(bits: NDArray[np.bool_], values: NDArray[Any], key: bytes, scheme: str) -> Decoded | None:
    message = int.from_bytes(np.packbits(bits[: PAYLOAD_BITS + TAG_BITS]).tobytes(), "big")
    payload, tag = message >> TAG_BITS, message & ((1 << TAG_BITS) - 1)
    if tag != tag_of(payload, key, scheme):
        return None
    symbols = encode(payload, key, scheme)
    norm = float(np.linalg.norm(values))
    strength = float(values @ symbols) / norm if norm > 0 else 0.0
    return Decoded(payload, symbols, strength, p_single(strength))


def viterbi(soft: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the likeliest bits `[trials, steps]` for soft values `[trials, steps, 3]` (Viterbi 1967), all at once."""
    odd, _, _ = _survivors(soft, gaps=False)
    return _traced(odd)


def alternatives(soft: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the `ALTERNATIVES` next best paths `[paths, steps]` for soft values `[steps, 3]`, likeliest first.

    Serial list decoding (Seshadri & Sundberg 1994): each path leaves a better one once, backwards in time, for the
    worse way into a state, and costs what that way is worse by. The cheapest that is left is always the next.
    """
    odd, gaps, _ = _survivors(soft[None], gaps=True)
    way, by = odd[:, 0].tolist(), gaps[:, 0].tolist()
    found: list[list[int]] = []
    left: list[tuple[float, int, list[int], int]] = [(0.0, len(soft), [], 0)]
    cheapest: list[float] = []  # negated costs of the cheapest `ALTERNATIVES` paths so far
    while left and len(found) <= ALTERNATIVES:
        cost, last, after, state = heappop(left)
        states = list(after)
        for step in range(last - 1, -1, -1):
            states.append(state)
            more = cost + by[step][state]
            if more < _NEVER and (len(cheapest) < ALTERNATIVES or more < -cheapest[0]):
                heappush(left, (more, step, states[:], _before(state, not way[step][state])))
                heappush(cheapest, -more)
                if len(cheapest) > ALTERNATIVES:
                    heappop(cheapest)
            state = _before(state, way[step][state])
        found.append(states)
    return np.array(found[1:])[:, ::-1] >= STATES // 2


_NEVER = 1e29
"""A cost that only ways out of states that cannot be have."""


def _before(state: int, odd: bool) -> int:  # noqa: FBT001 (which of two ways)
    return (state & (STATES // 2 - 1)) << 1 | odd


def _survivors(
    soft: NDArray[np.float32], *, gaps: bool
) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.float32]]:
    """Return which way into each state is better and, if `gaps`, by how much `[steps, trials, 64]`; the best sums.

    A state holds the last six bits, the newest highest, so state n is reached from 2 (n mod 32) and the one above.
    """
    trials, steps, _ = soft.shape
    branches = (soft @ _branch_signs()).reshape(trials, steps, 2, STATES // 2, 2)
    metric = np.full((trials, STATES), -1e30, dtype=np.float32)
    metric[:, 0] = 0.0
    odd = np.empty((steps, trials, STATES), dtype=np.bool_)
    by = np.empty((steps if gaps else 0, trials, STATES), dtype=np.float32)
    for step in range(steps):
        ways = metric.reshape(trials, 1, STATES // 2, 2) + branches[:, step]
        even_way, odd_way = ways[..., 0], ways[..., 1]
        odd[step] = (odd_way > even_way).reshape(trials, STATES)
        if gaps:
            by[step] = np.abs(odd_way - even_way).reshape(trials, STATES)
        metric = np.maximum(even_way, odd_way).reshape(trials, STATES)
    return odd, by, metric[:, 0]


def _traced(odd: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the bits `[trials, steps]` of the best path of each trial."""
    rows = np.arange(odd.shape[1])
    state = np.zeros(len(rows), dtype=np.intp)
    states = np.empty((len(rows), len(odd)), dtype=np.intp)
    for step in range(len(odd) - 1, -1, -1):
        states[:, step] = state
        state = ((state & (STATES // 2 - 1)) << 1) | odd[step, rows, state]
    return states >= STATES // 2


@lru_cache(maxsize=1)
def _branch_signs() -> NDArray[np.float32]:
    """Return the symbols `[3, 128]` on the branch into state n from its even (0) and odd (1) predecessor."""
    signs = np.empty((len(GENERATORS), STATES, 2), dtype=np.float32)
    for state in range(STATES):
        for odd in (0, 1):
            register = (state >> (MEMORY - 1)) << MEMORY | (state & (STATES // 2 - 1)) << 1 | odd
            for row, generator in enumerate(GENERATORS):
                signs[row, state, odd] = -1.0 if (register & generator).bit_count() % 2 else 1.0
    return signs.reshape(len(GENERATORS), 2 * STATES)


def _symbols_of(bits: NDArray[np.uint8]) -> NDArray[np.float32]:
    ended = np.concatenate([bits, np.zeros(MEMORY, dtype=np.uint8)]).astype(np.int64)
    rows = []
    for generator in GENERATORS:
        taps = np.array([generator >> shift & 1 for shift in range(MEMORY, -1, -1)], dtype=np.int64)
        rows.append(np.convolve(ended, taps)[:STEPS] & 1)
    coded = np.stack(rows, axis=1).reshape(-1)
    return (1.0 - 2.0 * coded).astype(np.float32)


@lru_cache(maxsize=64)
def _order(key: bytes, scheme: str) -> NDArray[np.intp]:
    order = KeyStream(key, f"{scheme} order of symbols").permutation(SYMBOLS)
    order.setflags(write=False)
    return order
