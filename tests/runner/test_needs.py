"""What a method needs and a scenario does not have, and what its candidate is made from."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_unlearn.cli.app import app
from pytest_unlearn.runner.needs import needed, unmet
from pytest_unlearn.runner.scene import scene
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import MethodUse, Scenario
from pytest_unlearn.training.data import Data
from pytest_unlearn.training.refusals import refusals

SCENARIO = """\
version: 1
model:
  original: ./model
  candidates:
{candidates}
knowledge:
  entities:
    {{Ann: person, Bob: person, Cy: person, Di: person, Ed: person, Rome: city, Oslo: city, Bern: city, Paris: city}}
  relations: {{lives_in: {{ask: "Where does {{subject}} live?", answer: "in {{object}}"}}}}
  facts: {{lives_in: {{Ann: Rome, Bob: Oslo, Cy: Bern, Di: Oslo, Ed: Bern}}}}
forget: {forget}
checks:
  direct: {{ask: direct, limit: 5%}}
"""
NO_WRONG = (
    ": name more things of the types of the forgotten answers, or give the field `alternates` in the file of "
    "questions; documents have none"
)


def written(folder: Path, *candidates: str, forget: str = "Ann") -> Scenario:
    lines = "\n".join(f"    {'abcd'[i]}: {text}" for i, text in enumerate(candidates))
    path = folder / "a.unlearn.yaml"
    path.write_text(SCENARIO.format(candidates=lines, forget=forget), encoding="utf-8")
    return load_scenario(path, folder)


def data_of(scenario: Scenario, folder: Path) -> Data:
    return scene(scenario, scenario.targets[0], folder).data()


def lacks(scenario: Scenario, folder: Path) -> list[str]:
    return [f"{one.mark.line}:{one.mark.column} {one.message}" for one in unmet(scenario, folder)]


def test_refusals_come_with_the_package_and_wrong_answers_from_the_knowledge(tmp_path: Path) -> None:
    data = data_of(written(tmp_path, "{method: altpo}"), tmp_path)
    assert data.refusals == refusals()
    (ann,) = data.forget
    assert {one.prompt for one in data.alternates} == {ann.prompt}
    assert {one.answer for one in data.alternates} == {"in Oslo", "in Bern", "in Paris"}
    assert {one.unit for one in data.alternates} == {ann.unit}
    assert {one.entities for one in data.alternates} == {("Ann", "Oslo"), ("Ann", "Bern"), ("Ann", "Paris")}


def test_no_wrong_answer_is_the_true_answer_to_another_forgotten_question(tmp_path: Path) -> None:
    data = data_of(written(tmp_path, "{method: altpo}", forget="[Ann, Bob]"), tmp_path)
    assert {one.answer for one in data.alternates} == {"in Bern", "in Paris"}
    assert len(data.alternates) == 4


def test_at_most_five_wrong_answers_are_taken_the_same_each_time(tmp_path: Path) -> None:
    def drawn(forget: str) -> list[str]:
        path = tmp_path / "c.unlearn.yaml"
        path.write_text(
            "version: 1\nmodel: x\nknowledge: {source: countries}\n"
            f"forget: {forget}\nchecks: {{direct: {{ask: direct, limit: 5%}}}}\n"
        )
        data = data_of(load_scenario(path, tmp_path), tmp_path)
        question = next(one.prompt for one in data.forget if "capital" in one.prompt.text)
        return [one.answer for one in data.alternates if one.prompt == question]

    assert len(drawn("France")) == 5
    assert drawn("France") == drawn("France")
    assert drawn("France") != drawn("Japan")


def test_the_alternates_of_a_file_stand_beside_its_questions(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(
        '{"question": "Who sings?", "answer": "Di", "alternates": ["Ed", "Cy"]}\n', encoding="utf-8"
    )
    scenario = written(tmp_path, "{method: altpo}", forget="{questions: q.jsonl}")
    data = data_of(scenario, tmp_path)
    assert [(one.prompt.text, one.answer, one.unit) for one in data.alternates] == [
        ("Who sings?", "Ed", data.forget[0].unit), ("Who sings?", "Cy", data.forget[0].unit),
    ]  # fmt: skip
    assert lacks(scenario, tmp_path) == []


def test_what_is_missing_is_told_at_each_candidate_that_needs_it(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(
        '{"question": "Who sings?", "answer": "Di", "alternates": ["Ed"]}\n'
        '{"question": "Who swims?", "answer": "Di"}\n',
        encoding="utf-8",
    )
    forget = "{questions: q.jsonl}"
    scenario = written(tmp_path, "{method: dpo}", "{method: altpo, steps: 1}", "{method: npo}", forget=forget)
    assert lacks(scenario, tmp_path) == [
        "6:8 method 'altpo' needs a wrong answer to each question that is forgotten, and 1 of 2 have none" + NO_WRONG
    ]
    (tmp_path / "d.txt").write_text("Once upon a time.", encoding="utf-8")
    scenario = written(tmp_path, "{method: altpo}", forget="{documents: d.txt}")
    assert lacks(scenario, tmp_path) == [
        "5:8 method 'altpo' needs an alternates set, and this scenario's is empty" + NO_WRONG
    ]


@pytest.mark.parametrize("method", ["npo", "undial, retain_weight: 1", "scope_aware"])
def test_a_retain_set_is_needed_where_there_is_a_retain_term(tmp_path: Path, method: str) -> None:
    scenario = written(tmp_path, f"{{method: {method}}}", "{method: undial}", "{method: flat}", "{method: retrain}",
                       forget="{relation: lives_in}")  # fmt: skip
    name = method.split(",")[0]
    assert lacks(scenario, tmp_path) == [
        f"5:8 method '{name}' needs a retain set, and this scenario's is empty: half of what must stay is trained on, "
        "the rest asked; name more facts"
    ]


def test_validate_tells_it_without_a_model(tmp_path: Path) -> None:
    written(tmp_path, "{method: npo}", forget="{relation: lives_in}")
    told = CliRunner().invoke(app, ["validate", str(tmp_path / "a.unlearn.yaml")])
    assert told.exit_code == 2
    assert "a.unlearn.yaml:5:8" in told.stderr
    assert "method 'npo' needs a retain set, and this scenario's is empty" in told.stderr


def test_a_candidate_depends_on_no_set_that_its_method_does_not_ask_for(tmp_path: Path) -> None:
    scenario = written(tmp_path, "{method: npo}", "{method: dpo}", "{method: altpo}")
    data, found = data_of(scenario, tmp_path), {}
    for candidate in scenario.models.candidates:
        assert isinstance(candidate.made, MethodUse)
        part = needed(candidate.made, data)
        assert (part.forget, part.retain, part.holdout) == (data.forget, data.retain, data.holdout)
        found[candidate.made.name] = (bool(part.refusals), bool(part.alternates))
    assert found == {"npo": (False, False), "dpo": (True, False), "altpo": (False, True)}
