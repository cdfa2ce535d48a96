"""A candidate that is not given, or is not there: told where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario

SCENARIO = """\
version: 1
model:
  original: ./model
{candidate}knowledge:
  entities: {{Ann: person, Rome: city}}
  relations: {{lives_in: {{ask: "Where does {{subject}} live?"}}}}
  facts: [[Ann, lives_in, Rome]]
forget: Ann
checks:
  direct: {{ask: direct, limit: 5%}}
"""


def complaint(folder: Path, candidate: str) -> str:
    """Why the subjects of a scenario cannot be made; its original is a folder with the files of a model."""
    (folder / "model").mkdir()
    for name in ("config.json", "tokenizer.json"):
        (folder / "model" / name).write_text("{}", encoding="utf-8")
    (folder / "model" / "model.safetensors").touch()
    path = folder / "a.unlearn.yaml"
    path.write_text(SCENARIO.format(candidate=candidate), encoding="utf-8")
    session = Session(Settings(root=folder, folder=folder / ".unlearn"))
    case = cases(load_scenario(path, folder))[0]
    with pytest.raises(SubjectError) as caught:
        session.subjects(session.scene(case), case.candidate)
    return str(caught.value)


def test_a_candidate_that_is_not_there_is_told_where_it_is_named(tmp_path: Path) -> None:
    assert complaint(tmp_path, "  candidate: ./modle\n") == (
        f"{tmp_path}/a.unlearn.yaml:4:14: no model is called './modle' - did you mean './model'? A model is a bundled "
        f"name (smollm2-135m-instruct), a folder relative to {tmp_path} or to the working directory, or a hub id like "
        "org/name@revision"
    )


def test_a_request_without_a_candidate_is_told_at_the_models_of_its_scenario(tmp_path: Path) -> None:
    assert complaint(tmp_path, "") == (
        f"{tmp_path}/a.unlearn.yaml:2:1: no candidate for 'ann': name one under `model: candidate`, or give a "
        "checkpoint with --unlearn-candidate ann=PATH"
    )
