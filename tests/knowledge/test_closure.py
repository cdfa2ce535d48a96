"""What a forget request takes with it, on graphs small enough to check by eye."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unlearn.errors import Mark, ScenarioError
from pytest_unlearn.knowledge.closure import Closure, far_facts, forgetting, gold, halves, near_facts
from pytest_unlearn.knowledge.graph import Entity, Fact, Knowledge, Relation
from pytest_unlearn.scenario.model import Selector, Target

World = Callable[..., Knowledge]
Forget = Callable[..., Closure]

EUROPE = """
entities:
  France: {type: country, aliases: [Hexagon]}
  Spain: country
  Portugal: country
  Japan: country
  Paris: city
  Madrid: city
  Lisbon: city
  Tokyo: city
  Europe: continent
  Asia: continent
relations:
  capital: {ask: "What is the capital of {subject}?"}
  seat_of: {ask: "Which country is run from {subject}?", inverse_of: capital}
  neighbour: {ask: "Name a neighbour of {subject}.", many: true, symmetric: true}
  continent: {ask: "On which continent is {subject}?"}
facts:
  capital: {France: Paris, Spain: Madrid, Portugal: Lisbon, Japan: Tokyo}
  seat_of: {Paris: France, Madrid: Spain}
  neighbour: {France: Spain, Spain: [France, Portugal]}
  continent: {France: Europe, Spain: Europe, Portugal: Europe, Japan: Asia}
"""

DOGS = """
entities:
  Jane: {type: person, private: true}
  Bob: person
  Rex: dog
  Tom: dog
  Poodle: breed
  Beagle: breed
  Lyon: city
relations:
  owner: {ask: "Who owns {subject}?"}
  breed: {ask: "Of what breed is {subject}?"}
  lives_in: {ask: "Where does {subject} live?"}
facts:
  owner: {Rex: Jane, Tom: Bob}
  breed: {Rex: Poodle, Tom: Beagle}
  lives_in: {Jane: Lyon, Bob: Lyon}
"""

FAMILY = """
entities: {Ann: person, Bea: person, Cid: person, Dan: person, Eve: person}
relations:
  parent: {ask: "Who is a parent of {subject}?", many: true}
  grandparent: {ask: "Who is a grandparent of {subject}?", many: true, via: [parent, parent]}
  kin: {ask: "Who is kin of {subject}?", many: true, via: [grandparent], symmetric: true}
facts:
  parent: {Ann: [Bea, Eve], Bea: Cid, Eve: Dan}
  grandparent: {Ann: [Cid, Dan]}
  kin: {Ann: Cid, Dan: Ann, Bea: Eve}
