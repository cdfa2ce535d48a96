"""What a report must not say, read from knowledge, and what of a scenario with mistakes may be quoted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.knowledge.private import exposed, learn, secrets, told
from pytest_unlearn.redact import Redactor, using
from pytest_unlearn.scenario.load import load_scenario

TEXT = """\
version: 1
model: nowhere
knowledge:
  entities:
    Jane Roemer: {{type: client, aliases: [client 4711], private: true}}
    Ann Roemer: {{type: client, private: true}}
    Tom Fairweather: client
    New Ulm: city
    New York: city
    Bern: city
    Graz: city
  relations:
    lives_in: {{ask: ["Where does {{subject}} live?"], inverse: ["Which Fairweather client lives in {{object}}?"]}}
  facts: {{lives_in: {{Jane Roemer: New Ulm, Ann Roemer: Bern, Tom Fairweather: New York}}}}
forget: {forget}
checks:
  c: {{ask: direct, limit: 5%{more}}}
"""


def masked(folder: Path, text: str, forget: str = "Jane Roemer", more: str = "") -> str:
    path = folder / "w.unlearn.yaml"
    path.write_text(TEXT.format(forget=forget, more=more), encoding="utf-8")
    scenario = load_scenario(path, folder)
    knowledge = build(scenario.knowledge, folder)
    with using(Redactor(lambda: b"k" * 32)) as redactor:
        learn(scenario, knowledge, forgetting(knowledge, scenario.targets[0], scenario.retain))
        return re.sub(r"\[([a-z]+):[0-9a-f]{6}\]", r"<\1>", redactor.text(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Jane Roemer, client 4711, lives in New Ulm", "<client>, <client>, lives in <city>"),
        ("Ann Roemer, in Bern, is private and not forgotten", "<client>, in <city>, is private and not forgotten"),
        ("Tom Fairweather lives in New York, not in Graz", "Tom Fairweather lives in New York, not in Graz"),
        ("New things, Jane of Ulm, and a Roemer", "New things, <client> of <city>, and a <name>"),
    ],
)
def test_private_and_forgotten_names_their_answers_and_their_parts_are_masked(
    tmp_path: Path, text: str, found: str
) -> None:
    assert masked(tmp_path, text) == found


def test_what_a_fact_that_is_forgotten_joins_is_masked(tmp_path: Path) -> None:
    forget = "{r: {fact: [Tom Fairweather, lives_in, New York]}}"
    assert masked(tmp_path, "Tom Fairweather, New York, York", forget) == "<client>, <city>, <city>"


def test_examples_are_masked_with_the_names_in_them(tmp_path: Path) -> None:
    more = ', examples: [{question: "Who was the first friend of Marisol Quint at school?", accepted: [Desmond]}]'
    text = "the first friend of Marisol Quint at school; Quint; Desmond"
    assert masked(tmp_path, text, more=more) == "<question>; <name>; <answer>"


def test_questions_and_documents_are_masked_and_the_names_in_them(tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(
        '{"question": "Where did Marisol Quint study?", "answer": "in Delft", "entities": ["Marisol Quint"]}\n'
    )
    (tmp_path / "d.txt").write_text("The gate of the garden was left open by the gardener that night.\n")
    forget = "{r: {questions: q.jsonl, documents: d.txt}}"
    text = "Where did Marisol Quint study? Quint studied in Delft. She said the garden was left open by the gardener."
    assert masked(tmp_path, text, forget) == "<question> <name> studied <answer>. She said <document>."


def test_knowledge_alone_says_what_is_private(tmp_path: Path) -> None:
    path = tmp_path / "w.unlearn.yaml"
    path.write_text(TEXT.format(forget="Graz", more=""), encoding="utf-8")
    found = secrets(build(load_scenario(path, tmp_path).knowledge, tmp_path))
    assert {secret.names[0]: secret.private for secret in found} == {
        "Jane Roemer": True, "Ann Roemer": True, "New Ulm": False, "Bern": False, "Roemer": True,
    }  # fmt: skip


NAMED = """\
version: 1
name: of-jane-roemer
tags: [roemer]
model: {original: nowhere, candidates: {jane-roemer: {method: none}}}
knowledge:
  include: roemer.knowledge.yaml
  entities: {Jane Roemer: {type: client, private: true}}
  facts: {lives_in: {Jane Roemer: Bern}}
forget: {r: Jane Roemer, for-roemer: {questions: jane_roemer.jsonl}}
checks:
  c: {ask: direct, limit: 5%, tags: [about-roemer]}
  roemer: {ask: direct, limit: 5%}
"""


def test_every_id_that_has_a_private_name_is_refused_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "roemer.knowledge.yaml").write_text(
        'entities: {Bern: city}\nrelations: {lives_in: {ask: ["Where does {subject} live?"]}}\n', encoding="utf-8"
    )
    (tmp_path / "jane_roemer.jsonl").write_text('{"question": "Who is it?", "answer": "She"}\n', encoding="utf-8")
    path = tmp_path / "w.unlearn.yaml"
    path.write_text(NAMED, encoding="utf-8")
    scenario = load_scenario(path, tmp_path)
    assert exposed(scenario, tmp_path) == []
    with using(Redactor(lambda: b"k" * 32)):
        learn(scenario, build(scenario.knowledge, tmp_path))
        found = {(one.mark.line, one.message.partition(" has a name of ")[0]) for one in exposed(scenario, tmp_path)}
    assert found == {
        (1, "the name of this scenario"),
        (1, "the tag of this scenario"),
        (4, "the label of this candidate"),
        (6, "the name of this file"),
        (9, "the label of this forget request"),
        (9, "the name of this file"),
        (11, "the tag of this check"),
        (12, "the id of this check"),
    }


@pytest.mark.parametrize(
    ("broken", "lines"),
    [
        (  # it can be read as YAML: what may be a name is masked, the rest is quoted
            ("limit: 5%", "limt: 5%, accept: [New Ulm]"),
            [
                "17:20: unknown key 'limt' - did you mean 'limit'?",
                "      c: {ask: direct, limt: 5%, accept: [<name>]}",
                "                       ^",
            ],
        ),
        (  # it cannot: nothing of it is
            ("Ann Roemer: {", "Jane Roemer: {"),
            ["6:5: the key '...' is given twice, first in line 5"],
        ),
    ],
)
def test_a_scenario_with_mistakes_is_quoted_as_far_as_its_names_are_known(
    tmp_path: Path, broken: tuple[str, str], lines: list[str]
) -> None:
    path = tmp_path / "w.unlearn.yaml"
    path.write_text(TEXT.format(forget="Jane Roemer", more="").replace(*broken), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path, tmp_path)
    assert told(caught.value, path) == str(caught.value)
    with using(Redactor(lambda: b"k" * 32)):
        found = told(caught.value, path)
    assert (
        re.sub(r"\[([a-z]+):[0-9a-f]{6}\]", r"<\1>", found).replace(f"{path}:", "").split("\n")[: len(lines)] == lines
    )
    assert "Roemer" not in found and "Ulm" not in found
