"""Chains through what must be forgotten: which there are, that draws are uniform, and that both are fast."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise, permutations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Entity, Fact, Knowledge, Relation
from pytest_unlearn.knowledge.paths import Chain, Position, Step, Walks, ends, secret_ends

World = Callable[..., Knowledge]
Forget = Callable[..., Closure]

POSITIONS: tuple[Position, ...] = ("start", "bridge", "answer")
EUROPE = """
entities:
  France: country
  Spain: country
  Italy: country
  Paris: city
  Madrid: city
  Rome: city
  euro: currency
relations:
  capital:
    ask: "What is the capital of {subject}?"
    inverse: "Which country has the capital {object}?"
    noun: the capital of {subject}
    inverse_noun: the country whose capital is {object}
  currency: {ask: "What is the currency of {subject}?"}
  neighbour: {ask: "Name a neighbour of {subject}.", noun: "a neighbour of {subject}", many: true, symmetric: true}
facts:
  capital: {France: Paris, Spain: Madrid, Italy: Rome}
  currency: {France: euro, Spain: euro, Italy: euro}
  neighbour: {France: [Spain, Italy]}
"""


def told(chains: Iterator[Chain]) -> list[str]:
    return [" > ".join(chain.entities) for chain in chains]


def listed(knowledge: Knowledge, closure: Closure, hops: int) -> dict[Position, list[str]]:
    return {position: told(Walks(knowledge, closure, hops, position).all()) for position in POSITIONS}


def test_chains_of_two_facts_begin_at_pass_through_or_end_in_an_entity(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    assert listed(europe, forget(europe, "France"), 2) == {
        "start": [
            "France > Spain > Madrid",
            "France > Spain > euro",
            "France > Italy > Rome",
            "France > Italy > euro",
        ],
        "bridge": [
            "Spain > France > Paris",
            "Spain > France > euro",
            "Spain > France > Italy",
            "Italy > France > Paris",
            "Italy > France > euro",
            "Italy > France > Spain",
            "Paris > France > euro",
            "Paris > France > Spain",
            "Paris > France > Italy",
        ],
        "answer": ["Madrid > Spain > France", "Rome > Italy > France"],
    }


def test_a_step_without_words_is_not_walked(world: World, forget: Forget) -> None:
    """`currency` has no noun: it can only be the last hop. It has no `inverse`: nothing ends in a country by it."""
    europe = world(EUROPE)
    found = [*Walks(europe, forget(europe, "euro"), 2, "start").all()]
    assert found == []
    ending = told(Walks(europe, forget(europe, "euro"), 2, "answer").all())
    assert "Paris > France > euro" in ending
    assert len(ending) == 7  # by capital: 3; by neighbour: from Spain, from Italy, from France twice


def test_a_chain_tells_its_steps_its_facts_as_they_are_stored_and_its_unit(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    (chain,) = (
        one
        for one in Walks(europe, forget(europe, "France"), 2, "bridge").all()
        if one.start == "Italy" and one.end == "Paris"
    )
    assert chain == Chain(
        steps=(Step("neighbour", True), Step("capital", True)),
        facts=(Fact("France", "neighbour", "Italy"), Fact("France", "capital", "Paris")),
        entities=("Italy", "France", "Paris"),
        unit="France | neighbour | Italy",
    )
    assert (chain.start, chain.bridges, chain.end) == ("Italy", ("France",), "Paris")


def test_walking_a_fact_against_its_direction_is_a_backward_step(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    (chain,) = Walks(europe, forget(europe, "Madrid"), 2, "start").all(1)
    assert chain.steps[0] == Step("capital", False)
    assert chain.facts[0] == Fact("Spain", "capital", "Madrid")


def test_for_a_fact_the_position_is_that_of_the_fact_in_the_chain(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    closure = forget(europe, fact=("France", "neighbour", "Italy"))
    assert listed(europe, closure, 2) == {
        "start": [
            "France > Italy > Rome",
            "France > Italy > euro",
            "Italy > France > Paris",
            "Italy > France > euro",
            "Italy > France > Spain",
        ],
        "bridge": [],
        "answer": [
            "Spain > France > Italy",
            "Paris > France > Italy",
            "Rome > Italy > France",
        ],
    }
    through = Walks(europe, closure, 3, "bridge")
    assert told(through.all()) == [
        "Spain > France > Italy > Rome",
        "Spain > France > Italy > euro",
        "Paris > France > Italy > Rome",
        "Paris > France > Italy > euro",
        "Rome > Italy > France > Paris",
        "Rome > Italy > France > euro",
        "Rome > Italy > France > Spain",
    ]
    assert {chain.unit for chain in through.all()} == {"France | neighbour | Italy"}


def test_the_unit_of_a_relation_request_is_the_fact_at_the_position(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    closure = forget(europe, relation="neighbour")
    first = next(
        one for one in Walks(europe, closure, 2, "start").all() if one.entities == ("Spain", "France", "Italy")
    )
    assert first.unit == "France | neighbour | Spain"
    ending = [one.unit for one in Walks(europe, closure, 2, "answer").all()]
    assert ending == [
        "France | neighbour | Spain",
        "France | neighbour | Italy",
        "France | neighbour | Spain",
        "France | neighbour | Italy",
    ]


def test_start_goes_before_answer_and_answer_before_bridge(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    found = listed(europe, forget(europe, "France", "Spain"), 2)
    assert "France > Spain > Madrid" in found["start"]  # Spain is a bridge too
    assert "Italy > France > Spain" in found["answer"]  # France is a bridge too
    assert "Italy > France > Paris" in found["bridge"]
    everything = [one for position in POSITIONS for one in found[position]]
    assert len({*everything}) == len(everything)


def test_an_entity_and_a_fact_may_be_asked_for_together(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    closure = forget(europe, "Spain", fact=("Italy", "capital", "Rome"))
    found = listed(europe, closure, 2)
    assert "Italy > France > Spain" in found["answer"]
    assert "Rome > Italy > France" in found["start"]
    assert "France > Italy > Rome" in found["answer"]
    assert "Madrid > Spain > France" in found["bridge"]


def test_two_relations_between_two_entities_are_two_chains(forget: Forget) -> None:
    relations = {name: Relation(name, ask=("{subject}?",), noun="of {subject}", many=True) for name in "rs"}
    facts = tuple(Fact(a, name, b) for a, b in ("ab", "bc") for name in "rs")
    double = Knowledge({name: Entity(name, "t") for name in "abc"}, relations, facts, {}, "")
    walks = Walks(double, forget(double, "b"), 2, "bridge")
    assert walks.count() == 4
    assert ["".join(step.relation for step in chain.steps) for chain in walks.all()] == ["rr", "rs", "sr", "ss"]


def test_a_symmetric_fact_stored_both_ways_is_one_way_to_walk(forget: Forget) -> None:
    relation = Relation("s", ask=("{subject}?",), noun="of {subject}", many=True, symmetric=True)
    facts = (Fact("a", "s", "b"), Fact("b", "s", "a"), Fact("b", "s", "c"))
    mirrored = Knowledge({name: Entity(name, "t") for name in "abc"}, {"s": relation}, facts, {}, "")
    chains = list(Walks(mirrored, forget(mirrored, "b"), 2, "bridge").all())
    assert [(chain.entities, chain.facts) for chain in chains] == [
        (("a", "b", "c"), (facts[0], facts[2])),
        (("c", "b", "a"), (facts[2], facts[1])),
    ]


def test_where_there_is_no_chain_a_draw_says_what_to_do(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    walks = Walks(europe, forget(europe, "euro"), 2, "start")
    assert walks.count() == 0
    with pytest.raises(UnlearnError) as caught:
        walks.draw(Random(0))
    assert str(caught.value) == (
        "no chain of 2 facts has the forgotten thing at its start: ask with fewer hops or other positions, or give "
        "more relations a `noun`"
    )


def test_a_chain_has_at_least_one_hop(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    with pytest.raises(ValueError, match="a chain has at least one hop, not 0"):
        Walks(europe, forget(europe, "euro"), 0, "start")


def test_chains_are_not_simple_where_every_walk_comes_back(forget: Forget) -> None:
    """In a triangle every walk of three facts that does not go straight back ends where it began."""
    relation = Relation("s", ask=("{subject}?",), noun="of {subject}", many=True, symmetric=True)
    facts = (Fact("a", "s", "b"), Fact("b", "s", "c"), Fact("c", "s", "a"))
    triangle = Knowledge({name: Entity(name, "t") for name in "abc"}, {"s": relation}, facts, {}, "")
    walks = Walks(triangle, forget(triangle, "b"), 3, "bridge")
    assert walks.count() == 0
    with pytest.raises(UnlearnError, match="no chain of 3 facts"):
        walks.draw(Random(0))


# Random graphs against brute force

NAMES = "abcdef"
RELATIONS = {
    "both": Relation("both", ("{subject}?",), ("{object}?",), "", "of {subject}", "from {object}", many=True),
    "mirror": Relation("mirror", ("{subject}?",), noun="of {subject}", many=True, symmetric=True),
    "last": Relation("last", ("{subject}?",), ("{object}?",), many=True),
    "inner": Relation("inner", noun="of {subject}", inverse_noun="from {object}", many=True),
    "back": Relation("back", ("{subject}?",), noun="of {subject}", many=True, inverse_of="both"),
}
worlds = st.lists(
    st.builds(Fact, st.sampled_from(NAMES), st.sampled_from(list(RELATIONS)), st.sampled_from(NAMES)),
    min_size=1,
    max_size=14,
    unique=True,
).map(lambda facts: Knowledge({n: Entity(n, "t") for n in NAMES}, RELATIONS, tuple(facts), {}, ""))


def hops_between(knowledge: Knowledge, near: str, far: str, last: bool) -> list[tuple[Step, Fact]]:
    """Every way to say a hop from one entity to another."""
    found = []
    for name, relation in knowledge.relations.items():
        onward, back = Fact(near, name, far), Fact(far, name, near)
        if relation.ask if last else relation.noun:
            if onward in knowledge.stored:
                found.append((Step(name, True), onward))
            elif relation.symmetric and back in knowledge.stored:
                found.append((Step(name, True), back))
        if (
            back in knowledge.stored
            and not relation.symmetric
            and (relation.inverse if last else relation.inverse_noun)
        ):
            found.append((Step(name, False), back))
    return found


def brute(
    knowledge: Knowledge, closure: Closure, hops: int
) -> dict[Position | None, set[tuple[tuple[str, ...], tuple[Fact, ...], tuple[Step, ...]]]]:
    """Every chain by its position, from the definitions."""
    gone = closure.entities
    loose = {fact for fact in closure.target if fact.subject not in gone and fact.object not in gone}
    found: dict[Position | None, set[tuple[tuple[str, ...], tuple[Fact, ...], tuple[Step, ...]]]] = {
        position: set() for position in (*POSITIONS, None)
    }
    for entities in permutations(NAMES, hops + 1):
        between = [hops_between(knowledge, *pair, last=i == hops - 1) for i, pair in enumerate(pairwise(entities))]
        for way in product(*between):
            steps, facts = tuple(step for step, _ in way), tuple(fact for _, fact in way)
            position: Position | None = None
            if entities[0] in gone or facts[0] in loose:
                position = "start"
            elif entities[-1] in gone or facts[-1] in loose:
                position = "answer"
            elif {*entities[1:-1]} & gone or {*facts[1:-1]} & loose:
                position = "bridge"
            found[position].add((entities, facts, steps))
    return found


def requested(data: st.DataObject, forget: Forget, knowledge: Knowledge) -> Closure:
    fact = data.draw(st.sampled_from(knowledge.facts))
    keys = data.draw(
        st.sampled_from([{}, {"relation": fact.relation}, {"fact": (fact.subject, fact.relation, fact.object)}])
    )
    if keys and data.draw(st.booleans()):
        return forget(knowledge, **keys)
    return forget(knowledge, fact.object, **keys)


@given(worlds, st.integers(1, 4), st.data())
@settings(max_examples=120, deadline=None)
def test_the_chains_are_those_that_brute_force_finds(
    forget: Forget, knowledge: Knowledge, hops: int, data: st.DataObject
) -> None:
    closure = requested(data, forget, knowledge)
    expected = brute(knowledge, closure, hops)
    for position in POSITIONS:
        walks = Walks(knowledge, closure, hops, position)
        chains = list(walks.all())
        assert {(chain.entities, chain.facts, chain.steps) for chain in chains} == expected[position]
        assert walks.count() == len(chains) == len(expected[position])
        assert all(chain.unit in {fact.id for fact in closure.target} & {f.id for f in chain.facts} for chain in chains)


@given(worlds, st.integers(1, 4), st.data())
@settings(max_examples=150, deadline=None)
def test_what_is_drawn_is_one_of_the_chains(
    forget: Forget, knowledge: Knowledge, hops: int, data: st.DataObject
) -> None:
    closure = requested(data, forget, knowledge)
    position = data.draw(st.sampled_from(POSITIONS))
    walks = Walks(knowledge, closure, hops, position)
    chains = set(walks.all())
    if chains:
        seed = data.draw(st.integers(0, 100))
        drawn = [walks.draw(random) for random in [Random(seed)] for _ in range(5)]
        assert set(drawn) <= chains
        again = Walks(knowledge, closure, hops, position)
        assert [again.draw(random) for random in [Random(seed)] for _ in range(5)] == drawn


@given(worlds, st.integers(1, 3), st.data())
@settings(max_examples=200, deadline=None)
def test_secret_ends_are_those_that_every_walk_reaches_through_what_must_go(
    forget: Forget, knowledge: Knowledge, hops: int, data: st.DataObject
) -> None:
    closure = requested(data, forget, knowledge)
    position = data.draw(st.sampled_from(POSITIONS))
    for chain in Walks(knowledge, closure, hops, position).all(5):
        every, clean = walked(knowledge, chain, frozenset()), walked(knowledge, chain, closure.hidden)
        simple = {walk[-1] for walk in every if len({*walk}) == hops + 1}
        found = ends(knowledge, chain.start, chain.steps)
        assert [*found] == [name for name in NAMES if name in {walk[-1] for walk in every} - {chain.start}]
        assert chain.end in found
        secret = simple - {walk[-1] for walk in clean}
        assert [*secret_ends(knowledge, closure, chain.start, chain.steps)] == [n for n in NAMES if n in secret]


def walked(knowledge: Knowledge, chain: Chain, without: frozenset[Fact]) -> list[tuple[str, ...]]:
    """The entities of every walk by the chain's steps from its start, entities met twice included."""
    walks: list[tuple[str, ...]] = [(chain.start,)]
    for relation, forward in chain.steps:
        symmetric = knowledge.relations[relation].symmetric
        pairs = [
            pair
            for fact in knowledge.facts
            if fact.relation == relation and fact not in without
            for pair in ([(fact.subject, fact.object)] if forward or symmetric else [])
            + ([(fact.object, fact.subject)] if not forward or symmetric else [])
        ]
        walks = [(*walk, far) for walk in walks for near, far in pairs if near == walk[-1]]
    return walks


