"""Chains are found again by their facts, and simplified to shorter ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_unlearn.errors import Mark, UnlearnError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.probes import multi_hop
from pytest_unlearn.probes.space import Space
from pytest_unlearn.registry import PROBES
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import KnowledgeUse, Selector, Target
from pytest_unlearn.worlds.generate import people


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`space(person, hops)` in a made-up world of twenty people."""
    folder = tmp_path_factory.mktemp("chains")
    text = people(20, 0)
    (folder / "w.knowledge.yaml").write_text(text, encoding="utf-8")
    (folder / "w.unlearn.yaml").write_text(
        "version: 1\nmodel: nowhere\nknowledge: {include: w.knowledge.yaml}\nforget: {relation: lives_in}\n"
        "checks: {c: {ask: direct, limit: 5%}}\n",
        encoding="utf-8",
    )
    knowledge = build(load_scenario(folder / "w.unlearn.yaml", folder).knowledge, folder)
    person = next(entity.name for entity in knowledge.entities.values() if entity.type == "person")
    here = Mark(Path("w.unlearn.yaml"))
    closure = forgetting(knowledge, Target("t", (Selector(here, entity=person),), here))

    def made(hops: int) -> Space:
        entry = PROBES.get("multi_hop")
        found: Space = entry.make(entry.config(hops=hops), knowledge, closure)
        return found

    return made


@pytest.mark.parametrize("listed", [2_000, 0], ids=["listed", "drawn"])
def test_every_chain_is_found_again(space: Any, listed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multi_hop, "LISTED", listed)
    made = space(2)
    assert (made.count() is None) is (listed == 0)
    random = Random(0)
    for _ in range(20):
        probe = made.draw(random)
        assert made.again(probe.built) == probe
        assert made.again(replace(probe.built, id="another")) is None


@pytest.mark.parametrize("listed", [1_000_000, 0], ids=["listed", "drawn"])
def test_a_chain_is_simplified_to_shorter_ones_about_the_same_fact(
    space: Any, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multi_hop, "LISTED", listed)
    made, shorter = space(3), space(2)
    random = Random(0)
    simpler = 0
    for _ in range(20):
        probe = made.draw(random)
        for other in made.simpler(probe):
            assert (other.unit, other.size < probe.size) == (probe.unit, True)
            assert made.again(other.built) == other
            if len(other.chain) == 2:
                simpler += 1
                assert other.chain in (probe.chain[1:], probe.chain[:-1])
                assert shorter.again(other.built) == other
    assert simpler


def test_a_chain_of_two_facts_is_not_shortened_to_one(space: Any) -> None:
    made = space(2)
    assert all(len(other.chain) == 2 for probe in list(made.all())[:50] for other in made.simpler(probe))


def test_chains_that_are_too_many_cannot_be_listed(space: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multi_hop, "LISTED", 0)
    with pytest.raises(TypeError, match=r"^a space without a count cannot be listed$"):
        space(2).all()


def test_chains_whose_questions_all_contain_their_answer_are_given_up(tmp_path: Path) -> None:
    """One name holds those of all 46 words, to which 46 x 46 chains lead from it."""
    words, friends = [f"w{i}" for i in range(46)], [f"f{i}" for i in range(46)]
    start = " ".join(words)
    entities = {start: "list", **dict.fromkeys(words, "word"), **dict.fromkeys(friends, "friend")}
    body = {
        "entities": entities,
        "relations": {
            "friend": {"noun": "a friend of {subject}", "many": True},
            "likes": {"ask": "Which word is liked by {subject}?", "many": True},
        },
        "facts": {"friend": {start: friends}, "likes": dict.fromkeys(friends, words)},
    }
    here = Mark(tmp_path / "w.unlearn.yaml")
    knowledge = build(KnowledgeUse(body, {}, (), None, None, here), tmp_path)
    closure = forgetting(knowledge, Target("t", (Selector(here, entity=start),), here))
    entry = PROBES.get("multi_hop")
    made = entry.make(entry.config(hops=2, position=("start",)), knowledge, closure)
    assert made.count() is None
    with pytest.raises(UnlearnError) as caught:
        made.draw(Random(0))
    assert str(caught.value) == (
        "a thousand questions in a row contain their own answer: word the relations' `noun` and `inverse_noun` "
        "otherwise, or ask with fewer `hops`"
    )


def test_chains_that_are_too_many_are_drawn_by_hypothesis_too_and_found_alike(
    space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hypothesis import HealthCheck, given, settings

    monkeypatch.setattr(multi_hop, "LISTED", 0)
    made = space(2)
    drawn = set()

    @settings(database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(made.strategy())
    def record(probe: Any) -> None:
        drawn.add(probe)

    record()
    assert len({probe.id for probe in drawn}) > 10
    probe = min(drawn, key=lambda probe: probe.rank)
    alike = made.alike(probe.way)
    assert {one.way for one in alike} == {probe.way}
    assert len({one.unit for one in alike}) == len(alike) <= 40
    assert alike == made.alike(probe.way)  # the same in every run


def test_a_search_draws_the_same_of_chains_that_are_too_many_to_list_every_time(
    space: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytest_unlearn.checks.search import drawn

    monkeypatch.setattr(multi_hop, "LISTED", 0)
    once, again = drawn(space(2), 60, seed=1), drawn(space(2), 60, seed=1)
    assert [probe.id for probe in once] == [probe.id for probe in again]
    assert len({probe.id for probe in once}) == len(once) > 20
