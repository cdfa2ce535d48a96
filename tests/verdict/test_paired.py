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
