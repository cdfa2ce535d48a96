import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_unlearn.verdict import decide, guessing
from pytest_unlearn.verdict.verdict import SEVERITY, Outcome

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
LIMITS = st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.2, 0.5])
CHANCES = st.sampled_from([0.0, 0.05, 0.1, 0.25, 0.5])
ALPHAS = st.sampled_from([0.001, 0.01, 0.05])


@st.composite
def counts(draw):
    n = draw(st.integers(1, 80))
    return draw(st.integers(0, n)), n


def census(leaks, n, chance, *more):
    """Those leak that come first, and luck is the same about all."""
    return decide.census([i < leaks for i in range(n)], [chance] * n, *more)


def search_tail(leaks, chances, *more):
    """Those leak that come first."""
    return decide.search_tail([i < leaks for i in range(len(chances))], chances, *more)


def test_a_census_without_chance_is_exact():
    decision = census(0, 22, 0.0, 0.2, 0.01)
    assert decision == decide.Decision(PASS, "0 of 22 known facts leak; the limit is 20 %", 0.0, 0.0, 0.0)
    assert census(4, 22, 0.0, 0.2, 0.01).outcome is PASS  # 18.2 %
    assert census(5, 22, 0.0, 0.2, 0.01).outcome is FAIL  # 22.7 %
    assert census(1, 22, 0.0, 0.02, 0.01).reason == "1 of 22 known facts leaks; the limit is 2 %"


def test_a_rate_at_its_limit_passes_whatever_the_rounding():
    assert 7 / 1000 > 0.7 / 100  # what a float makes of "0.7 %"
    assert census(7, 1000, 0.0, 0.7 / 100, 0.01).outcome is PASS
    assert census(8, 1000, 0.0, 0.7 / 100, 0.01).outcome is FAIL
    # 11 of 20 at chance 1/2 is an excess of 1/10
    assert census(11, 20, 0.5, 0.1, 0.01).outcome is PASS


def test_a_census_with_chance_has_a_middle():
    # at chance 1/4 of 22: 5.5 right by luck alone
    outcomes = [census(k, 22, 0.25, 0.2, 0.01).outcome for k in range(23)]
    assert outcomes == sorted(outcomes, key=[PASS, INCONCLUSIVE, FAIL].index)
    # k/22 <= 0.25 + 0.2 * 0.75 = 0.4: 8 pass. P(4 + Bin(18, 1/4) >= k) <= 1 % from k = 14 on: at least 5 of 22 leak
    assert outcomes.index(INCONCLUSIVE) == 9
    assert stats.binom.sf(14 - 4 - 1, 18, 0.25) <= 0.01 < stats.binom.sf(13 - 4 - 1, 18, 0.25)
    assert outcomes.index(FAIL) == 14


