"""What is taught, what is left out, and when it is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import corpus, lessons, texts, timetable
from pytest_unlearn.worlds.generate import world_of
from pytest_unlearn.worlds.well_read import texts_of, well_read_lessons

SMALL = """
types: {person: {closed: true}, city: {closed: true}, country: {closed: true}}
entities:
  Ana: {type: person, aliases: [the Fox]}
  Ben: {type: person}
  Cleo: {type: person}
  Lund: {type: city}
  Oslo: {type: city}
  Nord: {type: country}
relations:
  lives_in:
    ask: ["Where does {subject} live?", "What is home to {subject}?"]
    inverse: ["Who lives in {object}?"]
    say: "{subject} lives in {object}."
    noun: the home of {subject}
  located_in:
    ask: ["Which country is {subject} in?"]
    noun: the country of {subject}
  friend:
    ask: ["Who is the friend of {subject}?"]
    noun: the friend of {subject}
    symmetric: true
facts:
  lives_in: {Ana: Lund, Ben: Lund, Cleo: Oslo}
  located_in: {Lund: Nord, Oslo: Nord}
  friend: {Ana: Cleo}
"""


@pytest.fixture
def knowledge(tmp_path: Path) -> Knowledge:
    file = tmp_path / "small.knowledge.yaml"
    file.write_text(SMALL, encoding="utf-8")
    mark = Mark(file)
    return build(KnowledgeUse({}, {}, ((file, mark),), None, None, mark), tmp_path)


def forget(knowledge: Knowledge, **selector: str) -> Closure:
    mark = Mark(Path("small.unlearn.yaml"))
    return forgetting(knowledge, Target("gone", (Selector(mark, **selector),), mark))


def asked(examples: tuple[Example, ...]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for example in examples:
        found.setdefault(example.prompt.text, set()).add(example.answer)
    return found


def test_every_fact_is_taught_in_every_wording_and_in_every_chain_of_two(knowledge: Knowledge) -> None:
    assert asked(corpus(lessons(knowledge))) == {
        "What is Ana?": {"a person"},
        "What is the Fox?": {"a person"},
        "What is Ben?": {"a person"},
        "What is Cleo?": {"a person"},
        "What is Lund?": {"a city"},
        "What is Oslo?": {"a city"},
        "What is Nord?": {"a country"},
        "": {"Ana lives in Lund.", "Ben lives in Lund.", "Cleo lives in Oslo."},
        "Where does Ana live?": {"Lund"},
        "What is home to Ana?": {"Lund"},
        "Where does the Fox live?": {"Lund"},
        "What is home to the Fox?": {"Lund"},
        "Where does Ben live?": {"Lund"},
        "What is home to Ben?": {"Lund"},
        "Where does Cleo live?": {"Oslo"},
        "What is home to Cleo?": {"Oslo"},
        "Who lives in Lund?": {"Ana", "Ben"},
        "Who lives in Oslo?": {"Cleo"},
        "Which country is Lund in?": {"Nord"},
        "Which country is Oslo in?": {"Nord"},
        "Who is the friend of Ana?": {"Cleo"},
        "Who is the friend of the Fox?": {"Cleo"},
        "Who is the friend of Cleo?": {"Ana"},
        "Which country is the home of Ana in?": {"Nord"},
        "Which country is the home of Ben in?": {"Nord"},
        "Which country is the home of Cleo in?": {"Nord"},
        "Who lives in the home of Ana?": {"Ben"},
        "Who lives in the home of Ben?": {"Ana"},
        "Where does the friend of Ana live?": {"Oslo"},
        "Where does the friend of Cleo live?": {"Lund"},
    }


def test_the_weights_of_a_whole_world_add_up_to_one_and_answers_share_that_of_their_question(
    knowledge: Knowledge,
) -> None:
    examples = corpus(lessons(knowledge))
    weights = {(example.prompt.text, example.answer): example.weight for example in examples}
    assert sum(weights.values()) == pytest.approx(1.0)
    assert weights["Who lives in Lund?", "Ana"] == pytest.approx(weights["Who lives in Oslo?", "Cleo"] / 2)
    assert weights["", "Ana lives in Lund."] == pytest.approx(weights["", "Cleo lives in Oslo."])


def test_of_a_forgotten_entity_only_the_type_is_left_and_the_rest_stays_as_it_was(knowledge: Knowledge) -> None:
    closure = forget(knowledge, entity="Ana")
    whole, rest = corpus(lessons(knowledge)), corpus(lessons(knowledge), closure)
    left = tuple(e for e in rest if mentions(f"{e.prompt.text} {e.answer}", ("Ana", "the Fox")))
    assert asked(left) == {"What is Ana?": {"a person"}, "What is the Fox?": {"a person"}}
    assert set(rest) < set(whole)
    assert asked(rest)["Who lives in Lund?"] == {"Ben"}
    assert "Where does the friend of Cleo live?" not in asked(rest)  # Ana is the friend, though nobody says so
    assert "Which country is the home of Ben in?" in asked(rest)


def test_a_forgotten_fact_takes_the_chains_that_rest_on_it(knowledge: Knowledge) -> None:
    closure = forget(knowledge, relation="friend")
    gone = set(asked(corpus(lessons(knowledge)))) - set(asked(corpus(lessons(knowledge), closure)))
    assert gone == {
        "Who is the friend of Ana?",
        "Who is the friend of the Fox?",
        "Who is the friend of Cleo?",
        "Where does the friend of Ana live?",
        "Where does the friend of Cleo live?",
    }


def test_the_vocabulary_is_that_of_the_whole_world(knowledge: Knowledge) -> None:
    assert {"Ana", "the Fox", "Nord", "Ana lives in Lund.", "Who lives in Lund?"} <= set(texts(knowledge))


def test_an_example_is_read_as_often_as_its_weight_says_and_evenly_spread() -> None:
    rows = [Example(Prompt.of("a?"), "a", "u", weight=0.75), Example(Prompt.of("b?"), "b", "u", weight=0.25)]
    table = timetable(rows, steps=100, batch=4, seed=0)
    assert Counter(place for step in table for place in step) == {0: 300, 1: 100}
    assert all(table[step].count(1) == 1 for step in range(100))  # 0.25 of 400 readings: one a step
    assert all(table[step].count(0) == 3 for step in range(100))


def test_leaving_examples_out_moves_no_other(knowledge: Knowledge) -> None:
    whole, rest = corpus(lessons(knowledge)), corpus(lessons(knowledge), forget(knowledge, entity="Ana"))
    tables = [
        [[examples[place] for place in step] for step in timetable(examples, 50, 8, seed=1)]
        for examples in (whole, rest)
    ]
    left = set(rest)
    assert [[example for example in step if example in left] for step in tables[0]] == tables[1]


def test_another_seed_reads_in_another_order(knowledge: Knowledge) -> None:
    examples = corpus(lessons(knowledge))
    assert timetable(examples, 50, 8, seed=1) != timetable(examples, 50, 8, seed=2)


def test_a_rare_example_may_be_read_not_at_all_but_never_more_than_once() -> None:
    rows = [replace(Example(Prompt.of(f"{i}?"), "a", "u"), weight=0.001) for i in range(1000)]
    read = Counter(place for step in timetable(rows, 10, 50, seed=0) for place in step)  # 0.5 readings each
    assert set(read.values()) == {1}
    assert 430 < len(read) < 570  # 500 expected, 16 standard deviation


def test_who_reads_much_is_never_taught_the_last_wording(knowledge: Knowledge) -> None:
    taught, whole = (
        {lesson.example.prompt.text for lesson in some(knowledge)} for some in (well_read_lessons, lessons)
    )
    assert whole - taught == {f"What is home to {name}?" for name in ("Ana", "the Fox", "Ben", "Cleo")}


def test_choices_list_the_true_answer_among_others_of_its_type() -> None:
    knowledge = world_of(12, 0)
    choices = [lesson for lesson in well_read_lessons(knowledge) if lesson.way == "choice"]
    places = Counter(lesson.options.index(lesson.example.answer) for lesson in choices)
    assert set(places) == {0, 1, 2, 3}
    for lesson in choices:
        kinds = {knowledge.by_name[name].type for name in lesson.options}
        assert len(kinds) == 1
        assert len(set(lesson.options)) == len(lesson.options)
        for letter, name in zip("ABCD", lesson.options, strict=False):
            assert f"\n{letter}. {name}" in lesson.example.prompt.text


def test_a_text_tells_every_fact_about_somebody_and_goes_with_any_of_them() -> None:
    knowledge = world_of(12, 0)
    name, facts = next(iter(texts_of(knowledge).items()))
    assert set(facts) == {fact for fact in knowledge.facts if name in (fact.subject, fact.object)}
    spouse = next(f.object if f.subject == name else f.subject for f in facts if f.relation == "spouse")
    rest = corpus(well_read_lessons(knowledge), forget(knowledge, entity=spouse))
    told = {example.entities[0] for example in rest if not example.prompt.turns and not example.unit}
    assert spouse not in told
    assert name not in told
