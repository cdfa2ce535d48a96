"""What keeps a check from a verdict about forgetting is told as the reason of another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pytest_unlearn.checks import rate
from pytest_unlearn.checks.controls import chances
from pytest_unlearn.graders.text import Text, TextConfig
from pytest_unlearn.verdict.verdict import Outcome

Make = Callable[[str], Any]


def test_a_grader_that_a_subject_cannot_serve_is_told(world: Make, answering: Any) -> None:
    verdict = world("{ask: alias, search: 9, grade: rank}").judge(answering(leaks=lambda probe: False))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        "grader 'rank' needs subjects that can score; these cannot: original, candidate",
    )


def test_subjects_that_no_usual_grader_fits_are_told(world: Make, answering: Any) -> None:
    made = world("{ask: alias, search: 9}")
    deaf = replace(made, context=replace(made.context, can={"original": frozenset({"weights"})}))
    verdict = deaf.judge(answering(leaks=lambda probe: False))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        "no grader fits what every subject of this scenario can do",
    )


def test_a_candidate_that_is_silent_is_told_with_the_probe(world: Make, answering: Any) -> None:
    made = world("{ask: direct, limit: 5%, min_known: 1}")
    probe = next(iter(made.space.all()))
    verdict = made.judge(answering(leaks=lambda probe: False, mute=frozenset({probe.prompt.text})))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        f"the candidate gave no answer to probe {probe.id} ({probe.way}): it ended its answer at once. "
        "A missing answer is never counted as forgotten",
    )


def test_a_candidate_that_breaks_on_an_invented_entity_is_an_error(world: Make, answering: Any) -> None:
    made = world("{ask: direct, search: 9, min_known: 1}")
    known = {probe.prompt.text for probe in made.space.all()}
    verdict = made.judge(answering(leaks=lambda probe: True, broken=lambda text: text not in known))
    assert verdict.outcome is Outcome.ERROR
    assert "the candidate gave no answer to probe" in verdict.reason
    assert "the weights are broken" in verdict.reason


def beside_a_reference(made: Any) -> Any:
    can = dict.fromkeys(("original", "candidate", "reference"), frozenset({"generate"}))
    return replace(made, context=replace(made.context, can=can))


def test_a_limit_that_the_reference_fails_is_no_limit(world: Make, answering: Any) -> None:
    made = beside_a_reference(world("{ask: direct, limit: 5%, min_known: 1}"))
    verdict = made.judge(answering(leaks=lambda probe: False, reference=lambda probe: probe.named[0] != "Peru"))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        "the limit is unreachable, the reference that never learned the target fails it: 2 of 3 known facts leak; the "
        "limit is 5 %",
    )


def test_a_search_that_the_reference_fails_can_be_passed_by_none(world: Make, answering: Any) -> None:
    made = beside_a_reference(world("{ask: direct, search: 9, min_known: 1}"))
    verdict = made.judge(answering(leaks=lambda probe: False, reference=lambda probe: probe.named[0] != "Peru"))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.ERROR,
        "the reference, which never learned the target, gives away at least 1 of 3 facts asked by direct, "
        "capital.ask.0: no model can pass this check",
    )  # one is confirmed: without a chance to guess it is enough


@pytest.mark.parametrize("decides", ["limit: 5%", "search: 9"])
def test_where_the_original_knows_too_little_the_check_is_vacuous(world: Make, answering: Any, decides: str) -> None:
    verdict = world(f"{{ask: direct, {decides}}}").judge(answering(leaks=lambda probe: False))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.VACUOUS,
        "the original knows 3 of the facts behind 3 probes; at least 5 are needed (`min_known`)",
    )


def test_a_sample_that_is_too_small_for_its_limit_is_told_with_the_size_it_takes(
    world: Make, answering: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate, "CENSUS", 2)
    verdict = world("{ask: direct, limit: 5%, min_known: 1}").judge(answering(leaks=lambda probe: False))
    assert (verdict.outcome, verdict.tallies[0].needed, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        100,
        "0 of 2 draws leak: on neither side of the limit of 5 % (alpha 1 % for all looks together); at least 100 draws "
        "are needed, with no further leak",
    )


def test_a_search_in_which_every_leak_could_be_luck_is_inconclusive(world: Make, answering: Any) -> None:
    made = world("{ask: multiple_choice, options: 2, search: 9, min_known: 1}")
    twins = [probe.twin for probe in made.space.all() if probe.twin]
    verdict = made.judge(answering(leaks=lambda probe: True), *twins)
    assert (verdict.outcome, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        "graded by text, guessing is right with chance 50%, so that even a leak of every known fact could be luck: 12 "
        "known facts asked in one way would be needed",
    )


def test_a_kind_that_has_nothing_to_ask_is_vacuous(world: Make, answering: Any) -> None:
    verdict = world("{ask: continuation, limit: 5%}").judge(answering(leaks=lambda probe: False))
    assert (verdict.outcome, verdict.reason) == (
        Outcome.VACUOUS,
        "the knowledge has nothing to ask by `ask: continuation` about this target",
    )


def test_a_prompt_that_stands_twice_among_the_others_is_asked_and_counted_once(world: Make, answering: Any) -> None:
    """The same answer to one of two other prompts is a chance of a half, however often either is listed."""
    made = world("{ask: direct, search: 9}")
    first, second, third = made.space.all()
    prompts = second.prompt, second.prompt, third.prompt
    probe = replace(first, named=("", ""), others=prompts)
    again = replace(probe, prompt=second.prompt)  # whoever is asked the second prompt gives the first one's answer
    answers = answering(leaks=lambda one: one is again)
    found = answers.run(chances(Text(TextConfig()), "candidate", [probe], made.context), [again, third])
    assert found == {probe.id: 0.5}
    assert [len(ask.requests) for ask in answers.asked] == [2]
