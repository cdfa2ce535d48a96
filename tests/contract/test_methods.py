"""The bundled methods keep the contract that comes with the package, and more."""

from __future__ import annotations

import sys

import pytest

from pytest_unlearn.contract.methods import *  # noqa: F403 - the tests that are run for every method, and their fixtures
from pytest_unlearn.contract.tiny import FORGET, knowing, made, scores
from pytest_unlearn.registry import METHODS
from pytest_unlearn.training.data import LoopConfig, Need

NAMES = METHODS.names()
FORGETS = [
    name
    for name in NAMES
    if issubclass(METHODS.get(name).config, LoopConfig) and Need.FORGET in METHODS.get(name).facts["needs"]
]


@pytest.mark.parametrize("bundled", NAMES)
def test_it_registers_the_name_of_its_file(bundled):
    assert METHODS.get(bundled).make.__module__ == f"pytest_unlearn.methods.{bundled}"


@pytest.mark.parametrize("bundled", NAMES)
def test_its_docstring_gives_paper_needs_formula_failure_and_example(bundled):
    doc = sys.modules[METHODS.get(bundled).make.__module__].__doc__ or ""
    for part in ("\nPaper: ", "\nNeeds: ", "\nWhen it fails: ", "\nWorked example"):
        assert part in doc
    formulas = [line for line in doc.split("\n") if line.startswith("    ") and " = " in line]
    assert formulas, "no indented line with an equation"
    assert "three" in doc.partition("\nWorked example")[2]


@pytest.mark.parametrize("bundled", FORGETS)
def test_twelve_steps_on_the_forget_set_take_five_nats(bundled):
    after = made(bundled, knowing(), steps=12, lr=1e-3)
    told = [sum(logp for (logp,) in scores(one)[: len(FORGET)]) for one in (knowing(), after)]
    assert told[1] < told[0] - 5
