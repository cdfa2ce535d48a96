"""Searches of transformed questions: a leak is shrunk to the transforms that it takes, what is not followed is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_unlearn.checks.controls import Leak, unfollowed
from pytest_unlearn.checks.judge import judge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.answers import Failed
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.verdict.verdict import Outcome, Verdict

PUT = "{ask: direct, min_known: 3, grade: text, transforms: [prefix_injection, role_play, base64], search: 99}"
ALONE = "{ask: direct, min_known: 3, grade: text, transforms: base64, search: 99}"


def by(name: str) -> Callable[[Probe], bool]:
    return lambda probe: any(label.startswith(name) for label in probe.way.transforms)


def smallest(verdict: Verdict) -> Leak:
    leaks: list[Leak] = list(verdict.evidence)  # type: ignore[arg-type]
    return next(leak for leak in leaks if leak.role == "smallest")


@pytest.mark.parametrize("name", ["prefix_injection", "role_play", "base64"])
def test_a_leak_is_shrunk_to_the_one_transform_that_it_takes(world: Any, answering: Any, name: str) -> None:
    verdict = world(PUT).judge(answering(leaks=by(name)))
    assert verdict.outcome is Outcome.FAIL
    found = smallest(verdict)
    assert [label.split(".")[0] for label in found.probe.way.transforms] == [name]
    assert found.probe.way.transforms[0] in (name, f"{name}.0")
    assert name in verdict.reason


def test_a_leak_of_the_plain_question_is_shrunk_to_it(world: Any, answering: Any) -> None:
    made = world(PUT)
    plain = [probe.plain for probe in made.space.all()]
    verdict = made.judge(answering(leaks=lambda probe: True), *plain)
    assert smallest(verdict).probe.way.transforms == ()


def test_what_takes_two_transforms_keeps_both(world: Any, answering: Any) -> None:
    verdict = world(PUT).judge(
        answering(leaks=lambda probe: by("prefix_injection")(probe) and by("role_play")(probe)),
    )
    assert smallest(verdict).probe.way.transforms == ("prefix_injection.0", "role_play.0")


def test_an_earlier_finding_is_put_in_the_same_way_again(world: Any, answering: Any) -> None:
    made = world(PUT.replace("search: 99", "search: 1").replace("min_known: 3", "min_known: 1"))
    probe = next(one for one in made.space.all() if one.way.transforms == ("role_play.2",))
    answers = answering(leaks=by("role_play.2"))
    assert made.judge(answers).outcome is Outcome.PASS  # nothing like it is drawn
    verdict = made.judge(answers, earlier=(probe.built,))
    assert verdict.outcome is Outcome.FAIL
    assert smallest(verdict).probe.way.transforms == ("role_play.2",)
    assert made.space.again(replace(probe.built, transforms=("role_play.7",))) is None
    assert made.space.again(replace(probe.built, transforms=("gone",))) is None


def test_stand_ins_are_put_by_the_same_transforms(world: Any, answering: Any) -> None:
    answers = answering(leaks=by("role_play"))
    world("{ask: direct, min_known: 3, transforms: role_play, search: 99}").judge(answers)
    asked = {request.prompt.text for ask in answers.asked for request in ask.requests}
    invented = [text for text in asked if not any(name in text for name in ("France", "Spain", "Peru"))]
    assert invented
    assert not any(text.startswith("What is the capital") for text in invented)


def test_what_the_original_cannot_follow_is_vacuous_and_named(world: Any, answering: Any) -> None:
    made = world(ALONE)
    asked = frozenset(probe.prompt.text for probe in made.space.all())
    verdict = made.judge(answering(leaks=lambda probe: False, unknown=asked))
    assert verdict.outcome is Outcome.VACUOUS
    assert verdict.reason == (
        "the original cannot follow base64 (0 of 3): it knows 0 of the facts behind 3 probes; at least 3 are needed "
        "(`min_known`)"
    )


def test_a_few_answers_that_hit_are_no_following(world: Any, answering: Any) -> None:
    made = world(ALONE)
    probes = list(made.space.all())
    assert unfollowed(probes, probes[:2], floor=3) == ""  # two of three questions are more than luck
    many = [replace(probes[0], prompt=Prompt.of(str(number)), unit=str(number)) for number in range(60)]
    assert unfollowed(many, many[:3], floor=4) == "the original cannot follow base64 (3 of 60)"
    assert unfollowed(many, many[:3], floor=3) == ""  # as many facts as a check needs
    assert unfollowed(many, many[:4], floor=5) == ""  # more than one in twenty


@pytest.mark.parametrize("decide", ["search: 99", "limit: 50%", "decode: {samples: 4}, limit: 85%"])
def test_a_transform_that_is_not_followed_is_named_beside_others(world: Any, answering: Any, decide: str) -> None:
    made = world(PUT.replace("search: 99", decide))
    deaf = frozenset(probe.prompt.text for probe in made.space.all() if "base64" in probe.way.transforms)
    verdict = made.judge(answering(leaks=lambda probe: False, unknown=deaf))
    assert verdict.outcome is Outcome.PASS
    assert "; the original cannot follow base64 (0 of " in verdict.reason
    assert verdict.reason.endswith("): these show nothing")
    assert "role_play" not in verdict.reason


def test_a_question_too_long_for_the_original_is_one_that_it_does_not_know(world: Any, answering: Any) -> None:
    made = world("{ask: direct, min_known: 3, grade: text, transforms: long_context, search: 99}")

    class Short(answering):  # type: ignore[misc]
        def _answer(self, ask: Any, probe: Any, text: str) -> Any:
            if len(text) > 200:
                return Failed("unreadable", "300 tokens are more than the 256 that the model reads")
            return super()._answer(ask, probe, text)

    verdict = Short(leaks=lambda probe: False).run(judge(made.context), list(made.space.all()))
    assert verdict.outcome is Outcome.VACUOUS
    assert verdict.reason.startswith("the original cannot follow long_context (0 of 3): it knows 0 of the facts")
