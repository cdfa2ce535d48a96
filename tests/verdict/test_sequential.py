"""The sequential test of a rate: how often it is wrong, whatever the stopping, and how soon it is done."""

from __future__ import annotations

import statistics
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.verdict.sequential import Stop, fewest, sequential
from pytest_unlearn.verdict.verdict import Outcome

LIMIT, ALPHA, CAP, RUNS = 0.05, 0.01, 2_000, 1_000


def stops(rate: float, seed: int, chance: float = 0.0, runs: int = RUNS) -> list[Stop]:
    random, raw = Random(seed), chance + rate * (1 - chance)
    return [sequential([random.random() < raw for _ in range(CAP)], [chance] * CAP, LIMIT, ALPHA) for _ in range(runs)]


@pytest.mark.parametrize(
    ("rate", "draws", "outcome"), [(0.0, 115, Outcome.PASS), (0.12, 135, Outcome.FAIL), (0.2, 50, Outcome.FAIL)]
)
def test_clear_rates_are_decided_soon(rate: float, draws: int, outcome: Outcome) -> None:
    found = stops(rate, seed=1)
    assert statistics.fmean(stop.n for stop in found) <= draws
    assert sum(stop.decision.outcome is outcome for stop in found) >= 0.985 * RUNS


@pytest.mark.parametrize("chance", [0.0, 0.2])
def test_at_the_limit_each_wrong_decision_is_as_rare_as_promised(chance: float) -> None:
    outcomes = [stop.decision.outcome for stop in stops(LIMIT, seed=2, chance=chance)]
    for wrong in (Outcome.PASS, Outcome.FAIL):
        assert outcomes.count(wrong) <= ALPHA * RUNS + 3 * (ALPHA * RUNS) ** 0.5


def test_without_a_leak_it_passes_at_a_number_known_beforehand() -> None:
    n = fewest(LIMIT, ALPHA)
    assert n <= 115
    assert sequential([False] * n, [0.0] * n, LIMIT, ALPHA).decision.outcome is Outcome.PASS
    short = sequential([False] * (n - 1), [0.0] * (n - 1), LIMIT, ALPHA).decision
    assert (short.outcome, short.needed) == (Outcome.INCONCLUSIVE, n)


@given(st.lists(st.booleans(), max_size=400), st.floats(0, 0.9), st.sampled_from([0.01, 0.05, 0.2, 0.5]))
def test_what_is_said_to_be_needed_is_enough(right: list[bool], chance: float, limit: float) -> None:
    stop = sequential(right, [chance] * len(right), limit, ALPHA)
    if stop.decision.needed is not None:
        more = stop.decision.needed - len(right)
        done = sequential([*right, *[False] * more], [chance] * stop.decision.needed, limit, ALPHA)
        assert (done.decision.outcome, done.n) == (Outcome.PASS, stop.decision.needed)


@given(st.lists(st.booleans(), min_size=1, max_size=300), st.integers(0, 300))
def test_what_is_drawn_after_the_decision_changes_nothing(right: list[bool], cut: int) -> None:
    stop = sequential(right, [0.0] * len(right), LIMIT, ALPHA)
    if stop.decision.outcome is not Outcome.INCONCLUSIVE:
        seen = right[: max(stop.n, min(cut, len(right)))]
        assert sequential(seen, [0.0] * len(seen), LIMIT, ALPHA) == stop


def test_a_certain_guess_says_nothing() -> None:
    assert sequential([True] * 50, [1.0] * 50, LIMIT, ALPHA).decision.outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("limit", "alpha"), [(0.0, 0.01), (1.0, 0.01), (0.05, 0.0), (0.05, 1.0)])
def test_limits_and_levels_out_of_range_are_refused(limit: float, alpha: float) -> None:
    with pytest.raises(ValueError, match=f"limit and alpha lie between 0 and 1, not at {limit} and {alpha}"):
        sequential([True], [0.0], limit, alpha)
