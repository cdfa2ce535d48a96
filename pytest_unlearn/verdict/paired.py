"""Two models on the same questions: what one loses and gains against the other.

Only the questions on which the two differ carry information: `lost` were right before and are wrong now, `gained` the
reverse.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unlearn.verdict import binomial


def net_bounds(lost: int, gained: int, n: int, alpha: float) -> tuple[float, float]:
    """Lower and upper bound in [-1, 1] on the net share of answers lost, each at level `alpha`.

    The `n` pairs are independent draws. Each bound is a difference of two exact ones that share `alpha` equally, so it
    holds whatever ties losses to gains.
    """
    _check(lost, gained, n)
    half = alpha / 2
    return (
        binomial.lower(lost, n, half) - binomial.upper(gained, n, half),
        binomial.upper(lost, n, half) - binomial.lower(gained, n, half),
    )


def needed(margin: float, alpha: float, lost: int = 0, gained: int = 0, more_than: int = 0) -> int | None:
    """The smallest number of pairs above `more_than` that proves a net loss of at most `margin`.

    `lost` and `gained` are all the changes among them. None where no number of pairs does (a margin of 0 with more lost
    than gained).
    """
    start = max(lost + gained, more_than + 1, 1)
    return binomial.smallest(lambda n: net_bounds(lost, gained, n, alpha)[1] <= margin, start)


def worse(changes: Sequence[int]) -> float:
    """The probability of a net loss as large as this if each unit had as well changed the other way: exact, one-sided.

    `changes` has one entry for each unit, how many more of its questions went wrong than went right. Questions about
    one unit are not independent; whole units change their sign. 1.0 where nothing changed.
    """
    sizes = [abs(change) for change in changes if change]
    total, seen = sum(sizes), sum(changes)
    if seen <= 0:
        return 1.0
    import numpy

    ways = numpy.zeros(2 * total + 1)  # probability of each sum, from -total to total
    ways[total] = 1.0
    for size in sizes:
        ways = (numpy.roll(ways, size) + numpy.roll(ways, -size)) / 2
    return min(1.0, float(ways[total + seen :].sum()))


def holm(values: Sequence[float], alpha: float) -> list[bool]:
    """Which of some p-values are below a level that all of them share: one of the true hypotheses is rejected with
    probability `alpha` at most. Holm, "A simple sequentially rejective multiple test procedure" (1979)."""
    found = [False] * len(values)
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        if values[i] > alpha / (len(values) - rank):
            break
        found[i] = True
    return found


def _check(lost: int, gained: int, n: int) -> None:
    if lost < 0 or gained < 0 or lost + gained > n:
        raise ValueError(f"{lost} lost and {gained} gained do not fit into {n} pairs")
