from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_unlearn.errors import Mark
from pytest_unlearn.scenario.model import Scenario, Selector, Target

Load = Callable[[str], Scenario]
Around = Callable[..., str]
Complaints = Callable[[str], list[str]]


def targets(load: Load, around: Around, text: str) -> tuple[Target, ...]:
    return load(around(forget=f"forget: {text}")).targets


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("France", "france"),
        ("Côte d'Ivoire", "cote-d-ivoire"),
        ("{relation: Head of State}", "head-of-state"),
        ("{fact: [France, capital, Paris]}", "france-capital"),
        ("[France, Spain]", "france-spain"),
        ("[A, B, C, D]", "a-and-3-more"),
        ("{level: patient, at: Patient 17}", "patient-17"),
    ],
)
def test_a_request_without_a_label_is_called_by_what_it_selects(
    load: Load, around: Around, text: str, label: str
) -> None:
    assert [target.label for target in targets(load, around, text)] == [label]


def test_a_name_selects_an_entity_at_its_place(load: Load, around: Around, tmp_path: Path) -> None:
    at = Mark(tmp_path / "a.unlearn.yaml", 4, 9)
    assert targets(load, around, "France") == (Target("france", (Selector(at, entity="France"),), at),)


def test_a_node_of_a_hierarchy_is_selected_by_its_level_and_name(load: Load, around: Around) -> None:
    (target,) = targets(load, around, "{p17: {level: patient, at: patient 17}}")
    (selector,) = target.selectors
    assert (target.label, selector.node, selector.entity, selector.of_facts) == (
        "p17", ("patient", "patient 17"), None, True
    )  # fmt: skip


def test_a_mapping_of_selector_keys_is_one_request(load: Load, around: Around) -> None:
    (target,) = targets(load, around, "{relation: capital, where: {continent: Europe}}")
    (selector,) = target.selectors
    assert (selector.relation, selector.where, selector.entity) == ("capital", (("continent", "Europe"),), None)


def test_a_request_may_be_about_an_entity_questions_and_documents_together(
    load: Load, around: Around, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    for name in ("q.jsonl", "1.txt", "2.txt"):
        (tmp_path / "data" / name).write_text("x")
    (target,) = targets(load, around, "{entity: Jane Roe, questions: data/q.jsonl, documents: data/*.txt}")
    (selector,) = target.selectors
    assert (target.label, selector.entity, selector.of_facts) == ("jane-roe", "Jane Roe", True)
    assert [path.name for path, _ in selector.material.questions] == ["q.jsonl"]
    assert [path.name for path, _ in selector.material.documents] == ["1.txt", "2.txt"]


@pytest.mark.parametrize(
    ("text", "label"),
    [("{questions: data/q.jsonl}", "q"), ("{documents: data/1.txt}", "1"), ("{documents: data/*.txt}", "data")],
)
def test_a_request_about_files_is_called_after_them(
    load: Load, around: Around, tmp_path: Path, text: str, label: str
) -> None:
    (tmp_path / "data").mkdir()
    for name in ("q.jsonl", "1.txt", "2.txt"):
        (tmp_path / "data" / name).write_text("x")
    (target,) = targets(load, around, text)
    assert (target.label, target.selectors[0].of_facts) == (label, False)


def test_other_mappings_give_labels(load: Load, around: Around, tmp_path: Path) -> None:
    one, two = targets(load, around, "{a: [France, {fact: [Spain, capital, Madrid]}], documents-of-b: {entity: B}}")
    assert [one.label, two.label] == ["a", "documents-of-b"]
    assert [selector.entity for selector in one.selectors] == ["France", None]
    assert one.selectors[1].fact == ("Spain", "capital", "Madrid")
    assert two.at == Mark(tmp_path / "a.unlearn.yaml", 4, 57)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("5", "4:9 expected a name or a mapping such as {relation: capital}, got 5"),
        ("''", "4:9 expected a name or a mapping such as {relation: capital}, got ''"),
        ("", "4:8 expected a name or a mapping such as {relation: capital}, got nothing"),
        ("[]", "4:9 must not be empty"),
        ("{}", "4:9 a selector needs `entity`, `relation`, `fact`, `level`, `questions` or `documents`"),
        ("{where: {a: b}}", "4:9 a selector needs `entity`, `relation`, `fact`, `level`, `questions` or `documents`"),
        ("[[France]]", "4:10 expected a name or a mapping such as {relation: capital}, got a list"),
        ("{entity: A, relation: b}", "4:21 `relation` beside `entity`: a selector has one of them"),
        ("{entity: A, where: {a: b}}", "4:21 `where` goes with `relation` only"),
        ("{relation: a, wher: {a: b}}", "4:23 unknown key 'wher' - did you mean 'where'?"),
        ("{relation: a, where: {a: 5}}", "4:34 expected text, got 5: put it in quotes"),
        ("{relation: a, where: {}}", "4:30 must not be empty"),
        ("{fact: [a, b]}", "4:16 expected 3 items, got 2"),
        ("{label: {entitty: A}}", "4:18 unknown key 'entitty' - did you mean 'entity'?"),
        ("日本", "4:9 no id can be made of '日本': give it a label, `forget: {label: 日本}`"),
        ("{patient 17: A, b: B}", "4:10 'patient 17' cannot be an id: use letters, digits, `_`, `.` and `-`"),
        ("{..: France}", "4:10 '..' cannot be an id: use letters, digits, `_`, `.` and `-`"),
        ("{level: patient}", "4:10 `level` needs `at`: which 'patient'?"),
        ("{entity: A, at: B}", "4:21 `at` goes with `level` only"),
        ("{at: B}", "4:9 a selector needs `entity`, `relation`, `fact`, `level`, `questions` or `documents`"),
        ("{level: patient, att: B}", "4:26 unknown key 'att' - did you mean 'at'?"),
        (
            "{p: {entity: A, questions: q.jsonl}}",
            "4:36 there is no file 'q.jsonl' beside a.unlearn.yaml",
        ),
    ],
)
def test_a_mistaken_selector_is_placed(complaints: Complaints, around: Around, text: str, found: str) -> None:
    assert complaints(around(forget=f"forget: {text}")) == found.split("; ")
