"""Exact one-sided bounds on a rate from a count.

Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
Biometrika 26 (1934).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable


def upper(k: int, n: int, alpha: float) -> float:
    """The largest rate in [0, 1] that `k` or fewer of `n` independent draws do not rule out at level `alpha`.

    The true rate exceeds it in at most a share `alpha` of samples. 1.0 when nothing was drawn. Raises ValueError unless
    0 <= k <= n and 0 < alpha < 1.
    """
    _check(k, n, alpha)
    if k == n:
        return 1.0
    if k == 0:
        return -math.expm1(math.log(alpha) / n)
    from scipy.special import betainccinv

    return float(betainccinv(k + 1, n - k, alpha))


def lower(k: int, n: int, alpha: float) -> float:
    """The smallest rate in [0, 1] that `k` or more of `n` draws do not rule out at level `alpha`; see `upper`.

    0.0 when nothing was drawn.
    """
    _check(k, n, alpha)
    if k == 0:
        return 0.0
    if k == n:
        return math.exp(math.log(alpha) / n)
    from scipy.special import betaincinv

    return float(betaincinv(k, n - k + 1, alpha))


def tail(k: int, n: int, p: float) -> float:
    """P(X >= k) for X ~ Binomial(n, p), accurate for tiny tails too."""
    if n < 0 or not 0.0 <= p <= 1.0:
        raise ValueError(f"a binomial needs n >= 0 and p in [0, 1], not n = {n} and p = {p}")
    if k <= 0:
        return 1.0
    if k > n:
        return 0.0
    from scipy.special import betainc

    return float(betainc(k, n - k + 1, p))


def smallest(holds: Callable[[int], bool], start: int, most: int = 1 << 40) -> int | None:
    """The first integer from `start` on where `holds`, which stays true once it is; None when that is beyond `most`."""
    width = 1
    while not holds(start + width - 1):
        width *= 2
        if start + width > most:
            return None
    return start + bisect_left(range(width), True, key=lambda offset: holds(start + offset))


def _check(k: int, n: int, alpha: float) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"a count lies between 0 and the number of draws, but {k} of {n} were given")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha lies between 0 and 1, not at {alpha}")
