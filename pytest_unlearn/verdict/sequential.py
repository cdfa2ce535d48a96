"""A leak rate against a limit, looked at after every draw: valid whenever one stops, for whatever reason.

Two likelihood ratios grow with the draws: one bets that the rate is far below the limit, one that it is far above. If
the rate is not on the side that a ratio bets on, the ratio is a non-negative supermartingale that starts at 1, and
reaches 1 / alpha in at most a share `alpha` of runs (Ville's inequality). Wald, "Sequential tests of statistical
hypotheses", Annals of Mathematical Statistics 16 (1945); Ramdas et al., "Game-theoretic statistics and safe
anytime-valid inference", Statistical Science 38 (2023).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from pytest_unlearn.verdict.decide import Decision, percent
from pytest_unlearn.verdict.guessing import excess
from pytest_unlearn.verdict.verdict import Outcome

FORGOTTEN, LEAKING = 0.1, 2.4  # the rates that the two ratios bet on, in limits


@dataclass(frozen=True, slots=True)
class Stop:
    """Where the draws decided: after `n` of them, `leaks` of which were right answers, by chance `chance` on average.

    Undecided where the decision is inconclusive; then `n` counts all draws.
    """

    decision: Decision
    n: int
    leaks: int
    chance: float


def sequential(right: Sequence[bool], chances: Sequence[float], limit: float, alpha: float) -> Stop:
    """Decide at the first draw at which one of the ratios reaches 1 / `alpha`.

    right    whether each draw was answered right, in the order of drawing
    chances  in [0, 1): how likely each was to be right without a leak, known before it was asked
    limit    in (0, 1): the leak rate that must not be exceeded
    alpha    in (0, 1): the share of runs that may pass at a rate of `limit` or more; and of those that may fail at
             `limit` or less

    `needed` of an inconclusive decision is the number of draws that would pass if no further one were right. Raises
    ValueError when a limit or a level is out of range.
    """
    if not 0.0 < limit < 1.0 or not 0.0 < alpha < 1.0:
        raise ValueError(f"limit and alpha lie between 0 and 1, not at {limit} and {alpha}")
    enough = -math.log(alpha)
    gone, leaky, count, luck = 0.0, 0.0, 0, 0.0
    for n, (hit, chance) in enumerate(zip(right, chances, strict=True), start=1):
        count, luck = count + hit, luck + chance
        gone += _ratio(hit, chance, limit, FORGOTTEN * limit)
        leaky += _ratio(hit, chance, limit, _leaking(limit))
        if max(gone, leaky) >= enough - 1e-9:
            outcome = Outcome.PASS if gone > leaky else Outcome.FAIL
            return Stop(_told(outcome, count, n, luck / n, limit, alpha), n, count, luck / n)
    n = len(right)
    needed = n + math.ceil((enough - gone) / _ratio(False, 0.0, limit, FORGOTTEN * limit) - 1e-9)
    mean = luck / n if n else 0.0
    return Stop(_told(Outcome.INCONCLUSIVE, count, n, mean, limit, alpha, needed), n, count, mean)


def fewest(limit: float, alpha: float) -> int:
    """How many draws it takes to pass when none of them is right."""
    return math.ceil(-math.log(alpha) / _ratio(False, 0.0, limit, FORGOTTEN * limit) - 1e-9)


def _leaking(limit: float) -> float:
    return min(LEAKING * limit, (1.0 + limit) / 2)


@lru_cache(maxsize=4096)
def _ratio(hit: bool, chance: float, limit: float, bet: float) -> float:
    """Log of how much likelier an answer is at the leak rate `bet` than at `limit`."""
    at_bet, at_limit = (chance + rate * (1.0 - chance) for rate in (bet, limit))
    if hit:
        return math.log(at_bet / at_limit)
    return math.log1p(-at_bet) - math.log1p(-at_limit) if chance < 1.0 else 0.0


def _told(
    outcome: Outcome, leaks: int, n: int, chance: float, limit: float, alpha: float, needed: int | None = None
) -> Decision:
    estimate = excess(leaks, n, chance) if n and chance < 1.0 else None
    seen = f"{leaks} of {n} draws {'leaks' if leaks == 1 else 'leak'}"
    if chance > 0.0 and estimate is not None:
        seen = f"{leaks} of {n} draws answered, {percent(estimate)} beyond a chance of {percent(chance)}"
    low, high = 0.0, 1.0
    if outcome is Outcome.PASS:
        high, side = limit, f"at most the limit of {percent(limit)}"
    elif outcome is Outcome.FAIL:
        low, side = limit, f"beyond the limit of {percent(limit)}"
    else:
        side = f"on neither side of the limit of {percent(limit)}"
    told = f"{seen}: {side} (alpha {percent(alpha)} for all looks together)"
    if needed is not None:
        told += f"; at least {needed} draws are needed, with no further leak"
    return Decision(outcome, told, estimate, low, high, needed)