def test_an_answer_that_is_true_without_the_target_is_no_secret(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    closure = forget(europe, "France")
    money = (Step("neighbour", True), Step("currency", True))
    assert ends(europe, "Spain", money) == ("euro",)
    assert secret_ends(europe, closure, "Spain", money) == ("euro",)  # Spain's only neighbour is France
    more = world(EUROPE.replace("France: [Spain, Italy]", "France: [Spain, Italy], Spain: Italy"))
    assert secret_ends(more, forget(more, "France"), "Spain", money) == ()  # Italy's is the euro too


def test_repeating_a_bridge_is_no_secret(forget: Forget) -> None:
    """From a by r to b; by s on to c or d and, over c, back to b, which the question is about and does not name."""
    s = Relation("s", ask=("{subject}?",), noun="of {subject}", many=True, symmetric=True)
    r = Relation("r", ask=("{subject}?",), noun="of {subject}")
    facts = (Fact("a", "r", "b"), Fact("b", "s", "c"), Fact("c", "s", "d"))
    knowledge = Knowledge({n: Entity(n, "t") for n in "abcd"}, {"r": r, "s": s}, facts, {}, "")
    steps = (Step("r", True), Step("s", True), Step("s", True))
    assert ends(knowledge, "a", steps) == ("b", "d")
    assert secret_ends(knowledge, forget(knowledge, "c"), "a", steps) == ("d",)


def uniform(walks: Walks, draws: int) -> float:
    """The p-value of a chi-square test that every chain is as likely as another."""
    chains, random = list(walks.all()), Random(1)
    counted = Counter(walks.draw(random) for _ in range(draws))
    assert counted.keys() <= {*chains}
    assert draws >= 20 * len(chains)
    return float(chisquare([counted[chain] for chain in chains]).pvalue)


@pytest.mark.parametrize("hops", [2, 3])
@pytest.mark.parametrize("position", POSITIONS)
def test_draws_are_uniform_over_the_chains_of_a_multigraph(forget: Forget, hops: int, position: Position) -> None:
    random = Random(5)
    facts = tuple(
        Fact(a, name, b) for name in ("both", "mirror", "last") for a in NAMES for b in NAMES if random.random() < 0.3
    )
    knowledge = Knowledge({n: Entity(n, "t") for n in NAMES}, RELATIONS, facts, {}, "")
    walks = Walks(knowledge, forget(knowledge, "a"), hops, position)
    assert 15 < len(list(walks.all())) < 1_000
    assert uniform(walks, 20_000) > 0.001


@pytest.mark.parametrize("position", POSITIONS)
def test_draws_are_uniform_for_forgotten_facts(forget: Forget, position: Position) -> None:
    random = Random(6)
    facts = tuple(Fact(a, n, b) for n in ("both", "mirror") for a in NAMES for b in NAMES if random.random() < 0.4)
    knowledge = Knowledge({n: Entity(n, "t") for n in NAMES}, RELATIONS, facts, {}, "")
    walks = Walks(knowledge, forget(knowledge, relation="mirror"), 3, position)
    assert 15 < len(list(walks.all())) < 1_000
    assert uniform(walks, 20_000) > 0.001


def test_a_hub_of_thousands_does_not_starve_the_draws(forget: Forget) -> None:
    """Walks to a hub and straight back to it would outnumber the one chain beside it a million times."""
    both = {"r": Relation("r", ("{subject}?",), ("{object}?",), "", "of {subject}", "from {object}", many=True)}
    leaves = [f"leaf {i}" for i in range(2_000)]
    facts = (
        *(Fact(leaf, "r", "hub") for leaf in leaves),
        Fact("hub", "r", "x"),
        Fact("x", "r", "y"),
        Fact("y", "r", "z"),
    )
    star = Knowledge({name: Entity(name, "t") for name in (*leaves, *"xyz", "hub")}, both, facts, {}, "")
    walks = Walks(star, forget(star, "x"), 4, "bridge")
    began = time.perf_counter()
    drawn = [walks.draw(random) for random in [Random(0)] for _ in range(100)]
    assert {chain.entities[1:] for chain in drawn if chain.start in leaves} == {("hub", "x", "y", "z")}
    assert time.perf_counter() - began < 2


def complete(n: int) -> Knowledge:
    names = [f"n{i}" for i in range(n)]
    relation = Relation("r", ask=("What is the r of {subject}?",), noun="the r of {subject}", many=True)
    facts = tuple(Fact(near, "r", far) for near in names for far in names if near != far)
    return Knowledge({name: Entity(name, "t") for name in names}, {"r": relation}, facts, {}, "")


def test_chains_of_a_complete_graph_are_as_many_as_they_should_be(forget: Forget) -> None:
    """20 entities, 4 distinct in a chain of 3 facts: 19*18*17 start at one, as many end there, 2*19*18*17 pass it."""
    knowledge = complete(20)
    closure = forget(knowledge, "n3")
    assert [Walks(knowledge, closure, 3, position).count() for position in POSITIONS] == [5814, 11628, 5814]
    assert Walks(knowledge, closure, 4, "start").count() is None  # 93,024


@pytest.mark.parametrize("position", POSITIONS)
def test_500_chains_of_four_facts_are_drawn_from_a_complete_graph_in_no_time(
    forget: Forget, position: Position, record_property: Callable[[str, object], None]
) -> None:
    knowledge = complete(200)
    closure = forget(knowledge, "n7")
    began = time.process_time()
    walks = Walks(knowledge, closure, 4, position)
    random = Random(0)
    chains = [walks.draw(random) for _ in range(500)]
    took = time.process_time() - began
    record_property("seconds", round(took, 3))
    assert took < 3  # 0.15 to 0.25 s on a laptop
    assert len({*chains}) == 500
    assert all(len({*chain.entities}) == 5 for chain in chains)
    where = {"start": {0}, "bridge": {1, 2, 3}, "answer": {4}}[position]
    assert {chain.entities.index("n7") for chain in chains} == where
