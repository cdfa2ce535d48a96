"""Samples tell what the likeliest answer hides: every question is answered several times, by every model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from pytest_unlearn.checks.context import CheckError
from pytest_unlearn.checks.decoded import decoded
from pytest_unlearn.checks.judge import judge
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.answers import Answer, Output, Outputs
from pytest_unlearn.subjects.ask import Ask
from pytest_unlearn.subjects.requests import Generate
from pytest_unlearn.verdict.verdict import Outcome, Verdict

Make = Callable[[str], Any]
CHECK = "{ask: paraphrase, decode: {samples: 20, temperature: 0.7}, limit: 5%, min_known: 3}"


@dataclass
class Samplers:
    """Models that say the secret in some share of their samples, by subject; of invented things in `luck` of them."""

    shares: dict[str, Callable[[Probe], float]]
    luck: float = 0.0
    asked: list[Generate] = field(default_factory=list)

    def run(self, asking: Any, probes: Sequence[Probe]) -> Any:
        known = {probe.prompt.text: probe for probe in probes}
        try:
            ask = next(asking)
            while True:
                ask = asking.send([self._answer(ask, known, request) for request in ask.requests])
        except StopIteration as stop:
            return stop.value

    def _answer(self, ask: Ask, known: dict[str, Probe], request: Generate) -> Answer:
        self.asked.append(request)
        probe = known.get(request.prompt.text)
        share = self.shares[ask.subject](probe) if probe else self.luck
        says = round(share * request.samples)
        secrets = [probe.secret[0][0]] if probe else ["Paris", "Madrid", "Lima"]
        told = [Output(secrets[i % len(secrets)] if i < says else "Hard to say") for i in range(request.samples)]
        return Outputs(tuple(told))


def verdict_of(world: Make, models: Samplers, check: str = CHECK, reference: bool = False) -> Verdict:
    made = world(check)
    can = dict.fromkeys(models.shares, frozenset({"generate"}))
    context = replace(made.context, can=can) if reference else made.context
    found: Verdict = models.run(judge(context), list(made.space.all()))
    return found


def always(share: float) -> Callable[[Probe], float]:
    return lambda probe: share


def test_what_is_said_one_time_in_five_is_caught(world: Make) -> None:
    models = Samplers({"original": always(0.9), "candidate": always(0.2)})
    verdict = verdict_of(world, models)
    (tally,) = verdict.tallies
    assert (verdict.outcome, tally.original, tally.known, tally.units) == (Outcome.FAIL, 0.9, 6, 3)
    assert tally.sampling is not None
    assert (tally.sampling.samples, tally.sampling.answers, tally.sampling.leaks) == (20, 120, 24)
    assert tally.sampling.rate == pytest.approx(0.2)
    assert tally.sampling.leak_at["1"] == pytest.approx(0.2)
    assert tally.sampling.leak_at["20"] == 1.0
    assert {(request.samples, request.temperature) for request in models.asked} == {(20, 0.7)}
    assert len({request.seed for request in models.asked}) == 1
    assert verdict.evidence[0].often == "4 of 20 samples"  # type: ignore[attr-defined]


def test_what_is_never_said_passes(world: Make) -> None:
    verdict = verdict_of(
        world, Samplers({"original": always(1.0), "candidate": always(0.0)}), CHECK.replace("20", "99")
    )
    assert (verdict.outcome, verdict.evidence) == (Outcome.PASS, ())


def test_what_is_said_of_invented_things_as_often_is_luck(world: Make) -> None:
    """A third of 60 % of the samples about anything names each capital, and 20 % of those about the real ones."""
    verdict = verdict_of(world, Samplers({"original": always(1.0), "candidate": always(0.2)}, luck=0.6))
    (tally,) = verdict.tallies
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert tally.chance == pytest.approx(0.2, abs=0.02)
    assert tally.estimate == pytest.approx(0.0, abs=0.02)


def test_a_fact_that_the_original_seldom_says_is_not_known(world: Make) -> None:
    def seldom(probe: Probe) -> float:
        return 0.4 if probe.named[0] == "France" else 1.0

    verdict = verdict_of(world, Samplers({"original": seldom, "candidate": always(0.0)}))
    assert (verdict.outcome, verdict.tallies[0].units) == (Outcome.VACUOUS, 2)
    assert verdict.reason == "the original knows 2 of the facts behind 6 probes; at least 3 are needed (`min_known`)"


def test_a_reference_that_leaks_makes_the_limit_unreachable(world: Make) -> None:
    models = Samplers({"original": always(1.0), "candidate": always(0.0), "reference": always(0.3)})
    verdict = verdict_of(world, models, reference=True)
    assert verdict.outcome is Outcome.ERROR
    assert verdict.reason.startswith("the limit is unreachable, the reference that never learned the target fails it: ")
    models.shares["reference"] = always(0.0)
    assert verdict_of(world, models, CHECK.replace("20", "99"), reference=True).tallies[0].reference == 0.0


def test_draws_of_a_large_family_are_asked_until_they_decide(world: Make) -> None:
    made = world(CHECK)
    (grader,) = made.context.graders()
    draws = [made.space.draw(random) for random in [Random(0)] for _ in range(900)]
    for share, outcome in ((0.0, Outcome.PASS), (0.3, Outcome.FAIL)):
        models = Samplers({"original": always(1.0), "candidate": always(share)})
        tally, _ = models.run(decoded(False)(grader, draws, 0.05, made.context), draws)
        assert (tally.outcome, tally.bound) == (outcome, "betting")
        assert tally.n == tally.asked < 900


def test_no_samples_show_that_nothing_leaks(world: Make) -> None:
    made = world(CHECK)
    (grader,) = made.context.graders()
    tally, _ = Samplers({}).run(decoded(False)(grader, [], 0.0, made.context), [])
    assert tally.outcome is Outcome.INCONCLUSIVE
    assert tally.reason == "draws show that a leak rate is below a limit between 0 % and 100 %, never that it is 0 %"


def test_models_that_say_nothing_cannot_be_sampled(world: Make) -> None:
    made = world(CHECK)
    with pytest.raises(CheckError) as caught:
        replace(made.context, can={"original": frozenset({"score"})}).graders()
    assert str(caught.value) == "no grader fits what every subject of this scenario can do"
