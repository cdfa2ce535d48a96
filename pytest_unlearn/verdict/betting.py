"""Bounds on a mean of shares, each anywhere in [0, 1], that hold at every number of them.

Sampled answers about one fact hang together: what the model is sure of it says in all of them. So the fact counts, with
the share of its samples, and nothing is assumed of how shares are spread. Somebody who bets against a mean m, a part t
of what she has each time, is left with W(m) = mean over t of prod over i of (1 - t + t x_i / m). If the x_i are
independent and their means average at most m, W(m) is 1 at most on average, so that it reaches 1 / alpha in at most a
share alpha of cases (Markov; for draws from one distribution also at any time while they grow in number, Ville). Means
need not be equal: for each t the product is largest, on average, where they are. Waudby-Smith and Ramdas, "Estimating
means of bounded random variables by betting", Journal of the Royal Statistical Society B 86 (2024), with the bets mixed
and not adapted, so that the order of the shares does not matter.

Half of the weight is on t = 1. Where no share is above 0 the upper bound is then that of Clopper and Pearson at
alpha / 2: with ten zeros and alpha = 0.02, W(1 - m) = (1 / (1 - m))^10 / 2 + ..., and the bound is close to
1 - 0.01^(1/10) = 0.369.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

BETS = 20  # parts that are bet, evenly spread over (0, 1]


def lower(shares: Sequence[float], alpha: float) -> float:
    """The smallest mean in [0, 1] that the shares do not rule out at level `alpha`; 0.0 without any.

    Raises ValueError for a share outside of [0, 1] or a level outside of (0, 1).
    """
    import numpy

    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha lies between 0 and 1, not at {alpha}")
    values, counts = numpy.unique(numpy.asarray(shares, dtype=numpy.float64), return_counts=True)  # (V,), (V,)
    if not len(values) or values[-1] == 0.0:
        return 0.0
    if not (values[0] >= 0.0 and values[-1] <= 1.0):
        raise ValueError(f"a share lies between 0 and 1, not at {values[0] if values[0] < 0.0 else values[-1]}")
    bets = numpy.arange(1, BETS + 1) / BETS  # (T,)
    weights = numpy.full(BETS, math.log(0.5 / (BETS - 1)))  # (T,)
    weights[-1] = math.log(0.5)

    def ruled_out(mean: float) -> bool:
        with numpy.errstate(divide="ignore"):
            grown = numpy.log(1.0 - bets[:, None] + bets[:, None] * values / mean) @ counts  # (T,)
        return float(numpy.logaddexp.reduce(grown + weights)) >= -math.log(alpha)

    low, high = 0.0, 1.0  # at low ruled out, at high not
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if ruled_out(middle) else (low, middle)
    return low


def upper(shares: Sequence[float], alpha: float) -> float:
    """The largest mean that the shares do not rule out; see `lower`. 1.0 without any."""
    return 1.0 - lower([1.0 - share for share in shares], alpha)
