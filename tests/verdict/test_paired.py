import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unlearn.verdict import binomial, paired


def test_net_bounds_without_a_change_are_those_of_nothing_seen():
    high = binomial.upper(0, 90, 0.01)
    assert paired.net_bounds(0, 0, 90, 0.02) == (-high, high)


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 60), st.floats(0.001, 0.2))
def test_gains_mirror_losses(lost, gained, same, alpha):
    n = lost + gained + same
    low, high = paired.net_bounds(lost, gained, n, alpha)
    mirrored = paired.net_bounds(gained, lost, n, alpha)
    assert mirrored == pytest.approx((-high, -low), abs=1e-15)
    assert -1 <= low <= (lost - gained) / n <= high <= 1


@pytest.mark.parametrize("shares", [(0.05, 0.0), (0.1, 0.05), (0.3, 0.25), (0.02, 0.5)])
def test_net_bounds_cover_the_net_loss(shares):
    lost_share, gained_share = shares
    n, runs, alpha = 80, 2000, 0.05
    drawn = numpy.random.default_rng(3).multinomial(n, [lost_share, gained_share, 1 - sum(shares)], size=runs)
    bounds = [paired.net_bounds(int(lost), int(gained), n, alpha) for lost, gained, _ in drawn]
    net = lost_share - gained_share
    assert sum(low > net for low, _ in bounds) <= alpha * runs
    assert sum(high < net for _, high in bounds) <= alpha * runs


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(0, 5), st.floats(0.02, 0.3))
def test_needed_is_the_first_number_of_pairs_that_is_enough(lost, gained, margin):
    n = paired.needed(margin, 0.02, lost, gained)
    assert paired.net_bounds(lost, gained, n, 0.02)[1] <= margin
    if n > max(lost + gained, 1):
        assert paired.net_bounds(lost, gained, n - 1, 0.02)[1] > margin


def test_needed_without_a_change_is_that_of_a_rate_at_half_the_alpha():
    assert binomial.upper(0, 89, 0.01) > 0.05 >= binomial.upper(0, 90, 0.01)
    assert paired.needed(0.05, 0.02) == 90


def test_no_number_of_pairs_proves_a_margin_of_0_after_a_loss():
    assert paired.needed(0.0, 0.01, lost=2) is None


@pytest.mark.parametrize(("lost", "gained", "n"), [(-1, 0, 5), (3, 3, 5), (0, 6, 5)])
def test_impossible_pairs_are_refused(lost, gained, n):
    with pytest.raises(ValueError) as caught:
        paired.net_bounds(lost, gained, n, 0.01)
    assert str(caught.value) == f"{lost} lost and {gained} gained do not fit into {n} pairs"


def test_a_loss_is_held_against_all_signs_that_the_units_could_have():
    assert paired.worse([1, 1, 1, 0]) == 1 / 8  # of 8 ways to sign three changes, one is as bad
    assert paired.worse([2, 1, -1]) == 3 / 8  # 2: of +-2 +-1 +-1 the sums 4, 2, 2
    assert paired.worse([3]) == 1 / 2  # one unit alone, however many questions it has
    assert paired.worse([1, -1]) == paired.worse([-1]) == paired.worse([]) == 1.0


def test_holm_shares_a_level_among_all_that_is_tested():
    assert paired.holm([0.01, 0.04, 0.03], 0.05) == [True, False, False]  # 0.05 / 3, then 0.03 > 0.05 / 2
    assert paired.holm([0.01, 0.05, 0.02], 0.05) == [True, True, True]
    assert paired.holm([], 0.05) == []


def regressions(rng, lost, gained, units, each, runs):
    """p-values of runs in which the questions of units, `each` about one, change independently."""
    for _ in range(runs):
        moved = rng.random((units, each))
        yield paired.worse([int(n) for n in ((moved < lost) * 1 - (moved > 1 - gained) * 1).sum(axis=1)])


@pytest.mark.parametrize(("units", "each"), [(1000, 1), (250, 4)])
def test_a_regression_of_2_percent_in_1000_questions_is_found_with_power_08(units, each):
    """Even where as many answers change for the better as 2 %: 4 % are lost and 2 % gained."""
    rng = numpy.random.default_rng(11)
    found = [p <= 0.05 for p in regressions(rng, 0.04, 0.02, units, each, 400)]
    assert sum(found) / len(found) >= 0.8
    found = [p <= 0.05 for p in regressions(rng, 0.02, 0.0, units, each, 100)]
    assert all(found)


def test_no_regression_is_found_more_often_than_the_level_says():
    rng = numpy.random.default_rng(12)
    found = [p <= 0.05 for p in regressions(rng, 0.03, 0.03, 250, 4, 1000)]
    assert sum(found) / len(found) <= 0.065  # 0.05 and two standard errors of 1,000 runs


def test_questions_about_one_unit_that_change_together_are_no_evidence_of_their_own():
    rng = numpy.random.default_rng(13)
    alone, together = [], []
    for _ in range(400):
        moved = rng.random(100)
        units = [int(m < 0.05) - int(m > 0.95) for m in moved]
        together.append(paired.worse([5 * one for one in units]) <= 0.05)
        alone.append(paired.worse([one for one in units for _ in range(5)]) <= 0.05)
    assert sum(together) / 400 <= 0.07 < sum(alone) / 400
