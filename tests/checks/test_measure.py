"""A measured number is held against where it has to lie, and none at all is an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from pytest_unlearn.checks.judge import judge
from pytest_unlearn.metrics.measure import Measured, Sight, UnmeasurableError
from pytest_unlearn.registry import METRICS, Entry
from pytest_unlearn.scenario.model import AtLeast, Between, Limit
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict.verdict import Outcome, Verdict

Make = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedConfig:
    """`value`: what is measured, within 0.1 on each side; nothing is where it is negative."""

    value: float = 0.5


def fixed(config: FixedConfig, sight: Sight) -> Asking[Measured]:
    yield from ()
    if config.value < 0:
        raise UnmeasurableError("there is nothing to measure")
    return Measured(config.value, config.value - 0.1, config.value + 0.1, 7, "bootstrap", 0.25)


@pytest.fixture
def judged(world: Make, answering: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Verdict]:
    """`judged(Limit(0.7), 0.5)`: the verdict about a measured value."""
    monkeypatch.setitem(METRICS._entries, "fixed", Entry("fixed", fixed, FixedConfig, {}))
    context = world("{ask: direct, limit: 5%}").context

    def made(decide: Limit | AtLeast | Between, value: float = 0.5) -> Verdict:
        check = replace(
            context.case.check, verb="measure", kind="fixed", config=FixedConfig(value=value), decide=decide
        )
        case = replace(context.case, check=check)
        found: Verdict = answering(leaks=lambda probe: False).run(judge(replace(context, case=case)), [])
        return found

    return made


@pytest.mark.parametrize(
    ("decide", "outcome"),
    [
        (Limit(0.7), Outcome.PASS),
        (Limit(0.55), Outcome.INCONCLUSIVE),  # the interval is 0.4 to 0.6
        (Limit(0.3), Outcome.FAIL),
        (AtLeast(0.3), Outcome.PASS),
        (AtLeast(0.55), Outcome.INCONCLUSIVE),
        (AtLeast(0.7), Outcome.FAIL),
        (Between(0.3, 0.7), Outcome.PASS),
        (Between(0.45, 0.7), Outcome.INCONCLUSIVE),
        (Between(0.7, 0.9), Outcome.FAIL),
    ],
)
def test_a_number_is_judged_by_its_whole_interval(
    judged: Callable[..., Verdict], decide: Limit | AtLeast | Between, outcome: Outcome
) -> None:
    verdict = judged(decide)
    assert verdict.outcome == outcome
    (tally,) = verdict.tallies
    assert (tally.estimate, tally.lower, tally.upper, tally.n, tally.reference) == (0.5, 0.4, 0.6, 7, 0.25)


def test_what_cannot_be_measured_is_an_error_with_its_reason(judged: Callable[..., Verdict]) -> None:
    verdict = judged(Limit(0.7), -1.0)
    assert (verdict.outcome, verdict.reason) == (Outcome.ERROR, "there is nothing to measure")
