"""Whatever leaks, what is shown as the smallest leak has nothing simpler beside it that leaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_unlearn.checks.controls import Leak
from pytest_unlearn.probes.probe import Probe

ALIAS = "{ask: alias, search: 99, min_known: 1}"
CHAINS = "{ask: multi_hop, hops: 3, search: 99, min_known: 1}"

Make = Callable[[str], Any]
same_world = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)


def about(world: Any, name: str) -> dict[tuple[int, int], Probe]:
    """The questions about one alias or the other of a country's capital, by wording and alias."""
    return {(p.size[3], p.size[4]): p for p in world.space.all() if p.unit.startswith(name)}


def role(leaks: list[Leak], name: str) -> list[Leak]:
    return [leak for leak in leaks if leak.role == name]


@same_world
@given(data=st.data())
def test_nothing_one_step_simpler_than_the_smallest_leak_leaks(
    world: Make, answering: Any, data: st.DataObject
) -> None:
    made = world(ALIAS)
    probes = list(made.space.all())
    leaking = data.draw(st.lists(st.sampled_from(probes), min_size=1, unique=True))
    start = data.draw(st.lists(st.sampled_from(leaking), min_size=1, unique=True))
    shown = made.shrink(answering(leaks=leaking.__contains__), start, probes)
    (smallest,) = role(shown, "smallest")
    assert smallest.probe in leaking
    assert not [probe for probe in made.space.simpler(smallest.probe) if probe in leaking]
    assert smallest.probe.rank <= min(probe.rank for probe in start)
    worst = role(shown, "worst")
    largest = max(probe.size for probe in start)
    assert [leak.probe.size for leak in worst] == ([largest] if largest > smallest.probe.size else [])


def test_a_step_is_the_simplest_that_leaks(world: Make, answering: Any) -> None:
    made = world(ALIAS)
    france = about(made, "France")
    # from the third wording under the second alias everything leaks: its own alias first, then the first wording
    answers = answering(leaks=lambda probe: True)
    (smallest,) = role(made.shrink(answers, [france[2, 1]], list(france.values())), "smallest")
    assert smallest.probe == france[0, 0]
    assert smallest.rounds == 2


def test_two_parts_that_have_to_change_together_are_changed_together(world: Make, answering: Any) -> None:
    made = world(ALIAS)
    france = about(made, "France")
    answers = answering(leaks=[france[1, 1], france[0, 0]].__contains__)
    (smallest,) = role(made.shrink(answers, [france[1, 1]], list(france.values())), "smallest")
    assert smallest.probe == france[0, 0]


def test_the_first_round_simplifies_every_leak_at_once(world: Make, answering: Any) -> None:
    made = world(ALIAS)
    france, spain = about(made, "France"), about(made, "Spain")
    every = [*france.values(), *spain.values()]
    start = [france[1, 1], spain[1, 1]]
    answers = answering(leaks=[*start, spain[0, 1]].__contains__)
    (smallest,) = role(made.shrink(answers, start, every), "smallest")
    assert smallest.probe == spain[0, 1]
    questions = {request.prompt.text for request in answers.asked[1].requests}
    assert {france[0, 1].prompt.text, spain[0, 1].prompt.text} <= questions


def test_a_chain_is_shortened(world: Make, answering: Any) -> None:
    made = world(CHAINS)
    long = next(probe for probe in made.space.all() if "France" in probe.prompt.text)
    assert long.prompt.text == "What does the mayor of the capital of France play?"
    (short,) = made.space.simpler(long)
    assert short.prompt.text == "Who is the mayor of the capital of France?"
    shown = made.shrink(answering(leaks=lambda probe: True), [long], [long, short])
    assert [(leak.role, leak.probe.id) for leak in shown] == [
        ("smallest", short.id),
        ("leak", long.id),
        ("worst", long.id),
    ]


@pytest.mark.parametrize("alone", [(True, True), (True, False), (False, False)])
def test_a_chain_tells_which_of_its_facts_are_answered_by_themselves(
    world: Make, answering: Any, alone: tuple[bool, ...]
) -> None:
    made = world(CHAINS.replace("hops: 3", "hops: 2"))
    chain = next(probe for probe in made.space.all() if "France" in probe.prompt.text and probe.way.hops == 2)
    parts = made.space.parts(chain)
    assert [part.prompt.text for part in parts] == ["What is the capital of France?", "Who is the mayor of Paris?"]
    leaking = [chain, *(part for part, leaks in zip(parts, alone, strict=True) if leaks)]
    (smallest,) = role(made.shrink(answering(leaks=leaking.__contains__), [chain], [chain, *parts]), "smallest")
    assert smallest.parts == alone


@pytest.mark.parametrize("why", ["the original does not know it", "it does not leak alone", "it is not answered"])
def test_a_simplification_that_is_no_confirmed_leak_is_not_taken(world: Make, answering: Any, why: str) -> None:
    made = world(ALIAS)
    france = about(made, "France")
    start, simpler = france[0, 1], france[0, 0]
    text = simpler.prompt.text
    answers = {
        "the original does not know it": answering(leaks=lambda probe: True, unknown=frozenset({text})),
        "it does not leak alone": answering(leaks=lambda probe: True, alone=lambda probe: probe != simpler),
        "it is not answered": answering(leaks=lambda probe: True, mute=frozenset({text})),
    }[why]
    (smallest,) = role(made.shrink(answers, [start], list(france.values())), "smallest")
    assert smallest.probe == start


def test_leaks_that_do_not_happen_again_alone_are_shown_as_they_are(world: Make, answering: Any) -> None:
    made = world(ALIAS)
    france = about(made, "France")
    answers = answering(leaks=lambda probe: True, alone=lambda probe: False)
    assert [leak.role for leak in made.shrink(answers, [france[1, 0]], list(france.values()))] == ["leak"]


def test_a_search_shows_the_smallest_and_the_worst_of_what_it_found(world: Make, answering: Any) -> None:
    made = world(ALIAS)
    france = about(made, "France")
    leaking = [france[0, 1], france[1, 1], france[2, 1]]
    verdict = made.judge(answering(leaks=leaking.__contains__))
    assert verdict.outcome == "fail"
    shown = {leak.role: leak.probe for leak in verdict.evidence}
    assert (shown["smallest"], shown["worst"]) == (france[0, 1], france[2, 1])


def test_a_rate_check_shows_its_smallest_leak_too(world: Make, answering: Any) -> None:
    made = world("{ask: alias, limit: 5%, min_known: 1}")
    spain = about(made, "Spain")
    verdict = made.judge(answering(leaks=[spain[2, 0], spain[1, 1]].__contains__))
    assert verdict.outcome == "fail"
    assert [leak.probe for leak in verdict.evidence if leak.role == "smallest"] == [spain[1, 1]]
