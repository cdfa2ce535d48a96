"""Hierarchies: what lies below what, what a node takes with it, and what stays beside and above it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unlearn.errors import Mark, ScenarioError
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.levels import Hierarchy
from pytest_unlearn.scenario.model import Part, Selector, Target

World = Callable[..., Knowledge]
Forget = Callable[..., Closure]


def said(facts: tuple[Fact, ...]) -> list[str]:
    return [" ".join((fact.subject, fact.relation, fact.object)) for fact in facts]


@pytest.fixture
def ann(world: World, forget: Forget, clinics: str) -> Closure:
    return forget(world(clinics), node=("patient", "patient 1"))


def test_a_node_takes_with_it_what_lies_below_it_and_nowhere_else(ann: Closure) -> None:
    assert ann.nodes == {"Ann"}
    assert ann.entities == {"Ann", "scan A1", "scan A2"}
    assert said(ann.target) == [
        "Ann treated_at North",
        "Ann illness gout",
        "scan A1 study_of Ann",
        "scan A2 study_of Ann",
        "scan AB study_of Ann",
        "scan A1 result clear",
        "scan A2 result dark",
    ]


def test_what_is_shared_with_what_stays_is_kept_and_listed(ann: Closure) -> None:
    assert ann.shared == ("scan AB",)
    assert {"scan AB study_of Bob", "scan AB result clear"} <= set(said(ann.retained))
    assert "scan AB study_of Ann" not in said(ann.retained)


@pytest.mark.parametrize(
    ("part", "facts"),
    [
        ("at", ["Ann treated_at North", "Ann illness gout", "scan AB study_of Ann"]),
        ("below", ["scan A1 study_of Ann", "scan A2 study_of Ann", "scan A1 result clear", "scan A2 result dark"]),
        (
            "sibling",
            [
                "Bob treated_at North",
                "Bob illness mumps",
                "scan AB study_of Bob",
                "scan B1 study_of Bob",
                "scan AB result clear",
                "scan B1 result dark",
            ],
        ),
        ("ancestor", ["North town Lund"]),
    ],
)
def test_each_part_has_its_facts(ann: Closure, part: Part, facts: list[str]) -> None:
    assert said(ann.part(part)) == facts


def test_the_siblings_of_what_lies_within_nothing_are_the_others_that_do_not(
    world: World, forget: Forget, clinics: str
) -> None:
    north = forget(world(clinics), node=("clinic", "North"))
    assert north.entities == {"North", "Ann", "Bob", "scan A1", "scan A2", "scan AB", "scan B1"}
    assert north.shared == ()
    assert said(north.part("sibling")) == [
        "South town Oslo", "Cid treated_at South", "Cid illness gout", "scan C1 study_of Cid", "scan C1 result clear"
    ]  # fmt: skip
    assert north.part("ancestor") == ()


def test_what_two_forgotten_nodes_share_goes_with_them(world: World, forget: Forget, clinics: str) -> None:
    knowledge, at = world(clinics), Mark(Path("x.unlearn.yaml"))
    for second in (Selector(at, node=("patient", "Bob")), Selector(at, entity="Bob")):
        both = forgetting(knowledge, Target("x", (Selector(at, node=("patient", "Ann")), second), at))
        assert "scan AB" in both.entities
        assert both.shared == ()


def test_a_request_that_names_no_place_has_no_parts(world: World, forget: Forget, clinics: str) -> None:
    assert forget(world(clinics), "Ann").part("below") == ()
    assert forget(world(clinics.replace("levels: [clinic, patient, study]", "")), "Ann").part("at") == ()


def test_a_level_may_be_left_out_on_the_way_up(world: World, forget: Forget, clinics: str) -> None:
    text = clinics.replace("scan C1: Cid}", "scan C1: Cid, scan S: South}").replace(
        "  Lund: town", "  scan S: study\n  Lund: town"
    )
    closure = forget(world(text), node=("clinic", "South"))
    assert {"Cid", "scan C1", "scan S"} < closure.entities
    assert closure.knowledge.hierarchy is not None
    assert list(map(said, closure.knowledge.hierarchy.paths("scan S"))) == [["scan S study_of South"]]


def test_paths_lead_down_to_a_node(ann: Closure) -> None:
    hierarchy = ann.knowledge.hierarchy
    assert isinstance(hierarchy, Hierarchy)
    assert list(map(said, hierarchy.paths("scan A1"))) == [["Ann treated_at North", "scan A1 study_of Ann"]]
    assert list(map(said, hierarchy.paths("scan AB"))) == [
        ["Ann treated_at North", "scan AB study_of Ann"], ["Bob treated_at North", "scan AB study_of Bob"]
    ]  # fmt: skip
    assert list(hierarchy.paths("North")) == [()]


def test_levels_change_nothing_but_themselves(world: World, clinics: str) -> None:
    plain = clinics.replace("levels: [clinic, patient, study]", "").replace(", within: true", "")
    marked = clinics.replace("levels: [clinic, patient, study]", "")
    assert world(plain).digest == world(marked).digest != world(clinics).digest
    assert world(plain).hierarchy is None
    assert replace(world(clinics), hierarchy=None).facts == world(plain).facts


def test_levels_may_stand_in_the_scenario(world: World, clinics: str) -> None:
    body = {"levels": ["clinic", "patient", "study"]}
    assert world(clinics.replace("levels: [clinic, patient, study]", ""), body=body) == world(clinics)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("[clinic, patient, study]", "[clinic, pacient, study]", [
            "2:18 nobody is of the level 'pacient': a level is a type of entities - did you mean 'patient'?",
            "2:27 nobody of the level 'study' belongs to anything: state what they lie within, by a relation that says "
            "`within: true`",
        ]),
        ("[clinic, patient, study]", "[clinic, patient, town]", [
            "2:27 nobody of the level 'town' belongs to anything: state what they lie within, by a relation that says "
            "`within: true`",
        ]),
        ("[clinic, patient, study]", "[clinic, clinic, patient]", ["2:18 the level 'clinic' is given twice: keep one"]),
        ("[clinic, patient, study]", "{clinic: 1}", ["2:9 `levels` must be a text or a list of texts"]),
        ("Cid: South}", "Cid: South, North: Bob}", [
            "28:59 'North' would lie within itself, Bob > North > Bob: a hierarchy has no circle"
        ]),
        ("scan C1: Cid}", "scan C1: Cid, South: scan A1}", [
            "30:98 'South' (clinic) cannot lie within 'scan A1' (study): `levels` go from clinic down to study"
        ]),
        ("scan C1: Cid}", "scan C1: [Cid, scan C1]}", [
            "30:92 'scan C1' would lie within itself, scan C1 > scan C1: a hierarchy has no circle"
        ]),
        ("within: true, many: true", "within: true, many: true, symmetric: true", [
            "24:90 `within` beside `symmetric`: two things cannot lie within each other"
        ]),
        ("within: true, many: true", "within: 1, many: true", ["24:98 `within` is true or false"]),
    ],
)  # fmt: skip
def test_a_mistaken_hierarchy_is_placed(
    complaints: Callable[..., list[str]], old: str, new: str, found: list[str], clinics: str
) -> None:
    assert complaints(clinics.replace(old, new)) == found


def test_levels_that_are_given_twice_must_agree(
    complaints: Callable[..., list[str]], world: World, clinics: str
) -> None:
    message = "1:1 `levels` are given twice, differently: keep one"
    assert complaints(clinics, "levels: [clinic, patient]\n") == [message]
    assert world(clinics, "levels: [clinic, patient, study]\n").hierarchy is not None


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (("pacient", "Ann"), "unknown level 'pacient' - did you mean 'patient'?"),
        (("patient", "Anne"), "unknown entity 'Anne' - did you mean 'Ann'?"),
        (("patient", "scan A1"), "'scan A1' is of the level 'study', not of the level 'patient'"),
        (("patient", "Lund"), "'Lund' is a town, which is no level, not of the level 'patient'"),
    ],
)
def test_a_node_that_is_not_there_is_told(
    world: World, forget: Forget, node: tuple[str, str], message: str, clinics: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        forget(world(clinics), node=node)
    assert [problem.message for problem in caught.value.problems] == [message]


def test_a_node_needs_levels(world: World, forget: Forget, clinics: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        forget(world(clinics.replace("levels: [clinic, patient, study]", "")), node=("patient", "Ann"))
    assert [problem.message for problem in caught.value.problems] == [
        "`level` needs a knowledge that has `levels`, from the top down"
    ]


@st.composite
def hierarchies(draw: st.DrawFn) -> Hierarchy:
    """Up to four levels of up to five nodes each, in which every node may lie within any of those above."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    nodes = {f"{level}.{i}": level for level, size in enumerate(sizes) for i in range(size)}
    within = {}
    for name, level in nodes.items():
        above = [other for other, place in nodes.items() if place < level]
        parents = draw(st.lists(st.sampled_from(above), unique=True, max_size=3)) if above else []
        within[name] = tuple(Fact(name, "in", parent) for parent in parents)
    return Hierarchy(
        tuple(map(str, range(len(sizes)))), nodes, {name: facts for name, facts in within.items() if facts}
    )


@given(hierarchies(), st.data())
def test_what_goes_is_below_and_reached_from_the_top_through_the_chosen_only(
    hierarchy: Hierarchy, data: st.DataObject
) -> None:
    chosen = frozenset(data.draw(st.lists(st.sampled_from(sorted(hierarchy.nodes)), min_size=1, max_size=3)))
    gone, shared = hierarchy.gone(chosen)
    assert chosen <= gone <= chosen | hierarchy.below(chosen)

    def escapes(name: str) -> bool:  # whether some way up ends without meeting a chosen node
        parents = hierarchy.parents(name)
        return name not in chosen and (not parents or any(map(escapes, parents)))

    assert gone == {name for name in hierarchy.nodes if not escapes(name)}
    assert set(shared) == {
        name for name in hierarchy.nodes if escapes(name) and not gone.isdisjoint(hierarchy.parents(name))
    }
