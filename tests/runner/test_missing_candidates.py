"""A candidate that is not given, or is not there: told where it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import UnlearnError
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
    """Why the subjects of a scenario cannot be made; `model` and `other` have the files of a model with one weight."""
    header = b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}'
    for name, weight in (("model", b"\0"), ("other", b"\1")):
        (folder / name).mkdir()
        for file in ("config.json", "tokenizer.json"):
            (folder / name / file).write_text("{}", encoding="utf-8")
        content = len(header).to_bytes(8, "little") + header + weight
        (folder / name / "model.safetensors").write_bytes(content)
    path = folder / "a.unlearn.yaml"
    path.write_text(SCENARIO.format(candidate=candidate), encoding="utf-8")
    session = Session(Settings(root=folder, folder=folder / ".unlearn"))
    case = cases(load_scenario(path, folder))[0]
    with pytest.raises(UnlearnError) as caught:
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


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("  candidate: {method: retrain}\n", "4:14: `method: retrain`"),
        ("  candidate: ./other\n  reference: retrained\n", "5:14: `reference: retrained`"),
    ],
)
def test_a_model_in_a_folder_cannot_be_trained_anew(tmp_path: Path, keys: str, what: str) -> None:
    assert complaint(tmp_path, keys) == (
        f"{tmp_path}/a.unlearn.yaml:{what} needs an original that a recipe trains from scratch, `original: "
        "fixture:NAME`"
    )


def test_a_method_without_what_it_needs_is_told_where_it_is_named(tmp_path: Path) -> None:
    """Ann is forgotten, and nothing else is known."""
    assert complaint(tmp_path, "  candidate: {method: npo}\n") == (
        f"{tmp_path}/a.unlearn.yaml:4:14: method 'npo' needs a retain set, and this scenario's is empty: half of what "
        "must stay is trained on, the rest asked; name more facts"
    )


def test_a_plug_in_without_what_it_needs_is_told_too(tmp_path: Path) -> None:
    assert complaint(tmp_path, "  candidate: {method: grad_ascent, wrap: blur_bilevel}\n") == (
        f"{tmp_path}/a.unlearn.yaml:4:14: plug-in 'blur_bilevel' needs a retain set, and this scenario's is empty: "
        "half of what must stay is trained on, the rest asked; name more facts"
    )


def test_a_scenario_alone_cannot_allow_code_that_comes_with_a_model(tmp_path: Path) -> None:
    assert complaint(tmp_path, "  candidate: ./model\n  trust_remote_code: true\n") == (
        f"{tmp_path}/a.unlearn.yaml:2:1: the scenario trusts code that comes with the model; say so on the command "
        "line as well, with --unlearn-trust-remote-code"
    )


def test_the_original_itself_is_no_candidate(tmp_path: Path) -> None:
    assert complaint(tmp_path, "  candidate: ./model\n") == (
        f"{tmp_path}/a.unlearn.yaml:4:14: the candidate ./model has the same weights as the original: nothing was "
        "unlearned, or the wrong folder was given"
    )
