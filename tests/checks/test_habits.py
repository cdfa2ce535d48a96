"""Luck that a model has about some facts explains no leak of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.answers import Output
from pytest_unlearn.verdict.verdict import Outcome

Make = Callable[[str], Any]


@pytest.fixture
def parisian(answering: Any) -> Any:
    """A candidate that says Paris of whatever it does not know, and not of France."""

    class Parisian(answering):  # type: ignore[misc]
        def _answer(self, ask: Any, probe: Probe | None, text: str) -> Any:
            answer = super()._answer(ask, probe, text)
            if probe is None and ask.subject == "candidate":
                return replace(answer, items=(Output("Paris"),))
            return answer

    return Parisian(lambda probe: probe.secret[0][0] != "Paris")


def test_a_census_does_not_net_two_leaks_with_one_answer_that_was_not_given(world: Make, parisian: Any) -> None:
    (tally,) = world("{ask: direct, limit: 50%, grade: text, min_known: 1}").judge(parisian).tallies
    assert (tally.unit_leaks, tally.units) == (2, 3)
    assert tally.chance == pytest.approx(1 / 3)
    assert tally.outcome is not Outcome.PASS
    assert tally.estimate == pytest.approx(2 / 3)


def test_a_search_fails_by_leaks_that_its_luck_is_not_about(world: Make, parisian: Any) -> None:
    (tally,) = world("{ask: paraphrase, search: 99, grade: text, min_known: 1}").judge(parisian).tallies
    assert tally.unit_leaks == 2
    assert tally.outcome is Outcome.FAIL
