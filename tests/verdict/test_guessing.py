import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_unlearn.verdict import binomial, guessing


@st.composite
def counts(draw):
    n = draw(st.integers(1, 60))
    return draw(st.integers(0, n)), n


CHANCES = st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.5, 0.9])


def test_the_hand_worked_excess():
    # 8 units, 2 leak, the other 6 are right in half the cases: 2 + 3 = 5 right; (5/8 - 1/2) / (1/2) = 1/4 = 2/8
    assert guessing.excess(5, 8, 0.5) == pytest.approx(0.25)
    assert guessing.excess(3, 8, 0.5) == 0.0
    assert guessing.excess(8, 8, 0.5) == 1.0
    assert guessing.excess(8, 8, 1.0) == 0.0


@settings(deadline=None)
@given(counts(), st.floats(0.001, 0.3))
def test_without_chance_everything_is_plain_counting(count, alpha):
    k, n = count
    assert guessing.excess(k, n, 0.0) == k / n
    assert guessing.leaks_at_least(k, n, 0.0, alpha) == k
    assert guessing.leaks_at_most(k, n, 0.0, alpha) == k


def test_the_hand_worked_bounds_of_a_census():
    # 3 of 3 right at chance 1/2: P(all right | L) = (1/2)^(3 - L) = 1/8, 1/4, 1/2, 1. Above 0.2 from L = 1 on
    assert guessing.leaks_at_least(3, 3, 0.5, 0.2) == 1
    assert guessing.leaks_at_least(3, 3, 0.5, 0.1) == 0
    assert guessing.leaks_at_most(3, 3, 0.5, 0.1) == 3
    # 1 of 3 right: P(at most 1 | L = 0) = 4/8, P(at most 1 | L = 1) = P(2 misses) = 1/4
    assert guessing.leaks_at_most(1, 3, 0.5, 0.2) == 1
    assert guessing.leaks_at_most(1, 3, 0.5, 0.3) == 0
    # 0 of 10 right at chance 1/2 is less than any number of leaks would leave (1/1024)
    assert guessing.leaks_at_most(0, 10, 0.5, 0.01) == 0


@settings(deadline=None)
@given(counts(), CHANCES, st.floats(0.001, 0.3))
def test_a_census_bound_is_the_definition_searched_one_by_one(count, chance, alpha):
    k, n = count
    possible = range(k + 1)
    reached = [sure for sure in possible if stats.binom.sf(k - sure - 1, n - sure, chance) > alpha]
    kept = [sure for sure in possible if stats.binom.cdf(k - sure, n - sure, chance) > alpha]
    assert guessing.leaks_at_least(k, n, chance, alpha) == reached[0]
    assert guessing.leaks_at_most(k, n, chance, alpha) == (kept[-1] if kept else 0)


@settings(deadline=None)
@given(counts(), CHANCES, st.floats(0.001, 0.3), st.floats(0.001, 0.3))
def test_census_bounds_grow_with_the_count_and_loosen_with_a_smaller_alpha(count, chance, first, second):
    k, n = count
    strict, loose = sorted((first, second))
    assert guessing.leaks_at_least(k, n, chance, strict) <= guessing.leaks_at_least(k, n, chance, loose)
    assert guessing.leaks_at_most(k, n, chance, strict) >= guessing.leaks_at_most(k, n, chance, loose)
    assert 0 <= guessing.leaks_at_least(k, n, chance, loose) <= guessing.leaks_at_most(k, n, chance, loose) <= k
    if k < n:
        assert guessing.leaks_at_least(k, n, chance, loose) <= guessing.leaks_at_least(k + 1, n, chance, loose)
        assert guessing.leaks_at_most(k, n, chance, loose) <= guessing.leaks_at_most(k + 1, n, chance, loose)


