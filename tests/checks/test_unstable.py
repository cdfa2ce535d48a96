"""What a batch could tip is asked again alone; that counts, and is said where it differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_unlearn.checks.controls import near
from pytest_unlearn.checks.judge import judge
from pytest_unlearn.graders.grade import Grade
from pytest_unlearn.metrics.measure import Measured, Sight
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import METRICS, Entry
from pytest_unlearn.scenario.model import Limit
from pytest_unlearn.subjects.answers import Failed, Output, Outputs, Scores
from pytest_unlearn.subjects.ask import Ask, Asking
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.verdict.verdict import Outcome

Make = Callable[[str], Any]
FRANCE = "What is the capital of France?"
NOTE = "1 answer is numerically unstable: read otherwise in a batch than alone"


def about_france(probe: Probe) -> bool:
    return probe.prompt.text == FRANCE


@pytest.mark.parametrize("check", ["{ask: direct, limit: 20%, min_known: 1}", "{ask: direct, search: 9, min_known: 1}"])
def test_a_leak_that_only_a_batch_shows_is_none_and_is_said(world: Make, answering: Any, check: str) -> None:
    made = world(check)
    tipped = answering(leaks=about_france, alone=lambda probe: False, shaky=frozenset({FRANCE}))
    verdict = made.judge(tipped)
    (tally,) = verdict.tallies
    assert (verdict.outcome, tally.leaks, tally.unstable) == (Outcome.PASS, 0, 1)
    assert verdict.reason.endswith(NOTE)
    again = [len(ask.requests) for ask in tipped.asked if ask.alone and ask.subject == "candidate"]
    assert again == [1]  # nothing else is asked again


def test_a_leak_that_a_batch_hides_is_found(world: Make, answering: Any) -> None:
    hidden = answering(leaks=lambda probe: False, alone=about_france, shaky=frozenset({FRANCE}))
    verdict = world("{ask: direct, limit: 20%, min_known: 1}").judge(hidden)
    assert (verdict.outcome, verdict.tallies[0].leaks, verdict.tallies[0].unstable) == (Outcome.FAIL, 1, 1)


def test_what_is_the_same_alone_is_not_told(world: Make, answering: Any) -> None:
    answers = answering(leaks=lambda probe: False, shaky=frozenset({FRANCE}))
    steady = world("{ask: direct, limit: 20%, min_known: 1}").judge(answers)
    assert (steady.tallies[0].known, steady.tallies[0].unstable) == (3, 0)
    assert "unstable" not in steady.reason


def test_what_is_asked_in_several_rounds_is_unstable_once(world: Make, answering: Any) -> None:
    """France leaks in the batch only; Spain leaks and is confirmed, where France is asked again in the same way."""
    leaks = answering(
        leaks=lambda p: p.named[0] != "Peru", alone=lambda p: p.named[0] == "Spain", shaky=frozenset({FRANCE})
    )
    verdict = world("{ask: direct, search: 9, min_known: 1}").judge(leaks)
    assert (verdict.outcome, verdict.tallies[0].unstable) == (Outcome.FAIL, 1)


def test_an_answer_far_from_another_one_is_not_asked_again(world: Make, answering: Any) -> None:
    sure = answering(leaks=about_france, alone=lambda probe: False)
    verdict = world("{ask: direct, limit: 20%, min_known: 1}").judge(sure)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.tallies[0].unstable == 0


@pytest.mark.parametrize(
    ("grade", "answer", "expected"),
    [
        (Grade(1.0, True, "x", gap=0.01), Scores((), (), noise=0.02), True),
        (Grade(1.0, True, "x", gap=0.02), Scores((), (), noise=0.02), False),
        (Grade(1.0, True, "x", gap=0.0), Scores((), ()), False),  # exact already
        (Grade(1.0, True, "x"), Outputs((Output("x"),), near_tie=0.01, noise=0.02), True),
        (Grade(1.0, True, "x"), Outputs((Output("x"),), near_tie=0.03, noise=0.02), False),
        (Grade(0.0, False, ""), Failed("empty", "nothing"), False),
    ],
)
def test_near_is_what_is_closer_than_the_noise(grade: Grade, answer: Any, expected: bool) -> None:
    assert near(grade, answer) is expected


@pytest.mark.parametrize(
    ("limit", "outcome", "unstable"),
    [(1.1005, Outcome.FAIL, 1), (1.3, Outcome.PASS, 0)],  # alone it is 1.101, in a batch 1.1
)
def test_a_number_near_its_limit_is_measured_again_alone(
    world: Make, monkeypatch: pytest.MonkeyPatch, limit: float, outcome: Outcome, unstable: int
) -> None:
    def ratio(config: Any, sight: Sight) -> Asking[Measured]:
        (answer,) = yield Ask("candidate", (Score(Prompt.of("a", raw=True), ("b",)),))
        assert isinstance(answer, Scores)
        return Measured(answer.logp[0], answer.logp[0], answer.logp[0], 1, "bootstrap")

    monkeypatch.setitem(METRICS._entries, "ratio", Entry("ratio", ratio, object, {}))
    context = world("{ask: direct, limit: 5%}").context
    check = replace(context.case.check, verb="measure", kind="ratio", config=None, decide=Limit(limit))
    asking = judge(replace(context, case=replace(context.case, check=check)))
    asked = []
    try:
        ask = next(asking)
        while True:
            asked.append(ask.alone)
            ask = asking.send([Scores((1.101 if ask.alone else 1.1,), (1,), noise=0.0 if ask.alone else 0.001)])
    except StopIteration as stop:
        verdict = stop.value
    assert (verdict.outcome, verdict.tallies[0].unstable) == (outcome, unstable)
    assert asked == ([False, True] if unstable else [False])
    assert ("numerically unstable: pass when asked in batches, 1.1" in verdict.reason) == bool(unstable)
