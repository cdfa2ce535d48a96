"""`wrap` in a candidate: plug-ins with their options, in order, or a mistake with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.methods.wraps.geometric_disentanglement import GeometricDisentanglementConfig
from pytest_unlearn.methods.wraps.task_arithmetic import TaskArithmeticConfig
from pytest_unlearn.methods.wraps.weight_averaging import WeightAveragingConfig
from pytest_unlearn.registry import Use
from pytest_unlearn.scenario.model import MethodUse, Scenario

Load = Callable[[str], Scenario]
Around = Callable[..., str]
Complaints = Callable[[str], list[str]]


def _wrapped(load: Load, around: Around, wrap: str) -> Any:
    scenario = load(around(model=f"model: {{original: a, candidate: {{method: toy_step, wrap: {wrap}}}}}"))
    (candidate,) = scenario.models.candidates
    assert isinstance(candidate.made, MethodUse)
    return candidate.made.config.wrap


def test_plug_ins_are_read_in_the_order_written_with_their_options(load: Load, around: Around) -> None:
    assert _wrapped(load, around, "[weight_averaging, {task_arithmetic: {factor: 50%}}]") == (
        Use("weight_averaging", WeightAveragingConfig()),
        Use("task_arithmetic", TaskArithmeticConfig(factor=0.5)),
    )


@pytest.mark.parametrize(
    "wrap",
    [
        "{geometric_disentanglement: {rank: 4}}",
        "[{geometric_disentanglement: {rank: 4}}]",
        "{geometric_disentanglement: 4}",  # the first of its options
    ],
)
def test_one_plug_in_can_stand_alone(load: Load, around: Around, wrap: str) -> None:
    assert _wrapped(load, around, wrap) == (Use("geometric_disentanglement", GeometricDisentanglementConfig(rank=4)),)


@pytest.mark.parametrize(
    ("wrap", "at", "told"),
    [
        ("[task_arithmetc]", "task_arithmetc", "unknown plug-in 'task_arithmetc' - did you mean 'task_arithmetic'?"),
        ("{task_arithmetc: {factor: 1}}", "task_ar", "unknown plug-in 'task_arithmetc' - did you mean 'task_arithm"),
        ("{task_arithmetic: {factr: 1}}", "factr", "unknown key 'factr' - did you mean 'factor'?"),
        ("{task_arithmetic: {factor: 11}}", "11", "must be at most 10"),
        ("{task_arithmetic: {factor: -11}}", "-11", "must be at least -10"),
        ("{geometric_disentanglement: {rank: 0}}", "0}", "must be at least 1"),
        ("{geometric_disentanglement: {metric: adm}}", "adm", "expected 'adam' or 'euclidean', got 'adm' - did you me"),
        ("{weight_averaging: {last: 0}}", "0}", "must be above 0"),
        ("{weight_averaging: {last: 5}}", "5}", "must be at most 1: 5 percent is 5% or 0.05"),
        ("[blur_bilevel, {blur_bilevel: {gamma: 0}}]", "0}", "must be above 0"),
        ("[]", "[]", "must not be empty"),
        ("3", "3", "expected the name of a plug-in, got 3"),
    ],
)
def test_a_mistake_has_its_place(complaints: Complaints, around: Around, wrap: str, at: str, told: str) -> None:
    text = around(model=f"model: {{original: a, candidate: {{method: toy_step, wrap: {wrap}}}}}")
    line = text.splitlines()[1]
    first = complaints(text)[0 if "[blur_bilevel, {" not in wrap else 1]
    place, _, message = first.partition(" ")
    assert told in message
    assert place == f"2:{line.index(at, line.index('wrap: ') + 6) + 1}"


def test_a_plug_in_stands_once(complaints: Complaints, around: Around) -> None:
    (line,) = complaints(
        around(model="model: {original: a, candidate: {method: toy_step, wrap: [blur_bilevel, blur_bilevel]}}")
    )
    assert line.endswith("the plug-in 'blur_bilevel' is given twice")


def test_a_method_that_does_not_train_takes_no_plug_in(complaints: Complaints, around: Around) -> None:
    (line,) = complaints(around(model="model: {original: a, candidate: {method: none, wrap: [blur_bilevel]}}"))
    assert line.endswith("unknown key 'wrap'")


def test_wraps_have_a_folder_of_their_own() -> None:
    import pytest_unlearn.methods.wraps as package

    names = {path.stem for path in Path(package.__path__[0]).glob("*.py")} - {"__init__"}
    from pytest_unlearn.registry import METHODS, PLUG_INS

    assert set(PLUG_INS.names()) == names
    assert names.isdisjoint(METHODS.names())