@pytest.mark.parametrize("chance", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("sure", [0, 1, 5, 22])
def test_census_bounds_miss_the_number_of_leaks_in_at_most_alpha_of_all_runs(sure, chance):
    n, alpha = 22, 0.05
    weights = [stats.binom.pmf(lucky, n - sure, chance) for lucky in range(n - sure + 1)]
    above = sum(w for j, w in enumerate(weights) if guessing.leaks_at_least(sure + j, n, chance, alpha) > sure)
    below = sum(w for j, w in enumerate(weights) if guessing.leaks_at_most(sure + j, n, chance, alpha) < sure)
    assert above <= alpha + 1e-12
    assert below <= alpha + 1e-12


def test_units_are_counted_without_those_that_are_guessed_more_easily():
    whole, hardly = guessing.groups([0.5, 0.0, 0.5])
    assert (whole.places, whole.chances, whole.part) == ((0, 1, 2), (0.5, 0.0, 0.5), 0.5)
    assert (hardly.places, hardly.chances, hardly.part) == ((1,), (0.05,), 0.5)
    assert [group.part for group in guessing.groups([0.1, 0.2, 0.2, 0.4])] == [0.5, 0.25, 0.25]
    for alike in ([0.0] * 3, [0.1] * 3, [1.0], [0.0, 0.05]):
        assert [group.part for group in guessing.groups(alike)] == [1.0]


def test_the_hand_worked_numbers_of_different_chances():
    right, chances = [True, True, False, False], [0.25, 0.25, 1.0, 1.0]
    share, group = guessing.most_excess(right, chances)
    assert (share, group.places) == (0.5, (0, 1))
    # two of two at chance 1/4: 1/16, for half of the level; all four: two of them are always right
    assert guessing.surprise(right, chances) == pytest.approx(2 / 16)
    assert guessing.least_leaks(right, chances, 0.2) == 1  # P(both | L = 0) = 1/16 <= 0.1 < P(the other | L = 1)
    assert guessing.most_leaks(right, chances, 0.2) == 2


@pytest.mark.parametrize("seed", range(12))
def test_bounds_and_surprise_err_in_at_most_alpha_whichever_units_leak(seed):
    """Every set of leaking units, and every outcome of the guesses about the others, of six units."""
    generator, alpha = numpy.random.default_rng(seed), 0.1
    chances = generator.choice([0.05, 0.1, 0.3, 0.7, 0.9], size=6).tolist()
    outcomes = [[bool(bits >> i & 1) for i in range(6)] for bits in range(64)]
    least = [guessing.least_leaks(right, chances, alpha) for right in outcomes]
    most = [guessing.most_leaks(right, chances, alpha) for right in outcomes]
    tails = [guessing.surprise(right, chances) for right in outcomes]
    for leaks in outcomes:
        now = [1.0 if leak else chance for leak, chance in zip(leaks, chances, strict=True)]
        weights = [math.prod(p if hit else 1 - p for hit, p in zip(right, now, strict=True)) for right in outcomes]
        assert sum(w for w, bound in zip(weights, least, strict=True) if bound > sum(leaks)) <= alpha + 1e-12
        assert sum(w for w, bound in zip(weights, most, strict=True) if bound < sum(leaks)) <= alpha + 1e-12
        if not any(leaks):
            for level in (0.01, 0.05, 0.1, 0.3):
                assert sum(w for w, p in zip(weights, tails, strict=True) if p <= level) <= level + 1e-12


@settings(deadline=None)
@given(counts(), CHANCES, st.floats(0.001, 0.3))
def test_one_chance_is_counted_as_a_whole(count, chance, alpha):
    k, n = count
    right, chances = [i < k for i in range(n)], [chance] * n
    assert guessing.most_excess(right, chances)[0] == pytest.approx(guessing.excess(k, n, chance))
    assert guessing.least_leaks(right, chances, alpha) == guessing.leaks_at_least(k, n, chance, alpha)
    assert guessing.most_leaks(right, chances, alpha) == guessing.leaks_at_most(k, n, chance, alpha)
    assert guessing.surprise(right, chances) == guessing.tail_of(k, chances)


def test_sure_guessing_says_nothing():
    assert guessing.leaks_at_least(7, 7, 1.0, 0.01) == 0
    assert guessing.leaks_at_most(7, 7, 1.0, 0.01) == 7


def test_the_hand_worked_tail_of_different_chances():
    # chances 1/2, 1/4, 0: none 3/8, one 1/2 * 3/4 + 1/2 * 1/4 = 4/8, both 1/8
    assert guessing.tail_of(1, [0.5, 0.25, 0.0]) == pytest.approx(5 / 8)
    assert guessing.tail_of(2, [0.5, 0.25, 0.0]) == pytest.approx(1 / 8)
    assert guessing.tail_of(3, [0.5, 0.25, 0.0]) == 0.0
    assert guessing.tail_of(0, []) == 1.0
    assert guessing.tail_of(1, []) == 0.0
    assert guessing.tail_of(2, [1.0, 1.0, 0.0]) == 1.0


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=40), st.integers(1, 40))
def test_the_tail_of_different_chances_is_that_of_scipy(chances, k):
    expected = float(stats.poisson_binom.sf(k - 1, chances))
    assert guessing.tail_of(k, chances) == pytest.approx(expected, abs=1e-10)


@settings(deadline=None)
@given(st.integers(1, 60), st.floats(0.0, 1.0), st.integers(0, 61))
def test_equal_chances_give_the_binomial_tail(n, chance, k):
    assert guessing.tail_of(k, [chance] * n) == pytest.approx(binomial.tail(k, n, chance), rel=1e-9, abs=1e-300)


def test_a_tiny_tail_keeps_its_accuracy():
    assert guessing.tail_of(40, [0.1] * 40) == pytest.approx(1e-40, rel=1e-9)


def test_the_tail_agrees_with_drawing():
    chances = [0.05, 0.1, 0.1, 0.3, 0.5, 0.5]
    drawn = (numpy.random.default_rng(5).random((20_000, len(chances))) < chances).sum(axis=1)
    for k in range(1, 5):
        p = guessing.tail_of(k, chances)
        assert (drawn >= k).mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / 20_000))


def test_a_chance_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match=r"^a chance lies between 0 and 1$"):
        guessing.tail_of(1, [0.2, 1.2])
