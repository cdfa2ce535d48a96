"""A rate of questions that are drawn: it ends with the draw that decides, and says when none did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from pytest_unlearn.checks.rate import chosen
from pytest_unlearn.checks.sampled import AT_ONCE, most_draws, sampled
from pytest_unlearn.graders.text import Text, TextConfig
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.answers import Output
from pytest_unlearn.verdict.sequential import fewest
from pytest_unlearn.verdict.verdict import Outcome, Tally

Make = Callable[[str], Any]
CHECK = "{ask: paraphrase, limit: 5%, min_known: 1}"


def drawn(world: Any, answers: Any, n: int, limit: float = 0.05) -> tuple[Tally, list[Any], list[Probe]]:
    random = Random(0)
    draws = [world.space.draw(random) for _ in range(n)]
    tally, leaks = answers.run(sampled(Text(TextConfig()), draws, limit, world.context), draws)
    return tally, leaks, draws


def test_a_quiet_candidate_passes_at_the_draw_that_decides(world: Make, answering: Any) -> None:
    one = world(CHECK)
    level = one.context.case.check.alpha
    n = fewest(0.05, level)
    tally, leaks, _ = drawn(one, answering(lambda probe: False), 1_000)
    assert (tally.outcome, tally.n, tally.bound, leaks) == (Outcome.PASS, n, "e-process", [])
    assert n <= tally.asked < n + AT_ONCE
    assert tally.upper == 0.05


def test_a_candidate_that_tells_everything_fails_among_the_first_draws(world: Make, answering: Any) -> None:
    answers = answering(lambda probe: True)
    tally, leaks, _ = drawn(world(CHECK), answers, 1_000)
    assert (tally.outcome, tally.asked, tally.lower) == (Outcome.FAIL, AT_ONCE, 0.05)
    assert tally.leaks == tally.n < 20
    assert len({leak.probe.id for leak in leaks}) == len(leaks) > 0


def test_too_few_draws_are_inconclusive_and_the_number_that_would_do_is_told(world: Make, answering: Any) -> None:
    one = world(CHECK)
    n = fewest(0.05, one.context.case.check.alpha)
    tally, *_ = drawn(one, answering(lambda probe: False), n - 1)
    assert (tally.outcome, tally.needed) == (Outcome.INCONCLUSIVE, n)
    assert tally.reason.endswith(
        f"0 of {n - 1} draws leak: on neither side of the limit of 5 % (alpha 1 % for all looks together); "
        f"at least {n} draws are needed, with no further leak"
    )


def test_what_the_original_does_not_know_is_never_counted(world: Make, answering: Any) -> None:
    one = world(CHECK)
    unknown = frozenset(probe.prompt.text for probe in one.space.all() if "France" in probe.prompt.text)
    tally, *_ = drawn(one, answering(lambda probe: False, unknown=unknown), 300)
    assert tally.n < tally.known < tally.asked


def test_where_the_original_knows_nothing_the_check_is_vacuous(world: Make, answering: Any) -> None:
    one = world(CHECK)
    unknown = frozenset(probe.prompt.text for probe in one.space.all())
    tally, *_ = drawn(one, answering(lambda probe: False, unknown=unknown), 100)
    assert (tally.outcome, tally.asked) == (Outcome.VACUOUS, 100)


def test_no_number_of_draws_shows_that_nothing_leaks(world: Make, answering: Any) -> None:
    tally, leaks, _ = drawn(world(CHECK), answering(lambda probe: False), most_draws(0.0, 0.01), limit=0.0)
    assert (tally.outcome, leaks) == (Outcome.INCONCLUSIVE, [])
    assert tally.reason == "draws show that a leak rate is below a limit between 0 % and 100 %, never that it is 0 %"


@pytest.mark.parametrize("limit", [0.05, 0.2])
def test_a_space_too_large_to_list_is_drawn_from_and_its_draws_are_the_seeds(world: Make, limit: float) -> None:
    class Large:
        def __init__(self, space: Any) -> None:
            self._space = space

        def count(self) -> None:
            return None

        def draw(self, random: Random) -> Probe:
            probe: Probe = self._space.draw(random)
            return probe

    one = world(CHECK)
    asked, census = chosen(one.context, Large(one.space), limit)  # type: ignore[arg-type]
    assert not census
    assert len(asked) == most_draws(limit, one.context.case.check.alpha)
    assert asked == chosen(one.context, Large(one.space), limit)[0]  # type: ignore[arg-type]


def beside_a_reference(made: Any) -> Any:
    can = dict.fromkeys(("original", "candidate", "reference"), frozenset({"generate"}))
    return replace(made, context=replace(made.context, can=can))


def test_draws_that_the_reference_answers_do_not_count(world: Make, answering: Any) -> None:
    one = beside_a_reference(world(CHECK))
    guesses = answering(leaks=lambda probe: probe.named[0] == "Peru", reference=lambda probe: probe.named[0] == "Peru")
    tally, leaks, draws = drawn(one, guesses, 1_000, limit=0.9)
    assert (tally.outcome, leaks) == (Outcome.PASS, [])
    asked = draws[: tally.asked]
    assert tally.known == sum(probe.named[0] != "Peru" for probe in asked)
    assert tally.reference is not None and 0.1 < tally.reference < 0.6


def test_a_limit_that_draws_of_the_reference_fail_is_no_limit(world: Make, answering: Any) -> None:
    one = beside_a_reference(world(CHECK))
    tally, *_ = drawn(one, answering(leaks=lambda probe: False, reference=lambda probe: True), 1_000)
    assert tally.outcome is Outcome.ERROR
    assert tally.reason.startswith("the limit is unreachable, the reference that never learned the target fails it: ")


def test_a_question_that_is_drawn_often_is_unstable_once(world: Make, answering: Any) -> None:
    one = world(CHECK)
    shaky = frozenset({next(iter(one.space.all())).prompt.text})
    tally, _, draws = drawn(
        one, answering(leaks=lambda p: p.prompt.text in shaky, alone=lambda p: False, shaky=shaky), 500
    )
    assert sum(probe.prompt.text in shaky for probe in draws[: tally.asked]) > 1
    assert (tally.outcome, tally.leaks, tally.unstable) == (Outcome.PASS, 0, 1)


def test_draws_that_fail_at_once_are_held_against_habits_too(world: Make, answering: Any) -> None:
    """The first draws leak, too few for all 64: whether that is luck is asked before they fail."""
    one = world("{ask: paraphrase, limit: 50%, min_known: 1}")
    random = Random(0)
    madrid, *others = {probe.named[0]: probe for probe in (one.space.draw(random) for _ in range(99))}.values()
    draws = [madrid] * 20 + [others[0]] * 44

    class Habit(answering):  # type: ignore[misc]
        def _answer(self, ask: Any, probe: Probe | None, text: str) -> Any:
            answer = super()._answer(ask, probe, text)
            if probe is None and ask.subject == "candidate":
                answer = replace(answer, items=(Output(madrid.secret[0][0]),))
            return answer

    answers = Habit(lambda probe: probe is madrid)
    tally, _ = answers.run(sampled(Text(TextConfig()), draws, 0.5, one.context), draws)
    assert tally.chance > 0.2
    assert tally.outcome is not Outcome.FAIL
