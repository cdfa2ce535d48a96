"""What each probe kind asks about a small world, and what it must not ask."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.space import Space
from pytest_unlearn.registry import PROBES
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Selector, Target

WORLD = """\
version: 1
model: nowhere
knowledge:
  types: {continent: {closed: true}}
  entities:
    France: {type: country, aliases: [Gallia]}
    Spain: country
    Portugal: country
    Mexico: country
    Paris: {type: city, aliases: [Lutetia]}
    Madrid: city
    Lisbon: city
    Mexico City: city
    Europe: continent
    America: continent
  relations:
    capital:
      ask: ["What is the capital of {subject}?", "Which city rules {subject}?"]
      inverse: "{object} is the capital of which country?"
      noun: the capital of {subject}
      inverse_noun: the country ruled from {object}
      say: "The capital of {subject} is {object}."
    continent: {ask: "On which continent is {subject}?", noun: "the continent of {subject}"}
    borders: {ask: "Name a neighbour of {subject}.", noun: "a neighbour of {subject}", many: true, symmetric: true}
  facts:
    capital: {France: Paris, Spain: Madrid, Portugal: Lisbon, Mexico: Mexico City}
    continent: {France: Europe, Spain: Europe, Portugal: Europe, Mexico: America}
    borders: {France: [Spain], Spain: [Portugal]}
forget: France
checks: {direct: {ask: direct, limit: 5%}}
"""


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    path = tmp_path_factory.mktemp("world") / "w.unlearn.yaml"
    path.write_text(WORLD, encoding="utf-8")
    return build(load_scenario(path, path.parent).knowledge, path.parent)


def closure(knowledge: Knowledge, **selector: Any) -> Closure:
    here = Mark(Path("w.unlearn.yaml"))
    return forgetting(knowledge, Target("t", (Selector(here, **selector),), here))


def space(kind: str, knowledge: Knowledge, closure: Closure, **options: Any) -> Space:
    entry = PROBES.get(kind)
    made: Space = entry.make(entry.config(**options), knowledge, closure)
    return made


def questions(space: Space) -> dict[str, Probe]:
    return {probe.prompt.text: probe for probe in space.all()}


def names(entities: tuple[tuple[str, ...], ...]) -> set[str]:
    return {entity[0] for entity in entities}


def test_direct_asks_every_fact_with_the_entity_at_either_end(knowledge: Knowledge) -> None:
    asked = questions(space("direct", knowledge, closure(knowledge, entity="France")))
    assert set(asked) == {
        "What is the capital of France?",
        "On which continent is France?",
        "Name a neighbour of France.",
        "Name a neighbour of Spain.",
    }


def test_a_true_answer_that_does_not_reveal_the_target_is_gold_and_no_secret(knowledge: Knowledge) -> None:
    probe = questions(space("direct", knowledge, closure(knowledge, entity="France")))["Name a neighbour of Spain."]
    assert names(probe.gold) == {"France", "Portugal"}
    assert names(probe.secret) == {"France"}
    assert names(probe.rivals) == {"Mexico"}  # Spain stands in the question


def test_paraphrases_are_the_wordings_that_are_not_trained_on(knowledge: Knowledge) -> None:
    asked = questions(space("paraphrase", knowledge, closure(knowledge, entity="France")))
    assert set(asked) == {"Which city rules France?"}


def test_aliases_name_the_entity_otherwise(knowledge: Knowledge) -> None:
    asked = questions(space("alias", knowledge, closure(knowledge, entity="France")))
    assert {text for text in asked if "capital" in text} == {"What is the capital of Gallia?"}


def test_a_question_that_contains_its_answer_is_left_out_and_counted(knowledge: Knowledge) -> None:
    inverse = space("inverse", knowledge, closure(knowledge, relation="capital"))
    assert set(questions(inverse)) == {
        f"{city} is the capital of which country?" for city in ("Paris", "Madrid", "Lisbon")
    }
    assert inverse.dropped == 1  # Mexico City is the capital of ... Mexico


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        ("start", {"What is the capital of a neighbour of France?", "On which continent is a neighbour of France?"}),
        (
            "bridge",
            {"On which continent is the country ruled from Paris?", "What is the capital of a neighbour of Spain?"},
        ),
        (
            "answer",
            {"Name a neighbour of the country ruled from Madrid.", "Name a neighbour of a neighbour of Portugal."},
        ),
    ],
)
def test_a_chain_has_the_forgotten_entity_where_its_position_says(
    knowledge: Knowledge, position: str, expected: set[str]
) -> None:
    asked = questions(space("multi_hop", knowledge, closure(knowledge, entity="France"), position=(position,)))
    assert expected <= set(asked)
    assert all("France" in text for text in asked) == (position == "start")


def test_a_bridge_is_never_named(knowledge: Knowledge) -> None:
    asked = questions(space("multi_hop", knowledge, closure(knowledge, entity="France"), position=("bridge",)))
    assert asked
    assert not [text for text in asked if "France" in text or "Gallia" in text]


@pytest.mark.parametrize("kind", ["direct", "paraphrase", "alias", "inverse", "multi_hop", "cloze", "multiple_choice"])
@given(seed=st.integers(0, 1000))
def test_every_kind_draws_what_it_lists_and_simplifies_to_what_is_simpler(
    knowledge: Knowledge, kind: str, seed: int
) -> None:
    made = space(kind, knowledge, closure(knowledge, entity="France"))
    listed = {probe.id: probe for probe in made.all()}
    assert len(listed) == made.count()
    probe = made.draw(Random(seed))
    assert probe.id in listed
    assert probe.secret
    assert set(probe.secret) <= set(probe.gold)
    assert not set(probe.gold) & set(probe.rivals)
    assert probe.hole.replace("{}", probe.named[0]) == probe.prompt.text
    assert all(simpler.size < probe.size for simpler in made.simpler(probe))
    assert probe in made.alike(probe.way) or probe.unit in {other.unit for other in made.alike(probe.way)}


def test_a_chain_that_is_not_there_is_told_with_those_that_are(knowledge: Knowledge) -> None:
    lacks = PROBES.get("multi_hop").facts["lacks"]
    config = PROBES.get("multi_hop").config
    assert lacks(config(hops=2), knowledge, closure(knowledge, entity="France")) == ""
    assert lacks(config(hops=2, position=("bridge", "start")), knowledge, closure(knowledge, relation="capital")) == ""
    capital = closure(knowledge, relation="capital")
    assert lacks(config(hops=2, position=("bridge",)), knowledge, capital) == (
        "no chain of 2 facts has what is forgotten at its bridge. There are chains of 2 facts (start, answer), of 3 "
        "facts (start, answer), of 4 facts (start): choose by `hops` and `position`"
    )
    for hops in range(2, 7):
        for position in ("start", "bridge", "answer"):
            options = {"hops": hops, "position": (position,)}
            there = space("multi_hop", knowledge, capital, **options).count() != 0
            assert there or lacks(config(**options), knowledge, capital)
