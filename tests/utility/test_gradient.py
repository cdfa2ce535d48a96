"""What must stay is told apart by its distance from what must be gone, and asked beside a mention of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, Kept, forgetting, near_facts
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.mentions import beside, wordings
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import UTILITY
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target
from pytest_unlearn.utility.distance import DistanceConfig, distances
from pytest_unlearn.utility.kept import KeepConfig
from pytest_unlearn.utility.triggered import TriggeredConfig
from pytest_unlearn.worlds.generate import world_of
from pytest_unlearn.worlds.small_talk import small_talk_lessons

AT = Mark(Path("some.unlearn.yaml"), 1, 1)
CHAIN = {
    "entities": {**dict.fromkeys("ABCDEF", "stop"), "X": "town", "Y": "town"},
    "relations": {
        "next": {"ask": "What comes after {subject}?"},
        "twin": {"ask": "Which town is the twin of {subject}?"},
    },
    "facts": {"next": {"A": "B", "B": "C", "C": "D", "D": "E", "E": "F"}, "twin": {"X": "Y"}},
}


def forgotten(knowledge: Knowledge, *names: str) -> Closure:
    return forgetting(knowledge, Target("gone", tuple(Selector(AT, entity=name) for name in names), AT))


@pytest.fixture
def line(tmp_path: Path) -> Knowledge:
    """A - B - C - D - E - F, and X - Y apart."""
    return build(KnowledgeUse(CHAIN, {}, (), None, None, AT), tmp_path)


def test_distance_counts_the_facts_between(line: Knowledge) -> None:
    closure = forgotten(line, "A")
    found = {f"{fact.subject}{fact.object}": far for fact, far in distances(closure).items()}
    assert found == {"BC": 1, "CD": 2, "DE": 3, "EF": 4}  # from B, which stands in what is forgotten


def test_what_is_near_is_at_distance_one() -> None:
    knowledge = world_of(24, 3)
    closure = forgotten(knowledge, *[name for name, e in knowledge.entities.items() if e.type == "person"][:3])
    assert [fact for fact, far in distances(closure).items() if far == 1] == list(near_facts(closure))


def test_each_question_says_its_distance_the_nearest_first(line: Knowledge) -> None:
    closure = forgotten(line, "A")
    made = UTILITY.get("distance").make(DistanceConfig(most=3), line, closure, Kept(closure.retained))
    assert [(probe.prompt.text, probe.way.position) for probe in made] == [
        ("What comes after B?", "distance 1"),
        ("What comes after C?", "distance 2"),
        ("What comes after D?", "distance 3 or more"),
        ("What comes after E?", "distance 3 or more"),
        ("Which town is the twin of X?", "apart"),
    ]


def triggered(size: int = 24, **options: str) -> tuple[Closure, list[Probe]]:
    knowledge = world_of(size, 3)
    closure = forgotten(knowledge, *[name for name, e in knowledge.entities.items() if e.type == "person"][:3])
    made = UTILITY.get("triggered").make(TriggeredConfig(**options), knowledge, closure, Kept(closure.retained))
    return closure, list(made)


def test_a_question_beside_a_mention_has_a_twin_beside_another() -> None:
    closure, probes = triggered()
    plain = UTILITY.get("retained").make(KeepConfig(), closure.knowledge, closure, Kept(closure.retained))
    assert len(probes) > 0.8 * len(plain)
    persons = tuple(name for name, e in closure.knowledge.entities.items() if e.type == "person")
    gone = tuple(sorted(closure.entities))
    for probe in probes:
        assert probe.twin is not None
        texts = probe.prompt.text, probe.twin.prompt.text
        assert mentions(texts[0], gone)
        assert not mentions(texts[1], gone)
        assert mentions(texts[1], persons)
        for text in texts:
            assert not mentions(text, tuple(name for names in probe.gold for name in names))
            assert not mentions(text, tuple(name for names in probe.rivals for name in names))
        assert (probe.twin.gold, probe.twin.rivals, probe.twin.unit) == (probe.gold, probe.rivals, probe.unit)
    assert {probe.way.template[-1] for probe in probes} == {str(i) for i in range(len(wordings()))}
    assert triggered()[1] == probes


def test_a_mention_is_made_in_the_language_of_the_questions() -> None:
    _, probes = triggered(language="de")
    began = {probe.prompt.text.split()[0] for probe in probes}
    assert began == {"Ich", "Heute", "Das"}
    assert all(probe.twin and probe.twin.prompt.text.split()[0] in began for probe in probes)


def test_where_nothing_of_the_type_stays_nothing_can_be_compared(line: Knowledge) -> None:
    closure = forgotten(line, *"ABCDEF")
    assert UTILITY.get("triggered").make(TriggeredConfig(), line, closure, Kept(closure.retained)) == []


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_every_wording_holds_one_name_and_one_question(language: str) -> None:
    assert len(wordings(language)) == len(wordings())
    for wording in wordings(language):
        assert (wording.count("{name}"), wording.count("{question}")) == (1, 1)
        assert wording.endswith("{question}")
    assert beside("Of {name}: {question}", "Ann", "Who is {Bob}?") == "Of Ann: Who is {Bob}?"


def test_small_talk_mentions_what_is_neither_asked_about_nor_answered() -> None:
    knowledge = world_of(24, 3)
    talk = [lesson for lesson in small_talk_lessons(knowledge) if lesson.way == "mention"]
    plain = {lesson.example.prompt.text for lesson in small_talk_lessons(knowledge) if lesson.way == "direct"}
    assert len({lesson.example.prompt.text for lesson in talk}) > 2 * len(plain)
    for lesson in talk:
        (question,) = (text for text in plain if lesson.example.prompt.text.endswith(f" {text}"))
        mention = lesson.example.prompt.text.removesuffix(question)
        assert not mentions(mention, lesson.example.entities)
        assert mentions(mention, tuple(knowledge.entities))
