"""A planted leak as a candidate: its name is checked where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.runner.candidates import absent
from pytest_unlearn.scenario.load import load_scenario

TEXT = """\
version: 1
model: {{original: fixture:world, candidate: zoo:{name}}}
knowledge: {{entities: {{Ann: person}}}}
forget: Ann
checks: {{direct: {{ask: direct, limit: 5%}}}}
"""


def write(folder: Path, name: str) -> Path:
    path = folder / "x.unlearn.yaml"
    path.write_text(TEXT.format(name=name), encoding="utf-8")
    return path


def test_a_planted_leak_may_be_the_candidate(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, "alias_kept"), tmp_path)
    made = scenario.models.candidates[0].made
    assert getattr(made, "text", "") == "zoo:alias_kept"
    assert absent(scenario) == []


def test_one_that_does_not_exist_is_told_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(write(tmp_path, "alias_kep"), tmp_path)
    (problem,) = caught.value.problems
    assert "unknown zoo model 'alias_kep' - did you mean 'alias_kept'?" in str(problem)
    assert (problem.mark.line, problem.mark.column) == (2, 45)
