import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_unlearn.verdict import binomial

ALPHAS = st.floats(1e-4, 0.4)


@st.composite
def counts(draw):
    n = draw(st.integers(1, 400))
    return draw(st.integers(0, n)), n


@settings(deadline=None)
@given(counts(), ALPHAS)
def test_the_bounds_are_those_of_scipy_binomtest(count, alpha):
    k, n = count
    # a two-sided interval at 1 - 2 alpha has alpha on each side
    exact = stats.binomtest(k, n).proportion_ci(1 - 2 * alpha, method="exact")
    assert binomial.lower(k, n, alpha) == pytest.approx(exact.low, abs=1e-9)
    assert binomial.upper(k, n, alpha) == pytest.approx(exact.high, abs=1e-9)


@settings(deadline=None)
@given(counts(), ALPHAS)
def test_each_bound_leaves_exactly_alpha_in_its_tail(count, alpha):
    k, n = count
    if k < n:
        assert stats.binom.cdf(k, n, binomial.upper(k, n, alpha)) == pytest.approx(alpha, rel=1e-6)
    if k > 0:
        assert stats.binom.sf(k - 1, n, binomial.lower(k, n, alpha)) == pytest.approx(alpha, rel=1e-6)


def test_hand_worked_bounds():
    # no leak in n: (1 - u)^n = alpha, so u = 1 - alpha^(1/n); 0.05^(1/59) = 0.95049...
    assert binomial.upper(0, 59, 0.05) == pytest.approx(0.0495, abs=5e-5)
    # every one of 2 leaks: l^2 = 0.04, so l = 0.2
    assert binomial.lower(2, 2, 0.04) == pytest.approx(0.2)
    # 1 of 2: P(X <= 1) = 1 - u^2 = 0.19, so u = 0.9; P(X >= 1) = 1 - (1 - l)^2 = 0.19, so l = 0.1
    assert binomial.upper(1, 2, 0.19) == pytest.approx(0.9)
    assert binomial.lower(1, 2, 0.19) == pytest.approx(0.1)


def test_the_ends_are_closed():
    assert binomial.lower(0, 10, 0.05) == 0.0
    assert binomial.upper(10, 10, 0.05) == 1.0
    assert (binomial.lower(0, 0, 0.05), binomial.upper(0, 0, 0.05)) == (0.0, 1.0)


@settings(deadline=None)
@given(counts(), ALPHAS, ALPHAS)
def test_bounds_grow_with_the_count_and_tighten_with_the_sample_and_alpha(count, first, second):
    k, n = count
    strict, loose = sorted((first, second))
    assert binomial.upper(k, n, strict) >= binomial.upper(k, n, loose) - 1e-12
    assert binomial.lower(k, n, strict) <= binomial.lower(k, n, loose) + 1e-12
    assert binomial.upper(k, n + 1, loose) <= binomial.upper(k, n, loose) + 1e-12
    assert binomial.lower(k, n + 1, loose) <= binomial.lower(k, n, loose) + 1e-12
    assert binomial.upper(k + 1, n + 1, loose) >= binomial.upper(k, n + 1, loose)
    assert binomial.lower(k + 1, n + 1, loose) >= binomial.lower(k, n + 1, loose)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2, 0.5, 0.93])
@pytest.mark.parametrize("n", [5, 22, 90])
def test_a_bound_misses_the_rate_in_at_most_alpha_of_all_samples(n, rate, alpha):
    weights = [math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1)]
    below = sum(weight for k, weight in enumerate(weights) if binomial.upper(k, n, alpha) < rate)
    above = sum(weight for k, weight in enumerate(weights) if binomial.lower(k, n, alpha) > rate)
    assert below <= alpha + 1e-12
    assert above <= alpha + 1e-12


def test_the_hand_worked_tail():
    # 3 tosses of a coin: at least 2 heads in 4 of 8 cases
    assert binomial.tail(2, 3, 0.5) == pytest.approx(0.5)
    assert binomial.tail(0, 3, 0.5) == 1.0
    assert binomial.tail(4, 3, 0.5) == 0.0
    assert binomial.tail(1, 3, 0.0) == 0.0
    assert binomial.tail(3, 3, 1.0) == 1.0
    # 12 of 12 at chance 1/10, far below what 1 - cdf could resolve
    assert binomial.tail(12, 12, 0.1) == pytest.approx(1e-12, rel=1e-9)


@settings(deadline=None)
@given(counts(), st.floats(0.0, 1.0))
def test_the_tail_is_that_of_scipy(count, p):
    k, n = count
    assert binomial.tail(k, n, p) == pytest.approx(stats.binom.sf(k - 1, n, p), abs=1e-12)


@pytest.mark.parametrize(("n", "p"), [(-1, 0.5), (3, 1.5), (3, -0.5)])
def test_an_impossible_binomial_is_refused(n, p):
    with pytest.raises(ValueError) as caught:
        binomial.tail(1, n, p)
    assert str(caught.value) == f"a binomial needs n >= 0 and p in [0, 1], not n = {n} and p = {p}"


@pytest.mark.parametrize("bound", [binomial.lower, binomial.upper])
@pytest.mark.parametrize(
    ("k", "alpha", "told"),
    [
        (-1, 0.05, "a count lies between 0 and the number of draws, but -1 of 5 were given"),
        (6, 0.05, "a count lies between 0 and the number of draws, but 6 of 5 were given"),
        (1, 0.0, "alpha lies between 0 and 1, not at 0.0"),
        (1, 1.0, "alpha lies between 0 and 1, not at 1.0"),
    ],
)
def test_impossible_counts_and_levels_are_refused(bound, k, alpha, told):
    with pytest.raises(ValueError) as caught:
        bound(k, 5, alpha)
    assert str(caught.value) == told


def test_smallest_finds_the_first_and_gives_up_at_the_end():
    assert binomial.smallest(lambda n: n >= 37, 5) == 37
    assert binomial.smallest(lambda n: True, 5) == 5
    assert binomial.smallest(lambda n: False, 5, most=1000) is None
