"""Right answers that luck explains, separated from those that only a leak explains.

In a *census* L of n units leak for sure and each of the others is right with probability c, so the count is
L + Binomial(n - L, c). With c = 0 that is plain counting.

Chances may differ between units. Then a count alone does not say *which* units were right: where four are always right
by luck and are wrong, four leaks elsewhere must not be taken for them. So units are also counted without those that are
guessed more easily, at each chance there is; what is concluded from one of several counts has its part of the level.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unlearn.verdict import binomial

SELDOM = 1 / 20  # the least chance where luck is seen about other units: one in 20 stand-ins, though none was seen


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


@dataclass(frozen=True, slots=True)
class Group:
    """Some units that are counted together: their places, the chance of each, and what part of a level is theirs."""

    places: tuple[int, ...]
    chances: tuple[float, ...]
    part: float

    def right(self, right: Sequence[bool]) -> int:
        """How many of them are right."""
        return sum(right[place] for place in self.places)


def groups(chances: Sequence[float]) -> list[Group]:
    """All units, with half of the level; and for each chance but the largest the units guessed no more easily.

    One group where all chances are alike. In a part of the units no chance is 0: where others are guessed, `SELDOM` is
    the least. [0.5, 0, 0.5] gives all of them, and the second with a chance of 1/20.
    """
    told = [round(max(chance, SELDOM), 9) for chance in chances] if any(chances) else list(chances)
    levels = sorted(set(told))[:-1]
    found = [Group(tuple(range(len(chances))), tuple(chances), 0.5 if levels else 1.0)]
    for level in levels:
        places = tuple(i for i, chance in enumerate(told) if chance <= level)
        found.append(Group(places, tuple(told[i] for i in places), 0.5 / len(levels)))
    return found


def most_excess(right: Sequence[bool], chances: Sequence[float]) -> tuple[float, Group]:
    """The largest share of all units that is answered beyond chance in one group, and that group.

    For one chance it is `excess`. Of 4 units, two with a chance of 1/4 that leak and two with chance 1 that are wrong:
    the first two, all of them beyond chance, are 2 / 4, while all four count (2 / 4 - 5 / 8) / (3 / 8), less than 0.
    """
    found = []
    for group in groups(chances):
        size = len(group.places)
        share = excess(group.right(right), size, sum(group.chances) / size)
        found.append((share * size / len(chances), group))
    return max(found, key=lambda one: one[0])


def least_leaks(right: Sequence[bool], chances: Sequence[float], alpha: float) -> int:
    """Exact lower bound on the leaking units of a census whose chances differ; `leaks_at_least` for one chance.

    So many at least as leak in a group, where the smallest L counts for which L + right by luck is `k` or more with a
    probability above its part of the level, if those leak that are guessed least.
    """
    return max(_at_least(group.right(right), group.chances, alpha * group.part) for group in groups(chances))


def most_leaks(right: Sequence[bool], chances: Sequence[float], alpha: float) -> int:
    """Exact upper bound on the leaking units of a census whose chances differ; `leaks_at_most` for one chance."""
    if len(set(chances)) == 1:
        return leaks_at_most(sum(right), len(chances), chances[0], alpha)
    wrong, most = len(right) - sum(right), sum(right)
    misses = [1.0 - chance for chance in sorted(chances)]  # those that are guessed least are left to luck
    too_many = bisect_left(
        range(most + 1), True, key=lambda sure: tail_of(wrong, misses[: len(misses) - sure]) <= alpha
    )
    return max(0, too_many - 1)


def surprise(right: Sequence[bool], chances: Sequence[float]) -> float:
    """How probable it is that guessing does as well: the smallest tail of a group for its part of the level.

    For one chance it is `tail_of`.
    """
    return min(1.0, min(tail_of(group.right(right), group.chances) / group.part for group in groups(chances)))


def _at_least(k: int, chances: Sequence[float], alpha: float) -> int:
    """`leaks_at_least` of units whose chances differ."""
    if len(set(chances)) == 1:
        return leaks_at_least(k, len(chances), chances[0], alpha)
    lucky = sorted(chances, reverse=True)
    return bisect_left(range(k), True, key=lambda sure: tail_of(k - sure, lucky[: len(lucky) - sure]) > alpha)


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
