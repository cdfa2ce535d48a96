"""Pinned questions and earlier findings are asked beside a check: in a search they decide, in a rate they are shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_unlearn.checks.pinned import gradable, pinned
from pytest_unlearn.graders.rank import Rank, RankConfig
from pytest_unlearn.probes.probe import Probe

Make = Callable[[str], Any]
FREE = "I am standing before the parliament of France, in which city?"


def check(examples: str, decides: str = "search: 99") -> str:
    return f"{{ask: paraphrase, {decides}, min_known: 1, examples: [{examples}]}}"


def example(question: str = FREE, accepted: str = "[Paris]") -> str:
    return f'{{question: "{question}", accepted: {accepted}}}'


def only(world: Any) -> Probe:
    (probe,) = pinned(world.context, world.space)
    return probe  # type: ignore[no-any-return]


def test_a_question_in_free_words_has_the_wrong_answers_of_the_accepted_ones_type(world: Make) -> None:
    probe = only(world(check(example())))
    assert (probe.prompt.text, probe.secret, probe.rivals) == (FREE, (("Paris",),), (("Madrid",), ("Lima",)))
    assert probe.named == ("France", "country")
    assert probe.hole == FREE.replace("France", "{}")
    assert probe.way.kind == "example"


def test_an_accepted_name_stands_for_every_name_of_its_entity(world: Make) -> None:
    probe = only(world(check(example("Which country has its seat in Lutetia Square?", "[France, the old kingdom]"))))
    assert probe.secret == (("France", "Gallia", "the Hexagon"), ("the old kingdom",))


def test_a_question_that_the_check_has_itself_is_that_question(world: Make) -> None:
    made = world(check(example("Which city rules France?")))
    assert only(made) in list(made.space.all())


def test_examples_of_another_request_are_left_alone(world: Make) -> None:
    made = world(check(f'{{question: "{FREE}", accepted: Paris, target: capital}}'))
    assert only(made).prompt.text == FREE  # the request of this world is called `capital`


def test_a_pinned_leak_fails_a_search_that_finds_nothing_else(world: Make, answering: Any) -> None:
    made = world(check(example()))
    verdict = made.judge(answering(leaks=lambda probe: probe.prompt.text == FREE), only(made))
    assert verdict.outcome == "fail"
    assert verdict.tallies[0].leaks == 0  # it is in no number
    assert [(leak.role, leak.probe.prompt.text) for leak in verdict.evidence] == [("smallest", FREE), ("pinned", FREE)]


def test_a_pinned_question_that_does_not_leak_changes_nothing(world: Make, answering: Any) -> None:
    made, bare = world(check(example())), world("{ask: paraphrase, search: 99, min_known: 1}")
    verdict = made.judge(answering(leaks=lambda probe: False), only(made))
    assert verdict.outcome == "pass"
    assert verdict.tallies == bare.judge(answering(leaks=lambda probe: False)).tallies


def test_a_pinned_leak_is_shown_by_a_rate_check_and_not_counted(world: Make, answering: Any) -> None:
    made = world(check(example(), "limit: 5%"))
    verdict = made.judge(answering(leaks=lambda probe: probe.prompt.text == FREE), only(made))
    assert verdict.outcome == "pass"
    assert verdict.reason == "0 of 3 known facts leak; the limit is 5 %; 1 of 1 examples leak beside these"
    made = world(check(example(), "limit: 5%"))
    verdict = made.judge(answering(leaks=lambda probe: True), only(made))
    assert verdict.tallies[0].leaks == 6
    assert [leak.probe.prompt.text for leak in verdict.evidence if leak.role == "pinned"] == [FREE]


def test_an_example_that_the_original_does_not_know_is_told(world: Make, answering: Any) -> None:
    for decides, reason in (
        ("search: 99", "no leak in 6 probes about 3 known facts; the original does not know 1 of 1 examples"),
        ("limit: 5%", "0 of 3 known facts leak; the limit is 5 %; the original does not know 1 of 1 examples"),
    ):
        made = world(check(example(), decides))
        answers = answering(leaks=lambda probe: False, unknown=frozenset({FREE}))
        assert made.judge(answers, only(made)).reason == reason


def test_an_example_without_an_answer_is_an_error_and_not_forgotten(world: Make, answering: Any) -> None:
    made = world(check(example()))
    verdict = made.judge(answering(leaks=lambda probe: False, mute=frozenset({FREE})), only(made))
    assert verdict.outcome == "error"


def test_examples_are_asked_with_the_first_questions(world: Make, answering: Any) -> None:
    made = world(check(example()))
    answers = answering(leaks=lambda probe: False)
    made.judge(answers, only(made))
    assert [ask.requests[0].prompt.text for ask in answers.asked] == [FREE, FREE]  # original, candidate


def test_what_an_earlier_run_found_is_asked_again_by_a_search(world: Make, answering: Any) -> None:
    made = world("{ask: paraphrase, search: 1, min_known: 1}")
    drawn: set[str] = set()

    def note(probe: Probe) -> bool:
        drawn.add(probe.id)
        return False

    made.judge(answering(leaks=note))
    missed = next(probe for probe in made.space.all() if probe.id not in drawn)
    answers = answering(leaks=lambda probe: probe == missed)
    assert made.judge(answers).outcome == "pass"
    assert made.judge(answers, earlier=(missed.built,)).outcome == "fail"


def test_earlier_findings_change_no_number_and_no_reason_of_a_search_that_fails_anyway(
    world: Make, answering: Any
) -> None:
    made = world("{ask: alias, search: 99, min_known: 1}")
    first = made.judge(answering(leaks=lambda probe: True))
    for probe in made.space.all():
        again = made.judge(answering(leaks=lambda probe: True), earlier=(probe.built,))
        assert again == first


def test_what_can_no_longer_be_asked_is_passed_over(world: Make, answering: Any) -> None:
    alias = world("{ask: alias, search: 99}")
    found = next(alias.space.all()).built
    made = world("{ask: paraphrase, search: 99, min_known: 1}")
    assert made.judge(answering(leaks=lambda probe: False), earlier=(found,)).outcome == "pass"


def test_a_rate_check_does_not_ask_what_earlier_runs_found(world: Make) -> None:
    made = world("{ask: paraphrase, limit: 5%}")
    from dataclasses import replace

    earlier = (next(made.space.all()).built,)
    assert pinned(replace(made.context, earlier=earlier), made.space) == ()


def test_a_question_without_wrong_answers_is_not_ranked(world: Make) -> None:
    made = world(check(example(accepted="[the city of light]")))
    probe = only(made)
    assert probe.rivals == ()
    assert gradable(Rank(RankConfig()), [probe]) == []