"""


def said(facts: tuple[Fact, ...]) -> list[str]:
    return [" ".join((fact.subject, fact.relation, fact.object)) for fact in facts]


def test_an_entity_takes_every_fact_with_it_at_either_end(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), "France")
    assert said(closure.target) == [
        "France capital Paris",
        "Paris seat_of France",
        "France neighbour Spain",
        "Spain neighbour France",
        "France continent Europe",
    ]
    assert closure.entities == {"France"}
    assert closure.ends == {"France", "Paris", "Spain", "Europe"}
    assert not closure.private
    assert closure.lost == ()


def test_an_alias_selects_the_entity(world: World, forget: Forget) -> None:
    assert forget(world(EUROPE), "Hexagon") == forget(world(EUROPE), "France")


def test_a_relation_takes_its_facts_and_their_counterparts(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), relation="capital")
    assert said(closure.target) == [
        "France capital Paris",
        "Spain capital Madrid",
        "Portugal capital Lisbon",
        "Japan capital Tokyo",
        "Paris seat_of France",
        "Madrid seat_of Spain",
    ]
    assert closure.entities == frozenset()


def test_where_keeps_the_facts_whose_subject_has_the_object(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    assert said(forget(europe, relation="capital", where=(("continent", "Asia"),)).target) == ["Japan capital Tokyo"]
    iberia = forget(europe, relation="capital", where=(("continent", "Europe"), ("neighbour", "Spain")))
    assert said(iberia.target) == ["France capital Paris", "Portugal capital Lisbon", "Paris seat_of France"]


def test_where_looks_at_both_ends_of_a_symmetric_fact(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), relation="neighbour", where=(("capital", "Lisbon"),))
    assert said(closure.target) == ["Spain neighbour Portugal"]


def test_the_mirror_of_a_symmetric_fact_goes_with_it(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    both = ["France neighbour Spain", "Spain neighbour France"]
    assert said(forget(europe, fact=("France", "neighbour", "Spain")).target) == both
    assert said(forget(europe, fact=("Portugal", "neighbour", "Spain")).target) == ["Spain neighbour Portugal"]


def test_a_counterpart_goes_in_both_directions_of_inverse_of(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    both = ["Spain capital Madrid", "Madrid seat_of Spain"]
    assert said(forget(europe, fact=("Spain", "capital", "Madrid")).target) == both
    assert said(forget(europe, fact=("Madrid", "seat_of", "Spain")).target) == both
    assert said(forget(europe, fact=("Tokyo", "seat_of", "Japan")).target) == ["Japan capital Tokyo"]


def test_several_selectors_add_up(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), "Portugal", fact=("Japan", "capital", "Tokyo"))
    assert said(closure.target) == [
        "Portugal capital Lisbon",
        "Japan capital Tokyo",
        "Spain neighbour Portugal",
        "Portugal continent Europe",
    ]


def test_a_derived_fact_is_entailed_when_each_derivation_needs_the_target(world: World, forget: Forget) -> None:
    closure = forget(world(FAMILY), fact=("Ann", "parent", "Bea"))
    assert said(closure.entailed) == ["Ann grandparent Cid", "Ann kin Cid"]
    assert closure.hidden == {*closure.target, *closure.entailed}


def test_a_derived_fact_with_another_derivation_is_not_entailed(world: World, forget: Forget) -> None:
    text = FAMILY.replace("Eve: Dan}", "Eve: [Dan, Cid]}")
    assert forget(world(text), fact=("Ann", "parent", "Bea")).entailed == ()


def test_a_fact_follows_from_others_whichever_way_round_they_are_stored(world: World, forget: Forget) -> None:
    children = """
  child: {ask: "Who is a child of {subject}?", many: true, inverse_of: parent}
facts:
  child: {Bea: Ann, Eve: Ann, Cid: Bea, Dan: Eve}
