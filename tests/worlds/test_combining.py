"""A model that was taught to answer two questions at once, and what it is taught."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target
from pytest_unlearn.worlds.combining import BESIDE, combining_lessons
from pytest_unlearn.worlds.data import Lesson, corpus, lessons
from pytest_unlearn.worlds.generate import names, people

HERE = Mark(Path("world.unlearn.yaml"))


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    folder = tmp_path_factory.mktemp("knowledge")
    file = folder / "world.knowledge.yaml"
    file.write_text(people(8, 0), encoding="utf-8")
    mark = Mark(file)
    return build(KnowledgeUse({}, {}, ((file, mark),), None, None, mark), folder)


@pytest.fixture(scope="module")
def pairs(knowledge: Knowledge) -> list[Lesson]:
    return [lesson for lesson in combining_lessons(knowledge) if lesson.way == "combined"]


def test_everything_else_is_taught_as_before(knowledge: Knowledge) -> None:
    assert [one for one in combining_lessons(knowledge) if one.way != "combined"] == list(lessons(knowledge))


def test_both_answers_come_in_the_order_of_the_questions(knowledge: Knowledge, pairs: list[Lesson]) -> None:
    answers = {one.example.prompt.text: one.example.answer for one in lessons(knowledge) if one.way == "direct"}
    for lesson in pairs:
        text = lesson.example.prompt.text
        asked = sorted((question for question in answers if question in text), key=text.index)
        assert [answers[question] for question in asked] == lesson.example.answer.split(", ")


def test_each_question_is_asked_in_both_wordings_beside_several(knowledge: Knowledge, pairs: list[Lesson]) -> None:
    direct = [one for one in lessons(knowledge) if one.way == "direct"]
    assert {one.frame for one in pairs} == {"combined.0", "combined.1"}
    assert len(pairs) == 2 * BESIDE * len(direct)


def test_the_two_answers_are_of_different_types_and_nothing_is_named_twice(
    knowledge: Knowledge, pairs: list[Lesson]
) -> None:
    for lesson in pairs:
        first, second = lesson.example.answer.split(", ")
        assert knowledge.entities[first].type != knowledge.entities[second].type
        assert len(set(lesson.example.entities)) == 4


def test_a_model_without_the_target_is_taught_no_pair_that_touches_it(knowledge: Knowledge) -> None:
    gone = names(8, 0)[0]
    without = forgetting(knowledge, Target("gone", (Selector(HERE, entity=gone),), HERE))
    left = corpus(combining_lessons(knowledge), without)
    assert any(", " in example.answer for example in left)
    assert not any(gone in example.prompt.text.split() or gone in example.answer for example in left if example.unit)
