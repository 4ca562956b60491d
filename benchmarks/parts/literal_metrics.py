"""The published definitions as plain loops and plain sorts, sharing no code with assay: what metrics are held against.

Written from the papers and the challenges' evaluation plans, in the manner of the challenges' own scripts (one
operating point a trial, higher score = bona fide, thresholds found by a stable sort, targets before the others).
The official packages themselves could not be had here.
"""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray


def det_points(target: Array, nontarget: Array) -> tuple[Array, Array, Array]:
    """Return miss rates, false-acceptance rates and thresholds when the k lowest scores are rejected, k = 0..n."""
    scores = np.concatenate((target, nontarget))
    is_target = np.concatenate((np.ones(target.size), np.zeros(nontarget.size)))
    order = np.argsort(scores, kind="mergesort")
    rejected_targets = np.cumsum(is_target[order])
    rejected_others = np.arange(1, scores.size + 1) - rejected_targets
    miss = np.concatenate(([0.0], rejected_targets / target.size))
    accept = np.concatenate(([1.0], (nontarget.size - rejected_others) / nontarget.size))
    return miss, accept, np.concatenate(([scores[order[0]] - 0.001], scores[order]))


def eer(target: Array, nontarget: Array) -> tuple[float, float]:
    """Return the mean of both rates where they differ least, and the threshold there."""
    miss, accept, thresholds = det_points(target, nontarget)
    place = int(np.argmin(np.abs(miss - accept)))
    return (miss[place] + accept[place]) / 2, thresholds[place]


def min_dcf(
    target: Array, nontarget: Array, *, p_spoof: float = 0.05, c_miss: float = 1.0, c_fa: float = 10.0
) -> float:
    """Return the least normalised detection cost, one operating point after the other."""
    miss, accept, _ = det_points(target, nontarget)
    least = math.inf
    for k in range(len(miss)):
        cost = c_miss * (1 - p_spoof) * miss[k] + c_fa * p_spoof * accept[k]
        if cost < least:
            least = cost
    return least / min(c_miss * (1 - p_spoof), c_fa * p_spoof)


def act_dcf(
    target_llr: Array, nontarget_llr: Array, *, p_spoof: float = 0.05, c_miss: float = 1.0, c_fa: float = 10.0
) -> float:
    """Return the normalised cost at the Bayes threshold; natural log-likelihood ratios for bona fide."""
    threshold = math.log(c_fa * p_spoof / (c_miss * (1 - p_spoof)))
    miss = sum(score < threshold for score in target_llr.tolist()) / target_llr.size
    accept = sum(score >= threshold for score in nontarget_llr.tolist()) / nontarget_llr.size
    cost = c_miss * (1 - p_spoof) * miss + c_fa * p_spoof * accept
    return cost / min(c_miss * (1 - p_spoof), c_fa * p_spoof)


def cllr(target_llr: Array, nontarget_llr: Array) -> float:
    """Return the cost of natural log-likelihood ratios in bits, by base-2 logarithms."""
    misses = np.log2(1 + np.exp(-target_llr)).sum() / target_llr.size
    accepts = np.log2(1 + np.exp(nontarget_llr)).sum() / nontarget_llr.size
    return (misses + accepts) / 2


def min_cllr(target: Array, nontarget: Array) -> float:
    """Return Cllr after pooling adjacent violators, blocks on a stack; ties pooled first."""
    tally: dict[float, list[int]] = {}
    for scores, place in ((target, 0), (nontarget, 1)):
        for score in scores.tolist():
            tally.setdefault(score, [0, 0])[place] += 1
    blocks: list[list[int]] = []
    for score in sorted(tally):
        blocks.append(list(tally[score]))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] >= blocks[-1][0] * blocks[-2][1]:
            top = blocks.pop()
            blocks[-1] = [blocks[-1][0] + top[0], blocks[-1][1] + top[1]]
    total = 0.0
    for hits, others in blocks:
        if hits and others:
            ratio = (hits / target.size) / (others / nontarget.size)
            total += hits / target.size * math.log2(1 + 1 / ratio) + others / nontarget.size * math.log2(1 + ratio)
    return total / 2


