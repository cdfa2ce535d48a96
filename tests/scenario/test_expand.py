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


def test_candidates_come_inside_checks_and_are_asked_the_same(load: Load, around: Around) -> None:
    scenario = load(
        around(
            name="name: two",
            model="model: {original: a, candidates: {x: {method: toy_step, seeds: 2}, y: ./b}}",
            forget="forget: {z: Spain, a: France}",
        )
    )
    labels = ("x-1", "x-2", "y")
    found = cases(scenario)
    assert [case.id for case in found] == [f"two/{target}/walk[{label}]" for target in "za" for label in labels]
    assert [case.name for case in found[:3]] == [f"walk[{label}]" for label in labels]
    assert {case.asks for case in found[:3]} == {"two/z/walk"}


def test_a_candidate_from_the_command_line_is_the_only_one(load: Load, around: Around) -> None:
    model = "model: {original: a, candidate: {method: toy_step, seeds: 2}}"
    scenario = load(around(name="name: two", model=model, forget="forget: {z: Spain, a: France}"))
    several = ["two/z/walk[toy_step-1]", "two/z/walk[toy_step-2]"]
    assert [case.id for case in cases(scenario, {"a"})] == [*several, "two/a/walk"]
    assert [case.id for case in cases(scenario, {""})] == ["two/z/walk", "two/a/walk"]
