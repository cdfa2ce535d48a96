"""Bounds on a mean of shares: what they are by hand, and that they hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unlearn.verdict import binomial
from pytest_unlearn.verdict.betting import BETS, lower, upper

SHARES = st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), min_size=1, max_size=30)


def wealth(shares: Sequence[float], mean: float) -> float:
    """By the formula, term by term."""
    weights = dict.fromkeys(range(1, BETS), 0.5 / (BETS - 1)) | {BETS: 0.5}
    return sum(w * math.prod(1 - i / BETS + i / BETS * x / mean for x in shares) for i, w in weights.items())


def test_the_hand_worked_bounds() -> None:
    # ten zeros: half the weight makes (1 / (1 - m))^10 / 2 reach 1 / 0.02 at m = 1 - 0.01^(1/10), the rest a bit sooner
    assert upper([0.0] * 10, 0.02) == pytest.approx(0.3553, abs=1e-4)
    assert upper([0.0] * 10, 0.02) < 1 - 0.01 ** (1 / 10) == pytest.approx(0.369, abs=1e-3)
    assert upper([0.0] * 2000, 0.001) < binomial.upper(0, 2000, 0.0005)
    assert lower([0.0] * 10, 0.02) == 0.0
    assert lower([], 0.02) == 0.0
    assert upper([], 0.02) == 1.0


def test_shares_that_are_alike_decide_sooner_than_all_or_nothing() -> None:
    assert lower([0.2] * 30, 0.001) > 0.15
    assert lower([1.0] * 6 + [0.0] * 24, 0.001) < 0.05


@settings(deadline=None)
@given(SHARES, st.sampled_from([0.001, 0.01, 0.2]))
def test_a_bound_is_where_the_bets_would_have_paid_off(shares: list[float], alpha: float) -> None:
    low, high = lower(shares, alpha), upper(shares, alpha)
    assert 0.0 <= low <= sum(shares) / len(shares) + 1e-9 <= high + 2e-9 <= 1.0 + 2e-9
    if low > 0.0:
        assert wealth(shares, low) == pytest.approx(1 / alpha, rel=1e-6)
    assert lower(list(reversed(shares)), alpha) == low


@pytest.mark.parametrize("means", [(0.3, 0.3, 0.3, 0.3), (0.0, 0.1, 0.5, 0.6), (1.0, 0.2, 0.0, 0.0)])
def test_bounds_on_answers_of_unequal_chance_are_wrong_no_more_often_than_is_said(means: tuple[float, ...]) -> None:
    alpha, mean = 0.2, 0.3
    wrong_low = wrong_high = 0.0
    for answers in product((0.0, 1.0), repeat=4):
        chance = math.prod(m if x else 1 - m for m, x in zip(means, answers, strict=True))
        wrong_low += chance * (lower(answers, alpha) > mean)
        wrong_high += chance * (upper(answers, alpha) < mean)
    assert wrong_low <= alpha
    assert wrong_high <= alpha


@pytest.mark.parametrize(
    ("shares", "alpha", "message"),
    [
        ([0.5], 0.0, "alpha lies between 0 and 1, not at 0.0"),
        ([0.5, 1.5], 0.1, "a share lies between 0 and 1, not at 1.5"),
        ([0.5, -1.0], 0.1, "a share lies between 0 and 1, not at -1.0"),
    ],
)
def test_what_is_no_share_is_refused(shares: list[float], alpha: float, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        lower(shares, alpha)
    assert str(caught.value) == message
