"""From a scenario to its cases: every check, once for each forget request."""

from __future__ import annotations

from pytest_unlearn.scenario.model import Case, Scenario


def cases(scenario: Scenario) -> tuple[Case, ...]:
    """In the order of the file, targets outside and checks inside."""
    return tuple(Case(scenario, target, check) for target in scenario.targets for check in scenario.checks)
