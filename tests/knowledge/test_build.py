"""Knowledge files: every shape they may have, and every mistake told at its place."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.errors import Mark, ScenarioError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.graph import Entity, Fact, Knowledge, Relation, TypeInfo
from pytest_unlearn.registry import SOURCES
from pytest_unlearn.scenario.model import KnowledgeUse

World = Callable[..., Knowledge]
Complaints = Callable[..., list[str]]

JANE = """\
types:
  city: {closed: true}
entities:
  Jane Roe: {type: customer, aliases: [J. Roe, customer 4711], private: true}
  Bob: customer
  Lyon: city
  Nice: {type: city}
relations:
  lives_in:
    ask: ["Where does {subject} live?", "In which city is {subject}'s home?"]
    inverse: "Which customer lives in {object}?"
    say: "{subject} lives in {object}."
    noun: the home town of {subject}
    inverse_noun: the customer who lives in {object}
  visited: {ask: "Where was {subject}?", many: true}
facts:
  - [J. Roe, lives_in, Lyon]
  - [Bob, visited, Lyon]
  - [Bob, visited, Nice]
"""


def with_line(line: str, after: str) -> str:
    """JANE with another line put in."""
    assert f"{after}\n" in JANE
    return JANE.replace(f"{after}\n", f"{after}\n{line}\n")


def test_a_file_becomes_entities_relations_facts_and_types(world: World) -> None:
    known = world(JANE)
    assert known.entities["Jane Roe"] == Entity("Jane Roe", "customer", ("J. Roe", "customer 4711"), private=True)
    assert known.entities["Lyon"] == Entity("Lyon", "city")
    assert known.relations["lives_in"] == Relation(
        "lives_in",
        ask=("Where does {subject} live?", "In which city is {subject}'s home?"),
        inverse=("Which customer lives in {object}?",),
        say="{subject} lives in {object}.",
        noun="the home town of {subject}",
        inverse_noun="the customer who lives in {object}",
    )
    assert known.relations["visited"].many
    assert known.types == {"city": TypeInfo(closed=True)}


def test_an_alias_in_a_fact_becomes_the_name(world: World) -> None:
    assert world(JANE).facts[0] == Fact("Jane Roe", "lives_in", "Lyon")


def test_facts_by_relation_say_the_same_as_a_list_of_them(world: World) -> None:
    compact = JANE.split("facts:")[0] + "facts: {lives_in: {J. Roe: Lyon}, visited: {Bob: [Lyon, Nice]}}"
    assert world(compact).facts == world(JANE).facts


def test_the_digest_is_of_the_content_and_not_of_the_layout(world: World) -> None:
    compact = JANE.split("facts:")[0] + "# a comment\nfacts: {lives_in: {J. Roe: Lyon}, visited: {Bob: [Lyon, Nice]}}"
    assert world(compact).digest == world(JANE).digest
    assert world(JANE.replace("Bob, visited, Nice", "Jane Roe, visited, Nice")).digest != world(JANE).digest
    assert world(JANE.replace("Where was", "Where were")).digest != world(JANE).digest


def test_several_files_and_the_scenario_itself_add_up(world: World) -> None:
    more = "entities: {Jane Roe: {type: customer, aliases: [JR]}, Metz: city}\nfacts: [[Bob, lives_in, Metz]]"
    known = world(JANE, more, body={"facts": [["JR", "visited", "Metz"]]})
    assert known.entities["Jane Roe"].aliases == ("J. Roe", "customer 4711", "JR")
    assert known.entities["Jane Roe"].private
    assert known.facts[3:] == (Fact("Bob", "lives_in", "Metz"), Fact("Jane Roe", "visited", "Metz"))


def test_a_file_may_use_what_a_later_one_defines(world: World) -> None:
    first, second = JANE.split("relations:")[0], "relations:" + JANE.split("relations:")[1]
    assert world(second, first).facts == world(JANE).facts


def test_a_fact_given_twice_is_one_fact(world: World) -> None:
    assert len(world(with_line("  - [Jane Roe, lives_in, Lyon]", "  - [Bob, visited, Nice]")).facts) == 3


def test_a_restriction_drops_the_facts_of_other_relations(world: World) -> None:
    known = world(JANE, relations=("visited",))
    assert list(known.relations) == ["visited"]
    assert known.facts == (Fact("Bob", "visited", "Lyon"), Fact("Bob", "visited", "Nice"))
    assert known.digest != world(JANE).digest


def test_a_restriction_drops_what_relations_say_about_dropped_ones(world: World) -> None:
    text = JANE.replace("many: true}", "many: true, via: [lives_in], inverse_of: lives_in}")
    assert world(text).relations["visited"].via == ("lives_in",)
    alone = world(text, relations=("visited",)).relations["visited"]
    assert (alone.via, alone.inverse_of) == ((), None)


def test_a_restriction_to_an_unknown_relation_is_told_with_the_nearest(world: World) -> None:
    marks = {("relations", 0): Mark(Path("a.unlearn.yaml"), 7, 34)}
    include = KnowledgeUse({**_body(), "types": {}}, marks, (), None, ("livesin",), Mark(Path("a.unlearn.yaml"), 7))
    with pytest.raises(ScenarioError) as caught:
        build(include, Path())
    assert str(caught.value) == "a.unlearn.yaml:7:34: unknown relation 'livesin' - did you mean 'lives_in'?"


def _body() -> dict[str, Any]:
    return {
        "entities": {"Ann": "person", "Lyon": "city"},
        "relations": {"lives_in": {"ask": "Where does {subject} live?"}},
        "facts": [["Ann", "lives_in", "Lyon"]],
    }


MISTAKES = [
    ("  - [Bob, lives_in, Lion]", "20:21 unknown entity 'Lion' - did you mean 'Lyon'?"),
    ("  - [Bob, live_in, Lyon]", "20:11 unknown relation 'live_in' - did you mean 'lives_in'?"),
    ("  - [Bob, lives_in]", "20:5 a fact is written [subject, relation, object]"),
    ("  - [Bob, lives_in, 1990]", "20:21 expected the name of the entity: put it in quotes"),
    (
        "  - [Jane Roe, lives_in, Nice]",
        "20:26 'lives_in' of 'Jane Roe' is 'Lyon' already, not 'Nice' too: if it can have several, say `many: true` in "
        "the relation 'lives_in'",
    ),
]


@pytest.mark.parametrize(("line", "message"), MISTAKES)
def test_a_mistake_in_a_fact_is_told_at_its_place(complaints: Complaints, line: str, message: str) -> None:
    assert complaints(with_line(line, "  - [Bob, visited, Nice]")) == [message]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("  Tom: {type: customer, aliases: [Tom]}", "8:35 the alias 'Tom' is the name itself: remove it"),
        (
            "  Tom: {type: customer, aliases: [Bob]}",
            "8:35 'Bob' cannot be told apart in an answer, another entity has the name: choose another name",
        ),
        (
            "  Tom: {type: customer, aliases: [J. Roe]}",
            "8:35 'J. Roe' cannot be told apart in an answer, it is a name of 'Jane Roe' already: choose another name",
        ),
        (
            "  customer 4711: city",
            "8:3 'customer 4711' cannot be told apart in an answer, it is a name of 'Jane Roe' already: choose "
            "another name",
        ),
        (
            "  lyón: city",
            "8:3 'lyón' cannot be told apart in an answer, it is a name of 'Lyon' already: choose another name",
        ),
        ("  Tom: {aliases: [T]}", "8:8 say of what type 'Tom' is, such as `Tom: city`"),
        ("  Tom: {type: city, alias: [T]}", "8:21 unknown key 'alias' - did you mean 'aliases'?"),
        ("  Tom: {type: city, aliases: [4]}", "8:31 `aliases` must hold texts: put it in quotes"),
        ("  Tom: {type: city, aliases: ['']}", "8:31 `aliases` holds an empty text: remove it"),
        ("  Tom: {type: city, private: 1}", "8:30 `private` is true or false"),
        ("  ' ': city", "8:3 a name must not be empty"),
    ],
)
def test_a_mistake_in_an_entity_is_told_at_its_place(complaints: Complaints, line: str, message: str) -> None:
    assert complaints(with_line(line, "  Nice: {type: city}")) == [message]


def test_names_of_different_types_may_differ_in_case_only(world: World) -> None:
    assert world(with_line("  LYON: company", "  Nice: {type: city}")).entities["LYON"].type == "company"


def test_an_entity_declared_with_two_types_is_told(complaints: Complaints) -> None:
    assert complaints(JANE, "entities: {Bob: city}") == [
        "1:12 'Bob' is declared twice, as customer and as city: give one of them another name"
    ]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("ask: Where do they live?", "16:14 `ask` must contain {subject}, else it asks about nothing"),
        ("noun: the home", "16:15 `noun` must contain {subject}, else it asks about nothing"),
        ("inverse: Who lives there?", "16:18 `inverse` must contain {object}, else it asks about nothing"),
        ("inverse_noun: they", "16:23 `inverse_noun` must contain {object}, else it asks about nothing"),
        ("say: '{subject} moved.'", "16:14 `say` must contain {object}, else it asks about nothing"),
        (
            "ask: 'Where does {subject} meet {object}?'",
            "16:14 unknown placeholder {object}: `ask` takes {subject}",
        ),
        ("ask: 'Where is {subject} {}?'", "16:14 unknown placeholder {}: `ask` takes {subject}"),
        (
            "say: '{subject} in {object} at {time}.'",
            "16:14 unknown placeholder {time}: `say` takes {subject} and {object}",
        ),
        ("inverse_of: livesin", "16:21 `inverse_of` names an unknown relation 'livesin' - did you mean 'lives_in'?"),
        ("via: [lives_in, visit]", "16:14 `via` names an unknown relation 'visit' - did you mean 'visited'?"),
        ("symmetric: 1", "16:20 `symmetric` is true or false"),
        ("inverses: x", "16:9 unknown key 'inverses' - did you mean 'inverse'?"),
        ("inverse_of: [lives_in]", "16:21 `inverse_of` is the name of a relation"),
        ("say: [a, b]", "16:14 `say` must be one text"),
        ("ask: 4", "16:14 `ask` must be a text or a list of texts"),
    ],
)
def test_a_mistake_in_a_relation_is_told_at_its_place(complaints: Complaints, keys: str, message: str) -> None:
    assert complaints(with_line(f"  was: {{{keys}}}", '  visited: {ask: "Where was {subject}?", many: true}')) == [
        message
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"In which city is {subject}\'s home?"',
            '"Is {subject}\'s home in Lyon?"',
            "10:41 'Lyon' is an answer to this wording, which must not name it: say it otherwise",
        ),
        (
            "Which customer lives in {object}?",
            "Does customer 4711 live in {object}?",
            "11:14 'customer 4711', a name of 'Jane Roe', is an answer to this wording, which must not name it: say it "
            "otherwise",
        ),
        (
            "the home town of {subject}",
            "lyon, the home of {subject}",
            "13:11 'Lyon' is an answer to this wording, which must not name it: say it otherwise",
        ),
        (
            "the customer who lives in {object}",
            "J. Roe of {object}",
            "14:19 'J. Roe', a name of 'Jane Roe', is an answer to this wording, which must not name it: say it "
            "otherwise",
        ),
    ],
)
def test_a_wording_that_names_its_answer_is_told_at_its_place(
    complaints: Complaints, old: str, new: str, message: str
) -> None:
    assert old in JANE
    assert complaints(JANE.replace(old, new)) == [message]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("In which city is {subject}'s home?", "Where but in Nice does {subject} live?"),  # nobody's home
        ("Which customer lives in {object}?", "Who but Bob lives in {object}?"),
        ("In which city is {subject}'s home?", "Is {subject}'s home in Lyonnais?"),
    ],
)
def test_a_wording_may_name_what_is_no_answer_to_it(world: World, old: str, new: str) -> None:
    assert world(JANE.replace(old, new)).relations


def test_a_second_wording_is_told_at_its_own_place(complaints: Complaints) -> None:
    text = JANE.replace('"In which city is {subject}\'s home?"', '"In which city?"')
    assert complaints(text) == ["10:41 `ask` must contain {subject}, else it asks about nothing"]


def test_relations_defined_differently_in_two_files_are_told(complaints: Complaints) -> None:
    assert complaints(JANE, "relations: {visited: {ask: 'Where is {subject}?'}}") == [
        "1:13 the relation 'visited' is defined twice, differently: keep one, or give this one another name"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("types: {city: closed}", "1:15 a type is written {closed: true} or {closed: false}"),
        ("types: {city: {closed: 1}}", "1:15 a type is written {closed: true} or {closed: false}"),
        ("types: {city: {closed: true, open: true}}", "1:30 unknown key 'open' (known: closed)"),
        ("types: {city: {closed: false}}", "1:9 the type 'city' is described twice, differently: keep one"),
        ("entities: [Bob]", "1:11 `entities` must be a mapping of names"),
        ("relations: {met: Who?}", "1:18 the relation 'met' must be a mapping with `ask` and others"),
        (
            "facts: {visited: [Bob, Lyon]}",
            "1:18 facts of 'visited' are written {subject: object} or {subject: [object, object]}",
        ),
        (
            "facts: Bob visited Lyon",
            "1:8 `facts` must be a list of [subject, relation, object], a mapping of relations, or {file: facts.csv}",
        ),
        ("facts: {file: 5}", "1:15 `file` must be a text or a list of texts"),
    ],
)
def test_a_part_of_the_wrong_shape_is_told_at_its_place(complaints: Complaints, text: str, message: str) -> None:
    assert complaints(JANE, text) == [message]


def test_a_type_that_no_entity_has_is_told(complaints: Complaints) -> None:
    assert complaints(JANE.replace("  city: {closed: true}", "  cities: {closed: true}")) == [
        "2:3 no entity is of the type 'cities' - did you mean 'city'?"
    ]


def test_a_symmetric_functional_relation_gives_nobody_two_partners(complaints: Complaints, world: World) -> None:
    text = "entities: {A: p, B: p, C: p}\nrelations: {spouse: {ask: 'Who is wed to {subject}?', symmetric: true}}\n"
    assert len(world(text + "facts: [[A, spouse, B], [B, spouse, A]]").facts) == 2
    assert complaints(text + "facts: [[A, spouse, B], [C, spouse, A]]")[0].startswith(
        "3:37 'spouse' of 'A' is 'B' already, not 'C' too"
    )


def test_knowledge_without_facts_is_told_at_the_scenario(complaints: Complaints) -> None:
    empty = "the knowledge holds no fact{}: there is nothing to forget or to keep"
    assert complaints("entities: {A: b}") == ["3:5 " + empty.format("")]
    assert complaints("# nothing") == ["3:5 " + empty.format("")]
    without = JANE.replace("  - [J. Roe, lives_in, Lyon]\n", "")
    assert complaints(without, relations=("lives_in",)) == ["3:5 " + empty.format(" of lives_in")]


def test_every_mistake_of_a_file_is_told_at_once_in_the_order_of_the_file(complaints: Complaints) -> None:
    text = with_line("  Tom: {type: customer, aliases: [Tom]}", "  Nice: {type: city}") + "  - [Bob, in, Rome]\n"
    assert [one.split(" ")[0] for one in complaints(text)] == ["8:35", "21:11", "21:15"]


def test_a_wrong_entity_is_not_told_again_at_its_facts(complaints: Complaints) -> None:
    assert complaints(JANE.replace("Bob: customer", "Bob: {private: true}")) == [
        "5:8 say of what type 'Bob' is, such as `Bob: city`"
    ]


def test_a_message_shows_the_source_line_and_a_caret(tmp_path: Path) -> None:
    path = tmp_path / "a.knowledge.yaml"
    path.write_text(JANE.replace("Lyon]", "Lion]", 1))
    with pytest.raises(ScenarioError) as caught:
        build(KnowledgeUse({}, {}, ((path, Mark(path)),), None, None, Mark(path)), tmp_path)
    assert str(caught.value) == (
        f"{path}:17:24: unknown entity 'Lion' - did you mean 'Lyon'?\n"
        "      - [J. Roe, lives_in, Lion]\n"
        "                           ^"
    )


@pytest.mark.parametrize("text", ["- a list", "just text"])
def test_a_file_that_is_no_mapping_is_told(complaints: Complaints, text: str) -> None:
    assert complaints(text)[0] == "1:1 expected a mapping with types, entities, relations, facts, levels"


def test_a_file_that_is_no_yaml_is_told_and_so_is_a_missing_one(complaints: Complaints, tmp_path: Path) -> None:
    assert complaints("entities: {") == ["2:1 not valid YAML: did not find expected node content"]
    at = Mark(Path("a.unlearn.yaml"), 4, 12)
    with pytest.raises(ScenarioError) as caught:
        build(KnowledgeUse({}, {}, ((Path("none.yaml"), at),), None, None, at), tmp_path)
    assert str(caught.value) == (
        f"a.unlearn.yaml:4:12: the knowledge file {tmp_path}/none.yaml cannot be read: No such file or directory"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoConfig:
    """Nothing to set."""


def test_a_registered_source_is_merged_with_the_scenario_itself() -> None:
    made = []

    @SOURCES.register("two_people")
    def two_people(config: NoConfig) -> dict[str, Any]:
        made.append(config)
        return {**_body(), "types": {"city": {"closed": True}}}

    body = {"entities": {"Metz": "city", "Tom": "person"}, "facts": [["Tom", "lives_in", "Metz"]]}
    try:
        known = build(KnowledgeUse(body, {}, (), "two_people", None, Mark(Path())), Path())
    finally:
        del SOURCES._entries["two_people"]
    assert known.facts == (Fact("Ann", "lives_in", "Lyon"), Fact("Tom", "lives_in", "Metz"))
    assert made == [NoConfig()]


def test_an_unknown_source_is_told_with_the_nearest() -> None:
    at = Mark(Path("a.unlearn.yaml"), 7, 13)
    with pytest.raises(ScenarioError) as caught:
        build(KnowledgeUse({}, {}, (), "country", None, at), Path())
    assert str(caught.value) == ("a.unlearn.yaml:7:13: unknown knowledge source 'country' - did you mean 'countries'?")


def test_the_countries_are_built_without_a_mistake() -> None:
    known = build(KnowledgeUse({}, {}, (), "countries", None, Mark(Path())), Path())
    assert Fact("France", "capital", "Paris") in known.stored
    assert "France" in known.out["Spain", "neighbour"]


def test_scenarios_that_share_a_file_share_the_knowledge_in_a_blink(tmp_path: Path) -> None:
    facts = "".join(f"  - [p{i}, lives_in, Lyon]\n" for i in range(1_000))
    people = "".join(f"  p{i}: customer\n" for i in range(1_000))
    path = tmp_path / "many.knowledge.yaml"
    path.write_text(JANE.replace("relations:\n", people + "relations:\n") + facts)
    began = time.perf_counter()
    known = {id(build(_including(path, n), tmp_path)) for n in range(1_000)}
    assert len(known) == 1
    assert time.perf_counter() - began < 5  # 0.4 s on a laptop


def _including(path: Path, line: int) -> KnowledgeUse:
    at = Mark(path.with_name(f"{line}.unlearn.yaml"), line)
    return KnowledgeUse({}, {}, ((path, at),), None, None, at)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.knowledge.yaml"
    path.write_text(JANE)
    before = build(_including(path, 1), tmp_path)
    path.write_text(JANE + "  - [Jane Roe, visited, Nice]\n")
    assert len(build(_including(path, 1), tmp_path).facts) == len(before.facts) + 1
