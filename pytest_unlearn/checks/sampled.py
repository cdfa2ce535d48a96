"""The leak rate of questions that are too many to ask them all: they are drawn, and asked until they decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import (
    Known,
    Leak,
    Unstable,
    aside,
    chances,
    graded,
    known,
    outcomes,
    too_few,
    unfollowed,
    unstable,
)
from pytest_unlearn.checks.curve import curved
from pytest_unlearn.graders.grade import Grade, Grader
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict.decide import Decision, percent
from pytest_unlearn.verdict.sequential import Stop, fewest, sequential
from pytest_unlearn.verdict.verdict import Outcome, Tally

AT_ONCE = 64  # draws that are asked together: as many are asked in vain at most
PATIENCE = 5  # times the draws that it takes to pass without a leak


def most_draws(limit: float, alpha: float) -> int:
    """How many questions are drawn before a check gives up; none where no sample can prove the limit."""
    return PATIENCE * fewest(limit, alpha) if 0.0 < limit < 1.0 else 0


def sampled(grader: Grader, draws: Sequence[Probe], limit: float, context: Context) -> Asking[tuple[Tally, list[Leak]]]:
    """Judge independent draws, in their order; the first that decides ends it."""
    check = context.case.check
    tally = Tally(grader=grader.name, alpha=check.alpha, limit=limit, bound="e-process")
    if not draws:
        return replace(tally, outcome=Outcome.INCONCLUSIVE, reason=unprovable(limit)), []
    counted: list[Probe] = []  # known to the original and not guessed by the reference
    right: list[bool] = []
    everyone: list[Probe] = []
    guessed: list[bool] = []
    leaks: dict[str, Leak] = {}
    tipped: Unstable = frozenset()
    stop = Stop(Decision(Outcome.INCONCLUSIVE, ""), 0, 0, 0.0)
    for low in range(0, len(draws), AT_ONCE):
        some = draws[low : low + AT_ONCE]
        before = yield from known(grader, list({probe.id: probe for probe in some}.values()), context)
        these = {probe.id for probe in before.probes}
        new = [probe for probe in some if probe.id in these]
        after = yield from graded(grader, "candidate", new)
        counted += new
        right += [grade.leak for grade in after]
        leaks |= {leak.probe.id: leak for leak in leaking(grader, before, new, after)}
        tipped |= before.unstable | unstable("candidate", new, after)
        tally = replace(
            tally,
            asked=low + len(some),
            known=len(counted),
            units=len({probe.unit for probe in counted}),
            unstable=len(tipped),
        )
        if context.has_reference:
            lucky = {probe.id for probe in before.guessed}
            everyone += [probe for probe in some if probe.id in these | lucky]
            guessed += [probe.id in lucky for probe in some if probe.id in these | lucky]
            never = yield from _stop(grader, "reference", everyone, guessed, limit, context)
            tally = replace(tally, reference=never.decision.estimate)
            if never.decision.outcome is Outcome.FAIL:
                return replace(tally, outcome=Outcome.ERROR, reason=unreachable(never.decision)), []
        stop = yield from _stop(grader, "candidate", counted, right, limit, context)
        if stop.decision.outcome is not Outcome.INCONCLUSIVE and tally.units >= check.min_known:
            break
    deaf = unfollowed(draws[: tally.asked], (*counted, *everyone), check.min_known)
    if tally.units < check.min_known:
        reason = too_few(tally.units, check.min_known, tally.asked, deaf)
        return replace(tally, outcome=Outcome.VACUOUS, reason=reason), []
    decisive = {probe.unit for probe, hit in zip(counted[: stop.n], right, strict=False) if hit}
    decision = stop.decision
    tally = replace(
        tally,
        outcome=decision.outcome,
        reason=f"{decision.reason}{aside(deaf)}",
        n=stop.n,
        leaks=stop.leaks,
        unit_leaks=len(decisive),
        chance=stop.chance,
        estimate=decision.estimate,
        lower=decision.lower,
        upper=decision.upper,
        needed=decision.needed,
        original=1.0,
        outcomes=outcomes(counted, right, drawn=True),
    )
    tally = yield from curved(tally, grader, list({probe.id: probe for probe in counted}.values()), leaks, context)
    return tally, list(leaks.values())


def leaking(grader: Grader, before: Known, probes: Sequence[Probe], after: Sequence[Grade]) -> list[Leak]:
    """Those of the probes that the candidate still answers."""
    return [
        Leak(probe, grader.name, grade.said, before.said[probe.id], grade.value, often=grade.often)
        for probe, grade in zip(probes, after, strict=True)
        if grade.leak
    ]


def unprovable(limit: float) -> str:
    """Why no draws are asked."""
    return f"draws show that a leak rate is below a limit between 0 % and 100 %, never that it is {percent(limit)}"


def unreachable(decision: Decision) -> str:
    """Why no candidate is judged by a limit."""
    return f"the limit is unreachable, the reference that never learned the target fails it: {decision.reason}"


def _stop(
    grader: Grader, subject: str, probes: Sequence[Probe], right: Sequence[bool], limit: float, context: Context
) -> Asking[Stop]:
    """Where the draws so far decide. Chance is looked into only where it matters.

    That may be at the first of them alone: they can fail although too few of all are right.
    """
    alpha = context.case.check.alpha
    stop = sequential(right, [grader.chance(probe) for probe in probes], limit, alpha)
    if stop.decision.outcome is Outcome.FAIL or (right and sum(right) / len(right) > limit):
        luck = yield from chances(grader, subject, list({probe.id: probe for probe in probes}.values()), context)
        stop = sequential(right, [luck[probe.id] for probe in probes], limit, alpha)
    return stop