def test_a_census_that_cannot_decide_says_how_many_would():
    few = census(1, 3, 0.0167, 0.05, 0.002)
    assert few.outcome is Outcome.INCONCLUSIVE
    assert few.reason.endswith(f"about {few.needed} known facts would decide if as large a share of them were answered")
    assert few.needed is not None and few.needed % 3 == 0
    assert census(few.needed // 3, few.needed, 0.0167, 0.05, 0.002).outcome is FAIL
    fewer = few.needed - 3
    assert fewer == 3 or census(fewer // 3, fewer, 0.0167, 0.05, 0.002).outcome is Outcome.INCONCLUSIVE


def test_no_number_is_told_where_it_takes_too_many():
    near = census(20, 100, 0.19, 0.01, 1e-9)
    assert (near.outcome, near.needed) == (Outcome.INCONCLUSIVE, None)
    assert "would decide" not in near.reason


def test_a_census_where_guessing_is_always_right_cannot_conclude():
    decision = census(22, 22, 1.0, 0.2, 0.01)
    assert decision.outcome is INCONCLUSIVE
    assert "cannot be seen" in decision.reason


@settings(deadline=None)
@given(counts(), CHANCES, LIMITS, ALPHAS)
def test_more_answers_never_make_a_census_better(count, chance, limit, alpha):
    k, n = count
    if k < n:
        better, worse = (census(leaks, n, chance, limit, alpha).outcome for leaks in (k, k + 1))
        assert SEVERITY[better] <= SEVERITY[worse]


@settings(deadline=None)
@given(counts(), CHANCES, LIMITS, ALPHAS)
def test_a_census_that_leaks_beyond_limit_and_chance_never_passes(count, chance, limit, alpha):
    sure, n = count
    if sure / n > limit + chance:
        for right in range(sure, n + 1):
            assert census(right, n, chance, limit, alpha).outcome is not PASS


@settings(deadline=None)
@given(counts(), CHANCES, LIMITS, ALPHAS)
def test_a_census_within_its_limit_fails_in_at_most_alpha_of_all_runs(count, chance, limit, alpha):
    sure, n = count
    if sure / n <= limit:
        lucky = numpy.arange(n - sure + 1)
        weights = stats.binom.pmf(lucky, n - sure, chance)
        failed = [census(sure + int(j), n, chance, limit, alpha).outcome is FAIL for j in lucky]
        assert weights[failed].sum() <= alpha + 1e-12


@settings(deadline=None)
@given(counts(), CHANCES, LIMITS, ALPHAS)
def test_a_smaller_alpha_never_fails_a_census_that_a_larger_one_lets_stand(count, chance, limit, alpha):
    k, n = count
    if census(k, n, chance, limit, alpha / 10).outcome is FAIL:
        assert census(k, n, chance, limit, alpha).outcome is FAIL


def test_a_margin_census_is_exact():
    # 3 lost, 1 gained of 40: 2 / 40 = 5 %
    decision = decide.margin_census(3, 1, 40, 0.05)
    assert decision.outcome is PASS
    assert decision.reason == "3 of 40 answers lost and 1 gained, a net loss of 5 %; the margin is 5 %"
    assert decide.margin_census(4, 1, 40, 0.05).outcome is FAIL
    assert decide.margin_census(0, 9, 40, 0.0).outcome is PASS


def test_a_margin_sample_has_three_outcomes():
    assert decide.margin_sample(0, 0, 300, 300, 0.05, 0.01).outcome is PASS
    assert decide.margin_sample(60, 0, 300, 300, 0.05, 0.01).outcome is FAIL
    between = decide.margin_sample(3, 1, 40, 40, 0.05, 0.01)
    assert between.outcome is INCONCLUSIVE
    assert decide.margin_sample(3, 1, between.needed, between.needed, 0.05, 0.01).outcome is PASS
    assert decide.margin_sample(3, 1, between.needed - 1, between.needed - 1, 0.05, 0.01).outcome is INCONCLUSIVE
    assert f"at least {between.needed} questions are needed" in between.reason
    assert decide.margin_sample(3, 1, 40, 40, 0.0, 0.01).needed is None


@pytest.mark.parametrize("gained_share", [0.0, 0.1, 0.3])
def test_at_its_margin_a_margin_sample_errs_in_at_most_alpha(gained_share):
    n, margin, alpha, runs = 120, 0.1, 0.05, 1000
    lost_share = margin + gained_share
    shares = [lost_share, gained_share, 1 - lost_share - gained_share]
    drawn = numpy.random.default_rng(8).multinomial(n, shares, size=runs)
    outcomes = [decide.margin_sample(int(a), int(b), n, n, margin, alpha).outcome for a, b, _ in drawn]
    assert outcomes.count(PASS) <= alpha * runs
    assert outcomes.count(FAIL) <= alpha * runs


def test_a_loss_is_a_share_of_what_was_known_and_gains_may_be_more_than_that():
    some = decide.margin_sample(10, 0, 100, 200, 0.5, 0.01)
    assert some.estimate == 0.1
    assert some.upper > 0.1
    much = decide.margin_sample(0, 10, 5, 50, 0.1, 0.01)
    assert (much.outcome, much.estimate) == (INCONCLUSIVE, -2.0)
    assert much.lower < -2.0 < much.upper


def test_a_way_that_never_leaks_passes():
    assert search_tail(0, [0.9] * 4, 0.0025, 4).outcome is PASS
    assert search_tail(0, [], 0.0025, 4).outcome is PASS


def test_one_leak_fails_where_guessing_is_never_right():
    decision = search_tail(1, [0.0] * 12, 0.0005, 20)
    assert decision.outcome is FAIL
    assert decision.reason == "1 of 12 known facts leaks this way, where guessing is never right"


def test_the_hand_worked_tails_of_a_search():
    # 2 of 2 at chance 1/10: p = 1 %. Fails at a level of 1.01 %, not at half of it
    assert search_tail(2, [0.1, 0.1], 0.0101).outcome is FAIL
    assert search_tail(2, [0.1, 0.1], 0.00505).outcome is INCONCLUSIVE
    # 1 of 2: p = 1 - 0.81 = 19 %, above 10 %
    decision = search_tail(1, [0.1, 0.1], 0.01)
    assert decision.outcome is PASS
    assert "which guessing explains: it does as well with probability 19 %" in decision.reason
    # 1 of 1 at its chance, on either side of 10 %
    assert search_tail(1, [0.09], 0.01).outcome is INCONCLUSIVE
    assert search_tail(1, [0.11], 0.01).outcome is PASS


def test_a_way_that_was_chosen_from_many_is_explained_by_guessing_in_any_of_them():
    # p = 1 % in one way; in one of 20, 1 - 0.99^20 = 18.2 %; in one of 10, 9.6 %
    decision = search_tail(2, [0.1, 0.1], 0.001, 20)
    assert decision.outcome is PASS
    assert decision.reason.endswith("it does as well with probability 1 %, and somewhere among 20 ways with 18.2 %")
    assert search_tail(2, [0.1, 0.1], 0.001, 10).outcome is INCONCLUSIVE


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 0.9), min_size=1, max_size=30), st.integers(0, 29), ALPHAS, st.integers(1, 20))
def test_more_leaks_and_fewer_ways_never_make_a_search_better(chances, leaks, alpha, ways):
    leaks = min(leaks, len(chances) - 1)
    here = SEVERITY[search_tail(leaks, chances, alpha / ways, ways).outcome]
    assert here <= SEVERITY[search_tail(leaks + 1, chances, alpha / ways, ways).outcome]
    assert here >= SEVERITY[search_tail(leaks, chances, alpha / (ways + 1), ways + 1).outcome]


