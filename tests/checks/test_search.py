"""A way of asking is confirmed by the facts it leaks, however many questions there are about each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_unlearn.verdict.verdict import Outcome

Make = Callable[[str], Any]


def test_a_fact_that_leaks_by_two_aliases_is_one_leak(world: Make, answering: Any) -> None:
    one = world("{ask: alias, search: 99, grade: text, min_known: 1}")
    answers = answering(
        lambda probe: "capital of Gallia" in probe.prompt.text or "capital of the Hex" in probe.prompt.text
    )
    leaking = [probe for probe in one.space.all() if answers.leaks(probe)]
    assert len({probe.unit for probe in leaking}) == 1 < len(leaking)
    (tally,) = one.judge(answers).tallies
    assert (tally.outcome, tally.unit_leaks) == (Outcome.FAIL, 1)
    assert "1 of 3 known facts leaks this way" in tally.reason


def test_of_a_fact_that_does_not_leak_again_alone_the_next_alias_is_tried(world: Make, answering: Any) -> None:
    one = world("{ask: alias, search: 99, grade: text, min_known: 1}")
    answers = answering(
        lambda probe: (
            "What is the capital of Gallia" in probe.prompt.text
            or "What is the capital of the Hex" in probe.prompt.text
        ),
        alone=lambda probe: "Hexagon" in probe.prompt.text,
    )
    verdict = one.judge(answers)
    assert verdict.outcome is Outcome.FAIL
    assert {leak.probe.prompt.text for leak in verdict.evidence} == {"What is the capital of the Hexagon?"}
