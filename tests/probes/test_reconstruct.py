"""Asked after more and more of a path, and only about one part of a hierarchy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import find

from pytest_unlearn.checks.askable import askable
from pytest_unlearn.errors import ScenarioError, UnlearnError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.probes.probe import Built
from pytest_unlearn.probes.space import Narrowed, Space, space_for
from pytest_unlearn.registry import PROBES
from pytest_unlearn.scenario.load import load_scenario

Asked = Callable[..., Space]


@pytest.fixture
def write(tmp_path: Path, clinics: str) -> Callable[..., Path]:
    """`write(check, forget, (old, new))`: a scenario about the clinics, whose knowledge may be changed."""

    def write(check: str, forget: str = "{level: patient, at: Ann}", change: tuple[str, str] = ("", "")) -> Path:
        (tmp_path / "clinics.knowledge.yaml").write_text(clinics.replace(*change), encoding="utf-8")
        path = tmp_path / "c.unlearn.yaml"
        path.write_text(
            "version: 1\nmodel: nowhere\nknowledge: {include: clinics.knowledge.yaml}\n"
            f"forget: {forget}\nchecks:\n  c: {check}\n",
            encoding="utf-8",
        )
        return path

    return write


@pytest.fixture
def asked(write: Callable[..., Path]) -> Asked:
    """What the check of such a scenario asks."""

    def made(*words: Any) -> Space:
        path = write(*words)
        scenario = load_scenario(path, path.parent)
        knowledge = build(scenario.knowledge, path.parent)
        return space_for(scenario.checks[0], knowledge, forgetting(knowledge, scenario.targets[0]))

    return made


@pytest.fixture
def complaint(write: Callable[..., Path]) -> Callable[..., str]:
    """What is wrong with such a scenario, and where."""

    def told(*words: Any) -> str:
        path = write(*words)
        with pytest.raises(ScenarioError) as caught:
            askable(load_scenario(path, path.parent), path.parent)
        (only,) = caught.value.problems
        return f"{only.mark.line}:{only.mark.column} {only.message}"

    return told


def texts(space: Space) -> list[str]:
    return [probe.prompt.text for probe in space.all()]


def test_the_path_is_told_step_by_step(asked: Asked) -> None:
    space = asked("{ask: reconstruct, limit: 5%}")
    assert [(probe.size[0], probe.way.position, probe.prompt.text) for probe in space.all()] == [
        (0, "nothing told", "What has Ann?"),
        (0, "nothing told", "What does scan A1 show?"),
        (0, "nothing told", "What does scan A2 show?"),
        (1, "told down to the patient", "Ann is treated at North. What has Ann?"),
        (1, "told down to the patient", "Ann is treated at North. What does scan A1 show?"),
        (1, "told down to the patient", "Ann is treated at North. What does scan A2 show?"),
        (2, "told down to the study", "Ann is treated at North. Scan A1 is a study of Ann. What does scan A1 show?"),
        (2, "told down to the study", "Ann is treated at North. Scan A2 is a study of Ann. What does scan A2 show?"),
    ]
    assert space.dropped == 4  # the steps themselves, which the path would give away


def test_a_stand_in_takes_the_place_of_the_thing_in_its_path_too(asked: Asked) -> None:
    deepest = list(asked("{ask: reconstruct, limit: 5%}").all())[-1]
    assert deepest.stand_in("scan Q").text == (
        "Ann is treated at North. scan Q is a study of Ann. What does scan Q show?"
    )


def test_a_question_is_simplified_to_those_with_less_context(asked: Asked) -> None:
    space = asked("{ask: reconstruct, limit: 5%}")
    deepest = list(space.all())[-1]
    assert [probe.size[0] for probe in space.simpler(deepest)] == [0, 1]
    assert all(probe.unit == deepest.unit for probe in space.simpler(deepest))
    assert {probe.unit for probe in space.alike(deepest.way)} == {"scan A1 | result | clear", "scan A2 | result | dark"}


def test_the_path_to_what_is_forgotten_leads_through_what_is_forgotten(asked: Asked) -> None:
    both = "[{level: patient, at: Bob}, {level: patient, at: Ann}]"
    last = [text for text in texts(asked("{ask: reconstruct, limit: 5%}", both)) if "scan AB" in text][-1]
    assert last == "Ann is treated at North. Scan AB is a study of Ann. What does scan AB show?"


def test_wrong_answers_do_not_stand_in_the_context(asked: Asked) -> None:
    change = ("facts:\n", '  left: {ask: "Which clinic did {subject} leave?"}\nfacts:\n  left: {Ann: South}\n')
    space = asked("{ask: reconstruct, limit: 5%}", "{level: patient, at: Ann}", change)
    rivals = {probe.prompt.text: probe.rivals for probe in space.all() if probe.gold == (("South",),)}
    assert rivals == {
        "Which clinic did Ann leave?": (("North",),),
        "Ann is treated at North. Which clinic did Ann leave?": (),
    }


@pytest.mark.parametrize(
    ("level", "questions"),
    [
        ("at", ["Where is Ann treated?", "What has Ann?"]),
        (
            "below",
            [
                "Whose study is scan A1?",
                "Whose study is scan A2?",
                "What does scan A1 show?",
                "What does scan A2 show?",
            ],
        ),
    ],
)
def test_a_check_may_be_about_one_part_alone(asked: Asked, level: str, questions: list[str]) -> None:
    space = asked(f"{{ask: direct, level: {level}, limit: 5%}}")
    assert sorted(texts(space)) == sorted([*questions, *(["Whose study is scan AB?"] if level == "at" else [])])
    assert space.count() == len(texts(space))
    assert {space.draw(Random(seed)).prompt.text for seed in range(60)} == set(texts(space))


def test_a_part_of_a_family_keeps_its_ways(asked: Asked) -> None:
    below, whole = asked("{ask: reconstruct, level: below, limit: 5%}"), asked("{ask: reconstruct, limit: 5%}")
    ann = next(probe for probe in whole.all() if probe.prompt.text == "What has Ann?")
    scan = next(probe for probe in whole.all() if probe.prompt.text == "What does scan A1 show?")
    assert below.again(ann.built) is None
    assert below.again(scan.built) == scan
    assert below.again(Built("none", "", ())) is None
    assert below.alike(ann.way) == []
    assert [probe.unit for probe in below.simpler(list(below.all())[-1])] == [list(below.all())[-1].unit] * 2
    assert find(below.strategy(), lambda probe: probe.size[0] == 2).unit in {probe.unit for probe in below.all()}


class Drawn:
    """A space that is not listed."""

    dropped = 0

    def __init__(self, whole: Space) -> None:
        self._probes = list(whole.all())

    def count(self) -> None: ...

    def draw(self, random: Random) -> Any:
        return random.choice(self._probes)


def test_a_part_of_what_is_too_much_to_list_is_drawn(asked: Asked) -> None:
    whole = asked("{ask: reconstruct, limit: 5%}")
    part = Narrowed(Drawn(whole), {"Ann | illness | gout"})  # type: ignore[arg-type]
    assert part.count() is None
    assert {part.draw(Random(seed)).unit for seed in range(20)} == {"Ann | illness | gout"}
    assert find(part.strategy(), lambda probe: True).unit == "Ann | illness | gout"
    with pytest.raises(UnlearnError) as caught:
        Narrowed(Drawn(whole), ()).draw(Random(0))  # type: ignore[arg-type]
    assert str(caught.value) == (
        "of a thousand questions not one is about this `level`: leave it out, or ask otherwise"
    )


@pytest.mark.parametrize("check", ["{ask: direct, level: below, limit: 5%}", "{keep: sibling, margin: 5%}"])
def test_a_part_needs_a_place(complaint: Callable[..., str], check: str) -> None:
    assert complaint(check, "Ann") == (
        "6:3 `c` is about the hierarchy, and 'ann' names no place in it: write `forget: {level: ..., at: ...}`, with "
        "`levels` in the knowledge"
    )


def test_a_path_needs_a_place_and_words(complaint: Callable[..., str]) -> None:
    check = "{ask: reconstruct, limit: 5%}"
    assert complaint(check, "Ann") == (
        "6:3 `c` has nothing to ask about 'ann': it names no place in a hierarchy: write `forget: {level: ..., at: "
        "...}`, with `levels` in the knowledge"
    )
    silent = ('say: "{subject} is a study of {object}.", ', "")
    assert complaint(check, "{level: patient, at: Ann}", silent) == (
        "6:3 `c` has nothing to ask about 'ann': a path is told by statements, and 'study_of' has no `say`"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{level: pacient, at: Ann}", "4:9 unknown level 'pacient' - did you mean 'patient'?"),
        ("{level: patient, at: scan A1}", "4:9 'scan A1' is of the level 'study', not of the level 'patient'"),
    ],
)
def test_a_mistaken_place_is_told_where_it_stands(complaint: Callable[..., str], line: str, message: str) -> None:
    assert complaint("{ask: direct, limit: 5%}", line) == message


def test_a_kind_without_a_hierarchy_asks_nothing(asked: Asked) -> None:
    assert asked("{ask: reconstruct, limit: 5%}", "Ann").count() == 0
    assert PROBES.get("reconstruct").facts["curve"]
