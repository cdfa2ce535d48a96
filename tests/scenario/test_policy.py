"""The policy of a gate, from the scenario and the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Gate
from pytest_unlearn.scenario.policy import policy

SCENARIO = """\
version: 1
model: nowhere/model
knowledge:
  entities: {Ann: person, Rome: city}
  relations: {lives_in: {ask: "Where does {subject} live?"}}
  facts: [[Ann, lives_in, Rome]]
forget: Ann
checks: {direct: {ask: direct, limit: 5%}}
"""


def project(root: Path, text: str) -> Path:
    (root / "pyproject.toml").write_text(text, encoding="utf-8")
    return root


def test_the_scenario_says_more_than_the_project_and_both_more_than_nothing(tmp_path: Path) -> None:
    assert policy({"max_waived": 2}, tmp_path) == Gate(max_waived=2)
    project(tmp_path, '[tool.unlearn.gate]\nrequire = ["forget"]\nmax_waived = 5\non_vacuous = "warn"\n')
    assert policy({"max_waived": 2}, tmp_path) == Gate(("forget",), max_waived=2, on_vacuous="warn")
    project(tmp_path, "[tool.other]\nx = 1\n")
    assert policy({}, tmp_path) == Gate()


def test_the_policy_changes_no_question(tmp_path: Path) -> None:
    path = tmp_path / "w.unlearn.yaml"
    digests = set()
    for gate in ("{}", "{max_waived: 2}", "{require: forget}"):
        path.write_text(f"{SCENARIO}gate: {gate}\n", encoding="utf-8")
        digests.add(load_scenario(path, tmp_path).digest)
    path.write_text(f"{SCENARIO}seeds: {{probe: 1}}\n", encoding="utf-8")
    assert len(digests) == 1 and load_scenario(path, tmp_path).digest not in digests


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "[tool.unlearn.gate]\nrequire = ['forget']\nmax_waved = 1\n",
            ":3:1: unknown key 'max_waved' - did you mean 'max_waived'?",
        ),
        ("[x]\nmax_waived = 1\n[tool.unlearn.gate]\nmax_waived = -1\n", ":4:1: must be at least 0"),
        ("[tool.unlearn]\ngate = 3\n", ":1:1: `[tool.unlearn.gate]` is 3: write a table"),
        ("[tool", ":1:1: the file cannot be read: "),
        (f"a = {'[' * 5000}", ":1:1: the file cannot be read: "),
    ],
)
def test_a_mistake_of_the_project_is_placed(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        policy({}, project(tmp_path, text))
    (problem,) = caught.value.problems
    assert str(problem).startswith(f"{tmp_path / 'pyproject.toml'}{complaint}")
