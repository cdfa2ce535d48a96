"""The made-up world: deterministic, evenly spread, and readable as a knowledge file."""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from pathlib import Path

import pytest
import yaml

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.scenario.model import KnowledgeUse
from pytest_unlearn.worlds.generate import people

COMMITTED = Path(__file__).parents[2] / "fixtures" / "world.knowledge.yaml"


def read(folder: Path, text: str) -> Knowledge:
    file = folder / "world.knowledge.yaml"
    file.write_text(text, encoding="utf-8")
    mark = Mark(file)
    return build(KnowledgeUse({}, {}, ((file, mark),), None, None, mark), folder)


def test_the_committed_world_is_the_default_one_and_small() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == people()
    assert COMMITTED.stat().st_size < 40_000


def test_another_seed_gives_another_world_and_the_same_seed_the_same() -> None:
    assert people(12, 1) == people(12, 1) != people(12, 2)


@pytest.mark.parametrize(("size", "seed"), [(6, 0), (7, 3), (60, 0), (90, 5)])
def test_the_knowledge_reader_finds_every_fact_and_no_mistake(tmp_path: Path, size: int, seed: int) -> None:
    knowledge = read(tmp_path, people(size, seed))
    facts = Counter(fact.relation for fact in knowledge.facts)
    companies, cities = size // 3, size * 4 // 15 + 1
    assert facts == {
        **dict.fromkeys(("lives_in", "works_for", "plays", "teacher"), size),
        "spouse": size // 2,
        "founder": companies,
        "based_in": companies,
        "located_in": cities,
    }
    assert all(info.closed for info in knowledge.types.values())
    assert all(1 <= len(person.aliases) <= 2 for person in knowledge.by_type["person"])


def test_no_name_contains_another_one() -> None:
    entities = yaml.safe_load(people(60, 0))["entities"]
    names = [name for name, about in entities.items() for name in (name, *about.get("aliases", ()))]
    names = [name.removeprefix("the ").lower() for name in names]
    assert not [pair for pair in permutations(names, 2) if pair[0] in pair[1]]


def test_every_relation_has_four_distinct_wordings_each_with_its_slot_once() -> None:
    for relation in yaml.safe_load(people(6))["relations"].values():
        assert len(set(relation["ask"])) == 4
        assert all(text.count("{subject}") == 1 for text in relation["ask"])
        assert all(text.count("{object}") == 1 for text in relation.get("inverse", []))


def test_values_are_spread_so_that_guessing_one_is_right_as_rarely_as_can_be() -> None:
    facts = yaml.safe_load(people(60, 0))["facts"]
    assert set(Counter(facts["lives_in"].values()).values()) == {3, 4}  # 60 people in 17 cities
    assert set(Counter(facts["works_for"].values()).values()) == {3}  # 60 people in 20 companies
    assert set(Counter(facts["teacher"].values()).values()) == {1}  # so that a pupil is one person too
    assert set(Counter(facts["founder"].values()).values()) == {1}


def test_a_world_too_small_to_ask_about_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a world of 5 people is too small to ask about: give at least 6$"):
        people(5)


def test_every_name_is_written_as_it_would_be_at_the_start_of_an_answer() -> None:
    names = yaml.safe_load(people(60, 0))["entities"]
    assert not [name for name in names if name[0] != name[0].upper()]