"""
    family = FAMILY.replace("\nfacts:\n  parent: {Ann: [Bea, Eve], Bea: Cid, Eve: Dan}\n", children)
    closure = forget(world(family), fact=("Cid", "child", "Bea"))
    assert said(closure.target) == ["Cid child Bea"]
    assert said(closure.entailed) == ["Ann grandparent Cid", "Ann kin Cid"]


@pytest.mark.parametrize("seed", range(60, 110))
def test_what_is_entailed_is_what_brute_force_finds(seed: int) -> None:
    """On random graphs of five entities; whatever says the same is one statement, however it is stored."""
    random = Random(seed)
    names = [f"E{i}" for i in range(5)]
    relations = {
        "a": Relation("a", many=True),
        "b": Relation("b", many=True, inverse_of=random.choice([None, "a"])),
        "s": Relation("s", many=True, symmetric=True),
        "d": Relation("d", many=True, via=(random.choice("abs"), random.choice("abs"))),
        "e": Relation("e", many=True, via=(random.choice("absd"),), symmetric=random.random() < 0.5),
    }
    pairs = list(permutations(names, 2))
    facts = {Fact(near, random.choice("absde"), far) for near, far in random.choices(pairs, k=14)}
    knowledge = Knowledge({name: Entity(name, "t") for name in names}, relations, tuple(sorted(facts)), {}, "")
    chosen = random.choice(sorted(facts))
    at = Mark(Path())
    selector = Selector(at, fact=(chosen.subject, chosen.relation, chosen.object))
    closure = forgetting(knowledge, Target("t", (selector,), at))

    def same(one: Fact, other: Fact) -> bool:
        turned = Fact(other.object, other.relation, other.subject)
        if one.relation == other.relation:
            return one == other or (relations[one.relation].symmetric and one == turned)
        counterparts = {one.relation, other.relation} == {"a", "b"} and relations["b"].inverse_of == "a"
        return counterparts and (one.subject, one.object) == (turned.subject, turned.object)

    def follows(fact: Fact, some: set[Fact]) -> bool:
        def leads(start: str, via: tuple[str, ...], end: str) -> bool:
            if not via:
                return start == end
            steps = [n for n in names if any(same(Fact(start, via[0], n), one) for one in some)]
            return any(leads(n, via[1:], end) for n in steps)

        relation = relations[fact.relation]
        ends = [(fact.subject, fact.object), (fact.object, fact.subject)][: 1 + relation.symmetric]
        return bool(relation.via) and any(leads(near, relation.via, far) for near, far in ends)

    gone = {fact for fact in facts if same(fact, chosen)}
    entailed: set[Fact] = set()
    while more := {
        fact for fact in facts - gone - entailed if follows(fact, facts) and not follows(fact, facts - gone - entailed)
    }:
        entailed |= more
    assert set(closure.target) == gone
    assert set(closure.entailed) == entailed


def test_a_derived_fact_without_a_derivation_is_not_entailed(world: World, forget: Forget) -> None:
    closure = forget(world(FAMILY), relation="grandparent")
    assert said(closure.entailed) == ["Ann kin Cid", "Dan kin Ann"]
    assert "Bea kin Eve" in said(closure.retained)


def test_the_breed_of_a_dog_is_lost_with_its_owner(world: World, forget: Forget) -> None:
    closure = forget(world(DOGS), "Jane")
    assert said(closure.target) == ["Rex owner Jane", "Jane lives_in Lyon"]
    assert said(closure.lost) == ["Rex breed Poodle"]
    assert said(closure.retained) == ["Tom owner Bob", "Tom breed Beagle", "Bob lives_in Lyon"]
    assert closure.private


def test_the_breed_of_a_dog_is_lost_with_the_fact_who_owns_it(world: World, forget: Forget) -> None:
    closure = forget(world(DOGS), fact=("Rex", "owner", "Jane"))
    assert said(closure.lost) == ["Rex breed Poodle"]


def test_a_dog_whose_breed_others_share_still_hangs_on_the_world(world: World, forget: Forget) -> None:
    assert forget(world(DOGS.replace("Tom: Beagle", "Tom: Poodle")), "Jane").lost == ()


def test_a_part_of_the_graph_that_the_target_never_touched_is_retained(world: World, forget: Forget) -> None:
    apart = DOGS.replace("Beagle: breed", "Beagle: breed\n  Kim: dog").replace(
        "Tom: Beagle}", "Tom: Beagle, Kim: Beagle}"
    )
    apart = apart.replace(", Bob: Lyon", "")  # Jane, Rex, Lyon on one side; Bob, Tom, Kim on the other
    closure = forget(world(apart), "Jane")
    assert closure.lost == ()
    assert said(closure.retained) == ["Tom owner Bob", "Rex breed Poodle", "Tom breed Beagle", "Kim breed Beagle"]


def test_pieces_of_equal_size_are_all_retained(world: World, forget: Forget) -> None:
    """Without Europe the capitals of its countries stand alone, one fact each."""
    text = EUROPE.replace("France: Spain, Spain: [France, Portugal]", "").replace("Paris: France, Madrid: Spain", "")
    assert forget(world(text), "Europe").lost == ()


def test_forgetting_a_relation_loses_nothing_else(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), relation="continent")
    assert closure.lost == ()
    assert len(closure.retained) == 9


def test_a_retained_answer_loses_the_forgotten_entity(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), "France")
    assert gold(closure, "Spain", "neighbour") == ("Portugal",)
    assert gold(closure, "Spain", "capital") == ("Madrid",)
    assert gold(closure, "Madrid", "capital", forward=False) == ("Spain",)
    assert gold(closure, "Japan", "neighbour") == ()


def test_a_retained_answer_loses_what_only_a_forgotten_fact_makes_true(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), fact=("Spain", "neighbour", "France"))
    assert gold(closure, "Spain", "neighbour") == ("Portugal",)
    assert gold(closure, "Europe", "continent", forward=False) == ("France", "Spain", "Portugal")


def test_what_is_entailed_has_neighbours_too(world: World, forget: Forget) -> None:
    """That Cid is a grandparent of Ann must be gone with who is the parent of Ann: what is said of Cid is not far."""
    more = FAMILY.replace("Bea: Cid,", "Bea: Cid, Cid: Dan,")
    closure = forget(world(more), fact=("Ann", "parent", "Bea"))
    assert said(closure.entailed) == ["Ann grandparent Cid", "Ann kin Cid"]
    assert "Cid parent Dan" in said(near_facts(closure))
    assert "Cid parent Dan" not in said(far_facts(closure))


def test_neighbours_share_an_entity_with_a_target_fact_and_far_facts_share_none(world: World, forget: Forget) -> None:
    closure = forget(world(EUROPE), "Portugal")  # ends: Portugal, Lisbon, Spain, Europe
    assert said(near_facts(closure)) == [
        "Spain capital Madrid",
        "Madrid seat_of Spain",
        "France neighbour Spain",
        "Spain neighbour France",
        "France continent Europe",
        "Spain continent Europe",
    ]
    assert said(far_facts(closure)) == [
        "France capital Paris",
        "Japan capital Tokyo",
        "Paris seat_of France",
        "Japan continent Asia",
    ]


@pytest.mark.parametrize(
    ("entities", "keys", "message"),
    [
        (("Frence",), {}, "unknown entity 'Frence' - did you mean 'France'?"),
        (("Hexagone",), {}, "unknown entity 'Hexagone' - did you mean 'Hexagon'?"),
        (("Rome",), {}, "unknown entity 'Rome'"),
        ((), {"relation": "capitol"}, "unknown relation 'capitol' - did you mean 'capital'?"),
        (
            (),
            {"relation": "capital", "where": (("continents", "Europe"),)},
            "unknown relation 'continents' - did you mean 'continent'?",
        ),
        (
            (),
            {"relation": "capital", "where": (("continent", "Europa"),)},
            "unknown entity 'Europa' - did you mean 'Europe'?",
        ),
        (
            (),
            {"relation": "capital", "where": (("continent", "Spain"),)},
            "no fact matches 'relation: capital, continent: Spain', so there is nothing to forget",
        ),
        (
            (),
            {"fact": ("Spain", "capital", "Paris")},
            "there is no fact [Spain, capital, Paris]: 'capital' of 'Spain' is 'Madrid', so there is nothing to forget",
        ),
        (
            (),
            {"fact": ("Asia", "capital", "Paris")},
            "there is no fact [Asia, capital, Paris]: 'Asia' has no 'capital', so there is nothing to forget",
        ),
    ],
)
def test_a_selector_that_selects_nothing_is_told_at_its_place(
    world: World, forget: Forget, entities: tuple[str, ...], keys: dict[str, object], message: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        forget(world(EUROPE), *entities, **keys)
    (problem,) = caught.value.problems
    assert (problem.mark.line, problem.mark.column) == (3, 5)
    assert problem.message.startswith(message)


def test_the_mistakes_of_all_selectors_are_told_together(world: World, forget: Forget) -> None:
    with pytest.raises(ScenarioError) as caught:
        forget(world(EUROPE), "Frence", "Spain", fact=("Spian", "capitol", "Madrid"))
    assert [problem.message.split(" -")[0] for problem in caught.value.problems] == [
        "unknown entity 'Frence'",
        "unknown relation 'capitol'",
        "unknown entity 'Spian'",
    ]


def test_an_entity_without_facts_selects_nothing(world: World, forget: Forget) -> None:
    with pytest.raises(ScenarioError, match="'Oslo' has no facts, so there is nothing to forget"):
        forget(world(EUROPE.replace("  Tokyo: city", "  Tokyo: city\n  Oslo: city")), "Oslo")


NAMES = "abcdefgh"
RELATIONS = {
    "r": Relation("r", ask=("r {subject}?",), many=True),
    "s": Relation("s", ask=("s {subject}?",), many=True, symmetric=True),
    "back": Relation("back", ask=("back {subject}?",), many=True, inverse_of="r"),
    "far": Relation("far", ask=("far {subject}?",), many=True, via=("r", "s")),
}
worlds = st.lists(
    st.builds(Fact, st.sampled_from(NAMES), st.sampled_from(list(RELATIONS)), st.sampled_from(NAMES)),
    min_size=1,
    max_size=25,
    unique=True,
).map(lambda facts: Knowledge({n: Entity(n, "t") for n in NAMES}, RELATIONS, tuple(facts), {}, str(hash(tuple(facts)))))


@given(worlds, st.data())
@settings(max_examples=200, deadline=None)
def test_target_entailed_lost_and_retained_divide_the_facts(
    forget: Forget, knowledge: Knowledge, data: st.DataObject
) -> None:
    fact = data.draw(st.sampled_from(knowledge.facts))
    keys = data.draw(st.sampled_from([("entity", fact.subject), ("relation", fact.relation), ("fact", fact)]))
    chosen = keys[1] if isinstance(keys[1], str) else (fact.subject, fact.relation, fact.object)
    closure = forget(knowledge, **{keys[0]: chosen})
    parts = (closure.target, closure.entailed, closure.lost, closure.retained)
    assert sorted(fact for part in parts for fact in part) == sorted(knowledge.facts)
    assert fact in closure.target
    for part in parts:
        assert list(part) == [one for one in knowledge.facts if one in part]
    for one in (*closure.lost, *closure.retained):
        assert not {one.subject, one.object} & closure.entities
    assert all(fact.relation == "far" for fact in closure.entailed)
    assert {*near_facts(closure), *far_facts(closure)} == {*closure.retained}


@given(worlds, st.data())
@settings(max_examples=100, deadline=None)
def test_no_fact_that_stays_says_the_same_as_one_that_goes(
    forget: Forget, knowledge: Knowledge, data: st.DataObject
) -> None:
    fact = data.draw(st.sampled_from(knowledge.facts))
    closure = forget(knowledge, fact=(fact.subject, fact.relation, fact.object))
    says = {"r": "back", "back": "r", "s": "s"}
    for one in (*closure.lost, *closure.retained):
        if one.relation in says:
            assert Fact(one.object, says[one.relation], one.subject) not in closure.target


def test_halves_are_about_equal_stable_and_keep_mirrors_together() -> None:
    facts = [Fact(f"a{i}", "r", f"b{i % 40}") for i in range(1_000)]
    trained, held_out = halves(facts, 0)
    assert {*trained, *held_out} == {*facts}
    assert 450 < len(trained) < 550
    assert halves(facts, 0) == (trained, held_out)
    assert halves(reversed(facts), 0)[0] == tuple(reversed(trained))
    assert halves(facts, 1)[0] != trained
    mirrored = [mirror for fact in facts for mirror in (fact, Fact(fact.object, "s", fact.subject))]
    for half in map(set, halves(mirrored, 0)):
        assert all((mirrored[i] in half) is (mirrored[i + 1] in half) for i in range(0, 2_000, 2))
