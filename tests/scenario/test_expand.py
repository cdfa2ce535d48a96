from __future__ import annotations

from collections.abc import Callable

from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.model import Scenario

Load = Callable[[str], Scenario]
Around = Callable[..., str]


def test_targets_come_outside_and_checks_inside_in_file_order(load: Load, around: Around) -> None:
    scenario = load(
        around(
            name="name: two",
            forget="forget: {z: Spain, a: France}",
            checks="checks: {two: {ask: toy_walk, search: 9}, one: {keep: toy_near, margin: 5%}}",
        )
    )
    found = cases(scenario)
    assert [case.id for case in found] == ["two/z/two", "two/z/one", "two/a/two", "two/a/one"]
    assert all(case.target in scenario.targets and case.check in scenario.checks for case in found)
    assert found[0].target is scenario.targets[0]
