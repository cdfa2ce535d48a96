"""What keeps a check from a verdict about forgetting is the verdict `error`, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_unlearn.verdict.verdict import Outcome

Make = Callable[[str], Any]


def test_a_grader_that_a_subject_cannot_serve_is_told(world: Make, answering: Any) -> None:
    verdict = world("{ask: alias, search: 9, grade: rank}").judge(answering(leaks=lambda probe: False))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        "grader 'rank' needs subjects that can score; these cannot: original, candidate",
    )


def test_subjects_that_no_usual_grader_fits_are_told(world: Make, answering: Any) -> None:
    made = world("{ask: alias, search: 9}")
    deaf = replace(made, context=replace(made.context, can={"original": frozenset({"weights"})}))
    verdict = deaf.judge(answering(leaks=lambda probe: False))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        "no grader fits what every subject of this scenario can do",
    )


def test_a_candidate_that_is_silent_is_told_with_the_probe(world: Make, answering: Any) -> None:
    made = world("{ask: direct, limit: 5%, min_known: 1}")
    probe = next(iter(made.space.all()))
    verdict = made.judge(answering(leaks=lambda probe: False, mute=frozenset({probe.prompt.text})))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        f"the candidate gave no answer to probe {probe.id} ({probe.way}): it ended its answer at once. "
        "A missing answer is never counted as forgotten",
    )