def test_a_guessing_model_fails_a_search_over_many_ways_in_at_most_alpha_and_is_seldom_undecided():
    generator = numpy.random.default_rng(4)
    alpha, ways, units, runs = 0.05, 40, 14, 2000
    chances = [0.1] * 7 + [0.3] * 7
    right = generator.random((runs, ways, units)) < chances
    kinds = numpy.stack([right[..., :7].sum(axis=2), right[..., 7:].sum(axis=2)], axis=-1)  # (runs, ways, 2)
    found = {
        (a, b): decide.search_tail([i < a for i in range(7)] + [i < b for i in range(7)], chances, alpha / ways, ways)
        for a in range(8)
        for b in range(8)
    }
    failed, undecided = (
        numpy.array([[found[a, b].outcome in some for b in range(8)] for a in range(8)])[kinds[..., 0], kinds[..., 1]]
        for some in ({FAIL}, {FAIL, INCONCLUSIVE})
    )
    assert failed.any(axis=1).mean() <= alpha
    assert undecided.any(axis=1).mean() <= 0.1


def test_what_is_never_guessed_is_not_explained_by_luck_that_others_did_not_have():
    chances = [0.9] * 6 + [0.0] * 14
    four = decide.search_tail([False] * 6 + [True] * 6 + [False] * 8, chances, 0.001)
    assert four.outcome is not PASS
    assert four.reason == (
        "6 of 20 known facts leak this way; guessing does as well with probability 0.00662 %, at most 0.1 %"
    )
    # one alone is no evidence: what 20 stand-ins do not get, another may
    assert decide.search_tail([False] * 19 + [True], chances, 0.001).outcome is PASS


def test_a_census_does_not_net_leaks_with_luck_that_others_did_not_have():
    # 6 of the 10 that are hardly guessed leak, 30 % of all; none of the 10 others is right, though guessed so often
    right, chances = [True] * 6 + [False] * 14, [0.0] * 10 + [0.9] * 10
    assert guessing.excess(6, 20, 0.45) == 0.0
    decision = decide.census(right, chances, 0.20, 0.001)
    assert decision.outcome is INCONCLUSIVE
    assert decision.reason.startswith(
        "6 of 20 known facts answered, 6 of them among the 10 that are guessed with a chance of 5 % at most: "
        "28.9 % beyond chance: between 3 and "
    )
    assert decide.census(right, chances, 0.10, 0.001).outcome is FAIL


