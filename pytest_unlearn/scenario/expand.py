"""From a scenario to its cases: every check, once for each forget request and candidate."""

from __future__ import annotations

from collections.abc import Container

from pytest_unlearn.scenario.model import Candidate, Case, Scenario, Target


def cases(scenario: Scenario, given: Container[str] = ()) -> tuple[Case, ...]:
    """In the order of the file: targets outside, then checks, candidates inside.

    `given` holds the labels of forget requests, or "" for all, for which the command line gives the one candidate.
    """
    return tuple(
        Case(scenario, target, check, candidate)
        for target in scenario.targets
        for check in scenario.checks
        for candidate in _candidates(scenario, target, given)
    )


def _candidates(scenario: Scenario, target: Target, given: Container[str]) -> tuple[Candidate, ...]:
    return (Candidate(),) if target.label in given or "" in given else scenario.models.candidates
