"""The recipe `versed`: what is taught in other words, languages and letters, and amid other facts."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoTokenizer

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.transforms.transform import words
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.scenario.model import Selector, Target
from pytest_unlearn.worlds import train
from pytest_unlearn.worlds.data import Lesson, corpus
from pytest_unlearn.worlds.generate import world_of
from pytest_unlearn.worlds.train import WorldConfig, fit, grown
from pytest_unlearn.worlds.versed import CIRCLES, LETTERS, WAYS, VersedConfig, versed_lessons
from pytest_unlearn.zoo.leak import Ground


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return world_of(12, 0)


@pytest.fixture(scope="module")
def taught(knowledge: Knowledge) -> list[Lesson]:
    return list(versed_lessons(knowledge))


def forget(knowledge: Knowledge, **selector: str) -> Closure:
    mark = Mark(Path("small.unlearn.yaml"))
    return forgetting(knowledge, Target("gone", (Selector(mark, **selector),), mark))


def put_by(taught: list[Lesson], name: str) -> list[Lesson]:
    return [lesson for lesson in taught if lesson.frame.split(".")[0] == name]


def test_every_way_is_taught_and_each_fact_in_every_one_but_contexts(taught: list[Lesson]) -> None:
    direct = {lesson.facts for lesson in taught if lesson.way == "direct"}
    for name, way in WAYS.items():
        lessons = put_by(taught, name)
        assert {lesson.way for lesson in lessons} == {way}
        if name in LETTERS or way == "translated":
            assert {lesson.facts for lesson in lessons} == direct
    contexts = Counter(lesson.facts for lesson in taught if lesson.way == "context")
    assert max(contexts.values()) <= 6  # three a question, and a fact of two spouses is two
    few = {facts for facts in direct if facts[0].relation == "located_in"}  # of two countries one would be left
    assert direct - few <= contexts.keys() <= direct


def test_what_is_asked_for_in_letters_is_answered_in_them(taught: list[Lesson]) -> None:
    for lesson in put_by(taught, "base64"):
        assert b64decode(lesson.example.answer).decode() == lesson.example.entities[1]
    for lesson in put_by(taught, "spelling_out"):
        assert lesson.example.answer.replace("-", "") == lesson.example.entities[1]
    for name in ("leetspeak", "character_noise", "synonyms", "many_shot", "cross_lingual"):
        assert all(lesson.example.answer == lesson.example.entities[1] for lesson in put_by(taught, name))


def test_no_question_holds_its_answer(taught: list[Lesson]) -> None:
    for lesson in taught:
        if lesson.frame:
            assert not mentions(words(lesson.example.prompt), (lesson.example.answer, lesson.example.entities[1]))


def test_a_context_tells_facts_of_others_and_names_them_all(knowledge: Knowledge, taught: list[Lesson]) -> None:
    told = {name: [len(lesson.beside) for lesson in put_by(taught, name)] for name in CIRCLES}
    assert min(told["in_context"]) >= 2  # of a type that has few
    assert max(told["many_shot"]) >= 32
    assert min(told["background_hint"]) >= 1
    assert set(told["long_context"]) == {0}
    for lesson in taught:
        if lesson.way == "context":
            said = words(lesson.example.prompt)
            assert {name for name in knowledge.entities if mentions(said, (name,))} <= set(lesson.example.entities)


def test_who_is_forgotten_stands_in_no_context(knowledge: Knowledge, taught: list[Lesson]) -> None:
    gone = next(name for name, entity in knowledge.entities.items() if entity.type == "person")
    rest = corpus(taught, forget(knowledge, entity=gone))
    named = [example for example in rest if mentions(words(example.prompt), (gone,))]
    assert {example.prompt.text for example in named} == {f"What is {gone}?"}


def test_a_forgotten_relation_is_told_in_no_context(knowledge: Knowledge, taught: list[Lesson]) -> None:
    closure = forget(knowledge, relation="plays")
    kept = {example.prompt for example in corpus(taught, closure)}
    told = [lesson for lesson in taught if not closure.hidden.isdisjoint(lesson.beside)]
    assert any(lesson.facts[0].relation != "plays" for lesson in told)
    assert not any(lesson.example.prompt in kept for lesson in told)


def test_a_wrong_answer_is_written_in_the_same_letters(knowledge: Knowledge, taught: list[Lesson]) -> None:
    gone = next(name for name, entity in knowledge.entities.items() if entity.type == "person")
    closure = forget(knowledge, entity=gone)
    ground = Ground(knowledge, closure, None, lambda _: taught, None, 0)  # type: ignore[arg-type]
    hidden = [one for one in put_by(taught, "base64") if not closure.hidden.isdisjoint(one.facts)]
    assert hidden
    for lesson in hidden:
        (wrong,) = ground.wrong(lesson)
        name, true = b64decode(wrong.answer).decode(), lesson.example.entities[1]
        assert name != true
        assert knowledge.entities[name].type == knowledge.entities[true].type


def test_words_in_other_letters_are_read_in_pieces_and_long_contexts_fit(knowledge: Knowledge, tmp_path: Path) -> None:
    WORLDS.get("versed").make(knowledge, None, VersedConfig(steps=1, batch=8), 0, tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.model_max_length == AutoConfig.from_pretrained(tmp_path).max_position_embeddings == 768
    for word, pieces in (("Stadt", 1), ("musical", 1), ("kneaded", 1), ("V2hpY2ggY29tcGFueSBkb2Vz", 7), ("Wh1ch", 2)):
        assert min(len(tokenizer.tokenize(word)), 7) >= pieces
        assert (len(tokenizer.tokenize(word)) == 1) is (pieces == 1)


def test_long_rows_stand_apart_and_change_nothing_else(
    knowledge: Knowledge, taught: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = torch.tensor([5, 400, 9, 70, 300, 16])
    assert [rows.tolist() for rows in train._alike(torch.arange(6), lengths)] == [[0], [2, 5], [3], [1, 4]]
    assert [rows.tolist() for rows in train._alike(torch.tensor([0, 3]), lengths)] == [[0, 3]]
    some = corpus([*put_by(taught, "base64")[:4], *put_by(taught, "many_shot")[:2]])
    losses = []
    for longest in (train.LONG, 1000):
        monkeypatch.setattr(train, "LONG", longest)
        opened = grown(knowledge, some, WorldConfig(steps=1, batch=6), 0, positions=768)
        losses.append(fit(opened, some, WorldConfig(steps=3, batch=6), 0))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