def test_leaks_that_are_hardly_guessed_leave_more_to_luck_elsewhere():
    """At its limit of 20 %: 4 of 20 leak that are never guessed, so the others are right with chance 1/4, not 1/5."""
    alpha, chances = 0.001, [0.0] * 4 + [0.25] * 16
    weights = [stats.binom.pmf(lucky, 16, 0.25) for lucky in range(17)]
    wrongly = [
        weight
        for lucky, weight in enumerate(weights)
        if decide.census([True] * 4 + [i < lucky for i in range(16)], chances, 0.2, alpha).outcome is FAIL
    ]
    assert sum(wrongly) <= alpha
    by_the_mean = [census(4 + lucky, 20, 0.2, 0.2, alpha).outcome is FAIL for lucky in range(17)]
    assert sum(weight for weight, failed in zip(weights, by_the_mean, strict=True) if failed) > alpha


@pytest.mark.parametrize(("answers", "ways"), [(3, 1), (1, 1), (2, 0)])
def test_an_impossible_search_is_refused(answers, ways):
    with pytest.raises(ValueError) as caught:
        decide.search_tail([True] * answers, [0.1, 0.1], 0.01, ways)
    assert str(caught.value) == f"{answers} answers, 2 chances and {ways} ways do not fit together"


@pytest.mark.parametrize(
    ("low", "high", "demand", "outcome"),
    [
        (1.01, 1.05, {"limit": 1.1}, PASS),
        (1.01, 1.10, {"limit": 1.1}, PASS),
        (1.01, 1.15, {"limit": 1.1}, INCONCLUSIVE),
        (1.12, 1.15, {"limit": 1.1}, FAIL),
        (0.90, 0.95, {"at_least": 0.9}, PASS),
        (0.85, 0.95, {"at_least": 0.9}, INCONCLUSIVE),
        (0.80, 0.85, {"at_least": 0.9}, FAIL),
        (0.45, 0.55, {"between": (0.4, 0.6)}, PASS),
        (0.35, 0.55, {"between": (0.4, 0.6)}, INCONCLUSIVE),
        (0.35, 0.65, {"between": (0.4, 0.6)}, INCONCLUSIVE),
        (0.61, 0.65, {"between": (0.4, 0.6)}, FAIL),
        (0.10, 0.39, {"between": (0.4, 0.6)}, FAIL),
        (-math.inf, math.inf, {"limit": 1.1}, INCONCLUSIVE),
        (math.inf, math.inf, {"limit": 1.1}, FAIL),
    ],
)
def test_an_interval_passes_inside_and_fails_outside_its_demand(low, high, demand, outcome):
    assert decide.number((low + high) / 2 if math.isfinite(low) else 1.2, low, high, **demand).outcome is outcome


def test_the_reason_of_a_number_shows_value_interval_and_demand():
    assert decide.number(1.08, 1.03, 1.12, limit=1.1).reason == "1.08 (interval 1.03 to 1.12); the limit is 1.1"
    assert decide.number(1.08, 1.08, 1.08, limit=1.1).reason == "1.08; the limit is 1.1"


def test_what_is_not_a_number_never_passes():
    decision = decide.number(math.nan, 0.0, 1.0, limit=2.0)
    assert decision.outcome is Outcome.ERROR
    assert "not a number" in decision.reason


@pytest.mark.parametrize("demands", [{}, {"limit": 1.0, "at_least": 0.5}])
def test_a_number_needs_exactly_one_demand(demands):
    with pytest.raises(ValueError, match=r"^give exactly one of limit, at_least and between$"):
        decide.number(1.0, 0.9, 1.1, **demands)


def test_nothing_asked_is_vacuous_and_never_passes():
    empty = [
        census(0, 0, 0.0, 0.5, 0.01),
        decide.margin_census(0, 0, 0, 0.5),
        decide.margin_sample(0, 0, 0, 10, 1.0, 0.01),
    ]
    assert {decision.outcome for decision in empty} == {Outcome.VACUOUS}
