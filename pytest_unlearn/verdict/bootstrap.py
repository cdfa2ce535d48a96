"""Intervals for numbers that have no exact one, by drawing whole units again with replacement.

Answers about one fact, or tokens of one document, are not independent; the units are. So units are resampled, never
what is inside them. The plain percentile interval is too short when units are few: its spread divides by n, not n - 1,
and its tails are normal, not Student's. The levels are therefore widened: "expanded percentile interval", Hesterberg,
"What teachers should know about the bootstrap", The American Statistician 69 (2015). What remains: where a few units
carry most of the sum, any such interval ends too low (with 20 log-normal units about 7 % instead of 1 %).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Cluster = TypeVar("Cluster")


def interval(
    statistic: Callable[[Sequence[Cluster]], float],
    clusters: Sequence[Cluster],
    alpha: float,
    seed: int,
    resamples: int = 2000,
) -> tuple[float, float]:
    """Lower and upper end, each at level `alpha`, of `statistic` over `clusters` (one record for each unit).

    A resample where the statistic is not a number (an AUC without negatives) counts as infinitely low for the lower end
    and infinitely high for the upper. One cluster alone shows no spread: (-inf, inf). The same seed gives the same
    interval. Raises ValueError without clusters.
    """
    import numpy

    _check(len(clusters), alpha)
    values = [
        float(statistic([clusters[i] for i in row]))
        for rows in _resampled(len(clusters), resamples, seed)
        for row in rows
    ]
    return _ends(numpy.array(values), len(clusters), alpha)


def ratio(
    numerators: Sequence[float], denominators: Sequence[float], alpha: float, seed: int, resamples: int = 2000
) -> tuple[float, float, float]:
    """(sum of numerators / sum of denominators, lower end, upper end); one numerator and denominator for each unit.

    Units weigh as much as their denominators, which must be positive. Ends at level `alpha` each, as in `interval`.
    """
    import numpy

    _check(len(numerators), alpha)
    top = numpy.asarray(numerators, dtype=numpy.float64)  # (units,)
    bottom = numpy.asarray(denominators, dtype=numpy.float64)  # (units,)
    if top.shape != bottom.shape:
        raise ValueError(f"{len(numerators)} numerators do not match {len(denominators)} denominators")
    if not (bottom > 0).all():
        raise ValueError("every denominator must be positive; leave units without tokens out")
    enough = max(resamples, min(_MOST, math.ceil(20 / _level(len(top), alpha))))
    values = numpy.concatenate(
        [top[rows].sum(axis=1) / bottom[rows].sum(axis=1) for rows in _resampled(len(top), enough, seed)]
    )
    low, high = _ends(values, len(top), alpha)
    return float(top.sum() / bottom.sum()), low, high


def perplexity_ratio(
    candidate_nll: Sequence[float], original_nll: Sequence[float], tokens: Sequence[float], alpha: float, seed: int
) -> tuple[float, float, float]:
    """(perplexity of the candidate over that of the original on the same text, lower end, upper end).

    One entry for each document: its summed negative log-likelihood in nats under either model, and its tokens.
    exp((sum of candidate - sum of original) / sum of tokens); 1.0 means unchanged, inf an overflow. Ends at level
    `alpha` each, as in `interval`.
    """
    if not len(candidate_nll) == len(original_nll) == len(tokens):
        raise ValueError(
            f"{len(candidate_nll)}, {len(original_nll)} and {len(tokens)} documents: all three must be the same ones"
        )
    worse = [now - before for now, before in zip(candidate_nll, original_nll, strict=True)]
    estimate, low, high = ratio(worse, tokens, alpha, seed)
    return _exp(estimate), _exp(low), _exp(high)


_MOST = 100_000  # resamples; a level that would take more falls back on the outermost resample
_CELLS = 2_000_000  # indices held in memory at once


def _resampled(units: int, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Blocks of rows of unit numbers, `resamples` rows in all."""
    import numpy

    generator = numpy.random.default_rng(seed)
    block = max(1, _CELLS // units)
    for start in range(0, resamples, block):
        yield generator.integers(units, size=(min(block, resamples - start), units))


def _level(units: int, alpha: float) -> float:
    """The percentile whose resampled end covers at level `alpha` for normal data."""
    if units < 2:
        return alpha
    from scipy.special import ndtr, stdtrit

    return max(1e-12, float(ndtr(math.sqrt(units / (units - 1)) * stdtrit(units - 1, alpha))))


def _ends(values: NDArray[np.float64], units: int, alpha: float) -> tuple[float, float]:
    if units < 2:
        return -math.inf, math.inf
    import numpy

    level = _level(units, alpha)
    missing = numpy.isnan(values)
    low = numpy.quantile(numpy.where(missing, -numpy.inf, values), level, method="lower")
    high = numpy.quantile(numpy.where(missing, numpy.inf, values), 1.0 - level, method="higher")
    return float(low), float(high)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _check(units: int, alpha: float) -> None:
    if units < 1:
        raise ValueError("there is no unit to resample")
    if not 0.0 < alpha < 0.5:
        raise ValueError(f"alpha lies between 0 and 0.5, not at {alpha}")
