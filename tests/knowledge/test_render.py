"""Facts and chains in words, and made-up names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Entity, Fact, Knowledge, Relation
from pytest_unlearn.knowledge.paths import Chain, Step, Walks
from pytest_unlearn.knowledge.render import chain_question, fill, invented, inverse_question, question, statement
from pytest_unlearn.names import find_names, normalise

World = Callable[..., Knowledge]
Forget = Callable[..., Closure]

EUROPE = """
entities: {France: country, the Fox: {type: country, aliases: [Foxland]}, Paris: city, euro: currency}
relations:
  capital:
    ask: ["What is the capital of {subject}?", "{subject} has which capital?"]
    inverse: ["Which country has the capital {object}?", "{object} is the capital of what?"]
    say: "{subject} is run from {object}."
    noun: the capital of {subject}
    inverse_noun: the country whose capital is {object}
  currency: {ask: "What is the currency of {subject}?", noun: "the money of {subject}"}
  neighbour: {ask: "{subject} borders what?", noun: "a neighbour of {subject}", symmetric: true, many: true}
facts:
  capital: {France: Paris}
  currency: {France: euro}
  neighbour: {the Fox: France}
"""


def chain(*parts: str) -> Chain:
    """`chain("Paris", "capital back", "France")`."""
    entities, said = parts[::2], [part.split() for part in parts[1::2]]
    steps = tuple(Step(words[0], len(words) == 1) for words in said)
    return Chain(steps, (), entities, "")


def test_questions_and_statements_are_the_templates_filled(world: World) -> None:
    europe = world(EUROPE)
    capital = europe.relations["capital"]
    assert question(capital, "France") == "What is the capital of France?"
    assert question(capital, "France", 1) == "France has which capital?"
    assert inverse_question(capital, "Paris") == "Which country has the capital Paris?"
    assert statement(europe, Fact("France", "capital", "Paris")) == "France is run from Paris."


def test_a_name_is_capitalised_only_where_it_opens_the_text(world: World) -> None:
    capital = world(EUROPE).relations["capital"]
    assert question(capital, "the Fox", 1) == "The Fox has which capital?"
    assert question(capital, "the Fox") == "What is the capital of the Fox?"


def test_a_fact_that_has_no_words_cannot_be_stated(world: World) -> None:
    with pytest.raises(ValueError, match="the relation 'currency' has no `say`: facts of it cannot be stated"):
        statement(world(EUROPE), Fact("France", "currency", "euro"))


@given(st.text(st.sampled_from("{}subject\\1 "), min_size=1))
def test_names_are_put_in_as_they_are(name: str) -> None:
    assert fill("Is it {subject}, {object}?", subject=name, object=name) == f"Is it {name}, {name}?"


@pytest.mark.parametrize(
    ("walk", "text"),
    [
        (
            ("Paris", "capital back", "France", "currency", "euro"),
            "What is the currency of the country whose capital is {}?",
        ),
        (("the Fox", "neighbour", "France", "capital", "Paris"), "What is the capital of a neighbour of {}?"),
        (
            ("the Fox", "neighbour", "France", "capital", "Paris", "capital back", "France"),
            "Which country has the capital the capital of a neighbour of {}?",
        ),
        (("Paris", "capital back", "France"), "Which country has the capital {}?"),
    ],
)
def test_a_chain_is_asked_from_the_inside_out(world: World, walk: tuple[str, ...], text: str) -> None:
    asked, hole = chain_question(world(EUROPE), chain(*walk))
    assert hole == text
    assert asked == text.replace("{}", walk[0])


def test_a_chain_that_opens_with_a_phrase_is_capitalised(world: World) -> None:
    walk = chain("Paris", "capital back", "France", "neighbour", "the Fox")
    assert chain_question(world(EUROPE), walk)[0] == "The country whose capital is Paris borders what?"


def test_a_chain_may_start_from_an_alias(world: World) -> None:
    walk = chain("the Fox", "neighbour", "France", "currency", "euro")
    assert chain_question(world(EUROPE), walk, alias="Foxland") == (
        "What is the currency of a neighbour of Foxland?",
        "What is the currency of a neighbour of {}?",
    )


def test_the_hole_keeps_braces_of_other_kinds_out_of_the_way() -> None:
    name = "{subject}"
    known = Knowledge(
        {name: Entity(name, "t")}, {"r": Relation("r", ask=("r of {subject}?",), noun="the r of {subject}")}, (), {}, ""
    )
    walk = Chain((Step("r", True), Step("r", True)), (), (name, "b", "c"), "")
    assert chain_question(known, walk) == ("r of the r of {subject}?", "r of the r of {}?")


def test_every_chain_of_a_world_names_its_start_and_no_bridge(world: World, forget: Forget) -> None:
    europe = world(EUROPE)
    walks = Walks(europe, forget(europe, "France"), 2, "bridge")
    found = list(walks.all())
    assert [one.entities for one in found] == [
        ("the Fox", "France", "Paris"),
        ("the Fox", "France", "euro"),
        ("Paris", "France", "euro"),
        ("Paris", "France", "the Fox"),
    ]
    for one in found:
        text = chain_question(europe, one)[0]
        assert one.start.lower() in text.lower()
        assert "France" not in text


def of_type(*names: str, others: tuple[str, ...] = ()) -> Knowledge:
    entities = {name: Entity(name, "country", (name.upper(),)) for name in names}
    return Knowledge({**entities, **{name: Entity(name, "city") for name in others}}, {}, (), {}, "digest")


def test_a_made_up_name_begins_like_one_and_ends_like_another() -> None:
    found = invented(of_type("France", "Germany"), "country", 3, seed=0)
    assert "Framany" in found


@given(
    st.lists(
        st.text(st.sampled_from("abcdé -"), min_size=1, max_size=8).filter(str.strip),
        min_size=1,
        max_size=5,
        unique_by=normalise,
    ),
    st.integers(1, 30),
    st.integers(0, 5),
)
def test_made_up_names_are_many_new_different_and_always_the_same(names: list[str], n: int, seed: int) -> None:
    known = of_type(*names, others=("Aba",))
    found = invented(known, "country", n, seed)
    assert len({normalise(name) for name in found}) == n
    assert not {normalise(name) for name in found} & {normalise(name) for name in known.by_name}
    assert not any(find_names(name, names) for name in found)
    assert found == invented(known, "country", n, seed)


def test_another_seed_makes_up_other_names() -> None:
    known = of_type("France", "Germany", "Portugal", "Romania", "Denmark")
    assert invented(known, "country", 5, seed=1) != invented(known, "country", 5, seed=2)


@pytest.mark.parametrize("names", [("Lyon",), ("a",), ("4711",), ("巴黎",), ("Guinea-Bissau", "Guinea")])
def test_one_or_two_names_are_enough_to_make_up_twenty(names: tuple[str, ...]) -> None:
    assert len(set(invented(of_type(*names), "country", 20, seed=0))) == 20


def test_none_asked_for_is_none_made_up() -> None:
    assert invented(of_type("a"), "country", 0, seed=0) == ()