def asv_rates(target: Array, nontarget: Array, spoof: Array) -> tuple[float, float, float]:
    """Return the verifier's misses and acceptances of non-targets and of spoofs at its EER threshold."""
    _, threshold = eer(target, nontarget)
    return (
        sum(score < threshold for score in target.tolist()) / target.size,
        sum(score >= threshold for score in nontarget.tolist()) / nontarget.size,
        sum(score >= threshold for score in spoof.tolist()) / spoof.size,
    )


def min_tdcf(
    bona_fide: Array, spoof: Array, rates: tuple[float, float, float], *, legacy: bool, p_spoof: float = 0.05
) -> float:
    """Return the least normalised tandem cost; priors and costs of ASVspoof 2019 (legacy) and 2021 (revised)."""
    p_target, p_nontarget, c_miss, c_fa, c_fa_spoof = 0.99 * (1 - p_spoof), 0.01 * (1 - p_spoof), 1, 10, 10
    asv_miss, asv_accept, asv_spoof = rates
    miss, accept, _ = det_points(bona_fide, spoof)
    if legacy:
        c1 = p_target * (c_miss - c_miss * asv_miss) - p_nontarget * c_fa * asv_accept
        c2 = c_fa_spoof * p_spoof * (1 - (1 - asv_spoof))
        return min(c1 * m + c2 * a for m, a in zip(miss, accept, strict=True)) / min(c1, c2)
    c0 = p_target * c_miss * asv_miss + p_nontarget * c_fa * asv_accept
    c1 = p_target * c_miss - c0
    c2 = p_spoof * c_fa_spoof * asv_spoof
    return min(c0 + c1 * m + c2 * a for m, a in zip(miss, accept, strict=True)) / (c0 + min(c1, c2))


def min_adcf(target: Array, nontarget: Array, spoof: Array, *, p_spoof: float = 0.05) -> float:
    """Return the least normalised a-DCF of one joint score, one trial rejected after the other."""
    p_target, p_nontarget, c_miss, c_fa, c_fa_spoof = 0.99 * (1 - p_spoof), 0.01 * (1 - p_spoof), 1, 10, 10
    classes = np.repeat([0, 1, 2], [target.size, nontarget.size, spoof.size])
    order = np.argsort(np.concatenate((target, nontarget, spoof)), kind="mergesort")
    rejected = [0, 0, 0]
    least = p_nontarget * c_fa + p_spoof * c_fa_spoof
    for kind in classes[order].tolist():
        rejected[kind] += 1
        cost = p_target * c_miss * rejected[0] / target.size
        cost += p_nontarget * c_fa * (1 - rejected[1] / nontarget.size)
        cost += p_spoof * c_fa_spoof * (1 - rejected[2] / spoof.size)
        least = min(least, cost)
    return least / min(p_target * c_miss, p_nontarget * c_fa + p_spoof * c_fa_spoof)


def t_eer(bona_fide: Array, cm_spoof: Array, asv_target: Array, asv_nontarget: Array, asv_spoof: Array) -> float:
    """Return the concurrent t-EER: the path for spoofs only, searched for the point where all three rates agree."""
    cm_miss, cm_accept, _ = det_points(bona_fide, cm_spoof)
    classes = np.repeat([0, 1, 2], [asv_target.size, asv_nontarget.size, asv_spoof.size])
    order = np.argsort(np.concatenate((asv_target, asv_nontarget, asv_spoof)), kind="mergesort")
    rejected, best, value = [0, 0, 0], math.inf, math.nan
    for kind in [None, *classes[order].tolist()]:
        if kind is not None:
            rejected[kind] += 1
        miss = rejected[0] / asv_target.size
        accept = 1 - rejected[1] / asv_nontarget.size
        spoofs = 1 - rejected[2] / asv_spoof.size
        if not miss < spoofs:
            continue
        tandem_miss = cm_miss + (1 - cm_miss) * miss
        tandem_accept = cm_accept * spoofs
        place = int(np.argmin(np.abs(tandem_miss - tandem_accept)))
        if cm_miss[place] == 1:
            continue
        gap = abs(accept / spoofs - cm_accept[place] / (1 - cm_miss[place]))
        if gap < best:
            best, value = gap, tandem_accept[place]
    return value
