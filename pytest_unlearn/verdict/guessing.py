"""Right answers that luck explains, separated from those that only a leak explains.

In a *census* L of n units leak for sure and each of the others is right with probability c, so the count is
L + Binomial(n - L, c). With c = 0 that is plain counting.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from pytest_unlearn.verdict import binomial


def excess(k: int, n: int, chance: float) -> float:
    """The leak rate in [0, 1] that makes `k` of `n` answers right when the others are guessed; 0.0 at chance 1.

    max(0, (k/n - c) / (1 - c)).
    """
    if chance >= 1.0:
        return 0.0
    return min(1.0, max(0.0, (k / n - chance) / (1.0 - chance)))


def leaks_at_least(k: int, n: int, chance: float, alpha: float) -> int:
    """Exact lower bound on the leaking units of a census: the smallest L with P(L + Binomial(n - L, c) >= k) > alpha.

    More units leak than there are with probability at most `alpha`. `k` itself when chance is 0.
    """
    return bisect_left(range(k), True, key=lambda sure: binomial.tail(k - sure, n - sure, chance) > alpha)


def leaks_at_most(k: int, n: int, chance: float, alpha: float) -> int:
    """Exact upper bound on the leaking units of a census: the largest L with P(L + Binomial(n - L, c) <= k) > alpha.

    `k` itself when chance is 0. 0 where even no leak at all would have left more right answers than `k`.
    """
    too_many = bisect_left(range(k + 1), True, key=lambda sure: _at_most(k - sure, n - sure, chance) <= alpha)
    return max(0, too_many - 1)


def tail_of(k: int, chances: Sequence[float]) -> float:
    """P(at least `k` right) when unit i is right by luck with probability `chances[i]`, independently of the others.

    The upper tail of a Poisson binomial, exact by dynamic programming; only positive terms are added, so tiny tails
    keep their relative accuracy.
    """
    if any(not 0.0 <= chance <= 1.0 for chance in chances):
        raise ValueError("a chance lies between 0 and 1")
    if k <= 0:
        return 1.0
    if k > len(chances):
        return 0.0
    import numpy

    fewer = numpy.zeros(k)  # probability of 0 .. k - 1 right so far
    fewer[0] = 1.0
    reached = 0.0
    for chance in chances:
        reached += float(fewer[-1]) * chance
        fewer[1:] = fewer[1:] * (1.0 - chance) + fewer[:-1] * chance
        fewer[0] *= 1.0 - chance
    return min(1.0, reached)


def _at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p), as the upper tail of the misses."""
    return binomial.tail(n - k, n, 1.0 - p)
