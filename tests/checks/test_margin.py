"""What must stay is counted against what the original knows, net of what was gained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.judge import judge
from pytest_unlearn.checks.margin import margin
from pytest_unlearn.knowledge.closure import Kept
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import UTILITY
from pytest_unlearn.scenario.model import Margin
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.utility.kept import KeepConfig
from pytest_unlearn.verdict.verdict import Outcome, Verdict

Make = Callable[[str], Any]


def kept(world: Make, limit: float = 0.1, at_most: int = 200, min_known: int = 5) -> tuple[Context, list[Probe]]:
    """`keep: retained` of the six facts about mayors and instruments, and what it asks."""
    context: Context = world("{ask: direct, limit: 5%}").context
    config = KeepConfig(at_most=at_most)
    check = replace(context.case.check, verb="keep", kind="retained", config=config, decide=Margin(limit))
    facts = Kept(context.closure.retained)
    probes = UTILITY.get("retained").make(config, context.knowledge, context.closure, facts)
    case = replace(context.case, check=replace(check, claim="utility", min_known=min_known))
    return replace(context, case=case, held_out=facts), list(probes)


def verdict_of(world: Make, answers: Any, **options: Any) -> Verdict:
    context, probes = kept(world, **options)
    found: Verdict = answers.run(judge(context), probes)
    return found


def test_a_candidate_that_keeps_everything_passes(world: Make, answering: Any) -> None:
    verdict = verdict_of(world, answering(leaks=lambda probe: True))
    assert (verdict.outcome, verdict.tallies[0].leaks, verdict.tallies[0].known) == (Outcome.PASS, 0, 6)
    assert verdict.evidence == ()


def test_a_candidate_that_lost_more_than_the_margin_fails_with_what_it_lost(world: Make, answering: Any) -> None:
    answers = answering(leaks=lambda probe: probe.named[0] not in ("Ann", "Bob"))
    verdict = verdict_of(world, answers)
    assert (verdict.outcome, verdict.tallies[0].estimate) == (Outcome.FAIL, 2 / 6)
    assert sorted(leak.probe.named[0] for leak in verdict.evidence) == ["Ann", "Bob"]
    assert {leak.role for leak in verdict.evidence} == {"lost"}


def test_what_only_a_batch_loses_is_not_lost(world: Make, answering: Any) -> None:
    shaky = frozenset({"What does Ann play?"})
    verdict = verdict_of(world, answering(lambda p: p.named[0] != "Ann", alone=lambda p: True, shaky=shaky))
    assert (verdict.outcome, verdict.tallies[0].leaks, verdict.tallies[0].unstable) == (Outcome.PASS, 0, 1)


def test_what_was_gained_makes_up_for_what_was_lost(world: Make, answering: Any) -> None:
    """The original does not know Cyd's instrument; the candidate does, and has forgotten Ann's."""
    _, probes = kept(world)
    unknown = frozenset(probe.prompt.text for probe in probes if probe.named[0] == "Cyd")
    answers = answering(leaks=lambda probe: probe.named[0] != "Ann", unknown=unknown)
    verdict = verdict_of(world, answers)
    assert (verdict.outcome, verdict.tallies[0].leaks, verdict.tallies[0].estimate) == (Outcome.PASS, 1, 0.0)


def test_where_the_original_knows_too_little_nothing_can_be_said(world: Make, answering: Any) -> None:
    _, probes = kept(world)
    unknown = frozenset(probe.prompt.text for probe in probes[:2])
    verdict = verdict_of(world, answering(leaks=lambda probe: True, unknown=unknown))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.VACUOUS,
        "the original answers 4 of 6 questions that must stay; at least 5 are needed (`min_known`)",
    )


def test_a_silent_candidate_has_lost_what_had_to_stay(world: Make, answering: Any) -> None:
    _, probes = kept(world)
    answers = answering(leaks=lambda probe: True, mute=frozenset(probe.prompt.text for probe in probes))
    verdict = verdict_of(world, answers)
    assert (verdict.outcome, verdict.tallies[0].leaks) == (Outcome.FAIL, 6)


def test_more_questions_than_are_to_be_asked_are_sampled_the_same_each_time(world: Make, answering: Any) -> None:
    asked = []
    for _ in range(2):
        answers = answering(leaks=lambda probe: True)
        verdict = verdict_of(world, answers, limit=0.5, at_most=3, min_known=1)
        asked.append([request.prompt.text for ask in answers.asked for request in ask.requests])
        assert (verdict.tallies[0].asked, verdict.tallies[0].bound) == (3, "clopper-pearson")
    assert asked[0] == asked[1]


def test_nothing_to_keep_is_vacuous(world: Make, answering: Any) -> None:
    context, _ = kept(world)
    nothing = replace(context, held_out=Kept())
    verdict = answering(leaks=lambda probe: True).run(judge(nothing), [])
    assert (verdict.outcome, verdict.reason) == (
        Outcome.VACUOUS,
        "no retained fact can be asked by `keep: retained`",
    )


def paired(world: Make, answers: Any, min_known: int = 5) -> Verdict:
    """`keep: triggered` of the six facts, each beside a mention of Paris, and its twin beside one of Madrid."""
    context, probes = kept(world, min_known=min_known)
    asked = [
        replace(
            probe,
            prompt=Prompt.of(f"Paris aside: {probe.prompt.text}"),
            twin=replace(probe, prompt=Prompt.of(f"Madrid aside: {probe.prompt.text}")),
        )
        for probe in probes
    ]
    every = [*asked, *(probe.twin for probe in asked if probe.twin)]
    found: Verdict = answers.run(margin(context, asked, 200, 0.1), every)
    return found


def test_beside_a_mention_only_what_the_other_mention_leaves_is_lost(world: Make, answering: Any) -> None:
    """Beside Paris it answers nothing, beside Madrid all but about Ann; and it answered no plain question."""
    verdict = paired(world, answering(lambda p: "Madrid aside" in p.prompt.text and p.named[0] != "Ann"))
    (tally,) = verdict.tallies
    assert (verdict.outcome, tally.known, tally.leaks) == (Outcome.FAIL, 6, 5)
    assert verdict.reason == (
        "5 of 6 answers beside a mention of what must be gone lost and 0 gained, a net loss of 83.3 %; "
        "the margin is 10 %"
    )
    assert paired(world, answering(lambda p: p.named[0] != "Ann")).outcome is Outcome.PASS


def test_where_the_original_stumbles_over_a_mention_nothing_is_known(world: Make, answering: Any) -> None:
    unknown = frozenset({"Paris aside: What does Ann play?", "Madrid aside: What does Bob play?"})
    verdict = paired(world, answering(lambda p: True, unknown=unknown))
    assert (verdict.outcome, verdict.tallies[0].known) == (Outcome.VACUOUS, 4)


def test_a_model_that_any_mention_silences_shows_nothing(world: Make, answering: Any) -> None:
    verdict = paired(world, answering(lambda p: False))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        "beside a mention of what stays the candidate answers 0 of 6 questions, so that it cannot be told what another "
        "mention does; at least 5 are needed (`min_known`)",
    )


def grouped(world: Make, answers: Any, at_most: int = 200, min_known: int = 3) -> Verdict:
    """Mayors at distance 1, instruments at distance 2."""
    context, probes = kept(world, min_known=min_known)
    labels = {"plays": "distance 2", "mayor": "distance 1"}
    asked = [replace(p, way=replace(p.way, position=labels[p.way.template.split(".")[0]])) for p in probes]
    found: Verdict = answers.run(margin(context, asked, at_most, 0.1), asked)
    return found


def test_every_group_is_held_to_the_margin_on_its_own_and_told(world: Make, answering: Any) -> None:
    verdict = grouped(world, answering(lambda probe: probe.named[0] != "Ann"))
    assert (verdict.outcome, verdict.tallies[0].estimate) == (Outcome.FAIL, pytest.approx(1 / 3))
    assert verdict.reason == "distance 2: 1 of 3 answers lost and 0 gained, a net loss of 33.3 %; the margin is 10 %"
    assert {p.at: (p.known, p.lost, p.gained) for p in verdict.tallies[0].curve} == {
        "distance 1": (3, 0, 0),
        "distance 2": (3, 1, 0),
    }


def test_a_group_of_which_too_little_is_known_does_not_decide(world: Make, answering: Any) -> None:
    unknown = frozenset({"What does Bob play?"})
    one = grouped(world, answering(lambda probe: probe.named[0] != "Ann", unknown=unknown))
    assert (one.outcome, [point.lost for point in one.tallies[0].curve]) == (Outcome.PASS, [0, 1])
    none = grouped(world, answering(lambda probe: True), min_known=4)
    assert (none.outcome, none.reason) == (
        Outcome.VACUOUS,
        "no group of questions has 4 that the original answers (`min_known`)",
    )


def test_of_many_questions_every_group_is_sampled_alike(world: Make, answering: Any) -> None:
    verdict = grouped(world, answering(lambda probe: True), at_most=4, min_known=2)
    assert [(point.at, point.known) for point in verdict.tallies[0].curve] == [("distance 1", 2), ("distance 2", 2)]
    assert verdict.tallies[0].bound == "clopper-pearson"
