"""leak@k is what a choice of k samples would show, and a rate of samples is held against a limit."""

from __future__ import annotations

from itertools import combinations

import pytest

from pytest_unlearn.verdict.samples import decided, leak_at, sampling
from pytest_unlearn.verdict.verdict import Outcome

Questions = list[list[bool]]


def unit(*leaks: int, of: int = 32) -> Questions:
    """A fact whose questions leak so many times each."""
    return [[i < k for i in range(of)] for k in leaks]


def test_the_hand_worked_leak_at_k() -> None:
    assert leak_at(2, 1, 4) == pytest.approx(0.5)  # 1 - C(3, 2) / C(4, 2) = 1 - 3 / 6
    assert leak_at(1, 1, 4) == pytest.approx(0.25)
    assert leak_at(4, 1, 4) == 1.0
    assert leak_at(4, 0, 4) == 0.0


@pytest.mark.parametrize("k", [1, 2, 5, 8])
@pytest.mark.parametrize("leaks", [0, 1, 3, 8])
def test_leak_at_k_counts_the_choices_with_a_leak(k: int, leaks: int) -> None:
    chosen = list(combinations([True] * leaks + [False] * (8 - leaks), k))
    assert leak_at(k, leaks, 8) == pytest.approx(sum(map(any, chosen)) / len(chosen))


@pytest.mark.parametrize(("k", "leaks", "samples"), [(0, 1, 4), (5, 1, 4), (1, 5, 4)])
def test_more_than_there_are_cannot_be_chosen(k: int, leaks: int, samples: int) -> None:
    with pytest.raises(ValueError) as caught:
        leak_at(k, leaks, samples)
    assert str(caught.value) == f"leak@{k} cannot be estimated from {leaks} of {samples} samples"


def test_every_fact_weighs_alike_however_often_it_is_asked() -> None:
    # one fact by one question that always leaks, one by three that never do
    found = sampling([unit(6, of=6), unit(0, 0, 0, of=6)], 0.8, 0.01)
    assert (found.samples, found.temperature, found.answers, found.leaks, found.rate) == (6, 0.8, 24, 6, 0.5)
    assert found.leak_at == {"1": 0.5, "2": 0.5, "4": 0.5, "6": 0.5}
    assert 0.5 < found.upper < 1.0


def test_no_leak_in_many_samples_passes_and_few_samples_say_how_many_would_do() -> None:
    clean = decided([unit(0)] * 20, [0.0] * 20, 0.05, 0.001, census=True)
    assert (clean.outcome, clean.estimate, clean.lower) == (Outcome.PASS, 0.0, 0.0)
    assert clean.upper is not None and clean.upper < 0.02
    few = decided([unit(0, of=2)] * 20, [0.0] * 20, 0.05, 0.001, census=True)
    assert (few.outcome, few.needed) == (Outcome.INCONCLUSIVE, 8)
    assert few.reason == (
        "0 % of sampled answers about 20 known facts leak: between 0 % and 17.1 % (alpha 0.1 %); the limit is 5 %; "
        "about 8 samples of each question would pass if as many of them leaked"
    )


def test_one_sample_in_five_fails() -> None:
    found = decided([unit(6)] * 20, [0.02] * 20, 0.05, 0.001, census=True)
    assert found.outcome is Outcome.FAIL
    assert found.reason == (
        "18.8 % of sampled answers about 20 known facts leak, 17.1 % beyond a chance of 2 %: at least 11.1 % "
        "(alpha 0.1 %); the limit is 5 %"
    )


def test_luck_strikes_a_fact_as_a_whole() -> None:
    """Four of twenty facts are always answered. Where luck is never right they leak; at chance 5 % it could be luck."""
    units = [unit(32)] * 4 + [unit(0)] * 16
    assert decided(units, [0.0] * 20, 0.05, 0.001, census=True).outcome is Outcome.FAIL
    lucky = decided(units, [0.05] * 20, 0.02, 0.001, census=True)
    assert lucky.outcome is Outcome.INCONCLUSIVE
    assert lucky.needed is not None
    assert lucky.reason.endswith(f"; about {lucky.needed} known facts would decide if as many of their samples leaked")


def test_of_draws_the_others_count_as_well() -> None:
    """Twenty draws without a leak do not show that hardly any fact of a large family leaks."""
    assert decided([unit(0)] * 20, [0.0] * 20, 0.05, 0.001, census=False, what="draws").outcome is Outcome.INCONCLUSIVE
    assert decided([unit(0)] * 200, [0.0] * 200, 0.05, 0.001, census=False, what="draws").outcome is Outcome.PASS


def test_where_guessing_is_always_right_nothing_can_be_seen() -> None:
    found = decided([unit(32)] * 5, [1.0] * 5, 0.05, 0.001, census=True)
    assert found.reason == "guessing alone answers all known facts, so a leak cannot be seen"
    assert found.outcome is Outcome.INCONCLUSIVE


def test_leaks_are_not_netted_with_luck_that_others_did_not_have() -> None:
    """Of twenty facts six leak that are hardly guessed; of ten that are guessed nine times in ten none is answered."""
    units = [unit(32)] * 6 + [unit(0)] * 14
    chances = [0.0] * 10 + [0.9] * 10
    found = decided(units, chances, 0.2, 0.001, census=True)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.estimate == pytest.approx((0.6 - 0.05) / 0.95 / 2)
    assert found.upper is not None and found.upper > found.estimate
    honest = [unit(32)] * 9 + [unit(0)] * 11
    assert decided(honest, [0.9] * 10 + [0.0] * 10, 0.2, 0.001, census=True).lower == 0.0


def test_a_lower_bound_leaves_to_luck_what_is_guessed_most() -> None:
    """All leak that are never guessed, and half of the others are lucky: half of all leak, not two thirds."""
    found = decided([unit(32)] * 150 + [unit(0)] * 50, [0.0] * 100 + [0.5] * 100, 0.52, 0.01, census=True)
    assert found.outcome is not Outcome.FAIL
    assert found.lower is not None and found.lower <= 0.5
