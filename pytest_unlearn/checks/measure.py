"""`measure: M` with `limit`, `at_least` or `between`: a number with an interval against where it must lie."""

from __future__ import annotations

from dataclasses import replace

from pytest_unlearn.checks.context import CheckError, Context
from pytest_unlearn.metrics.measure import Measured, Sight, UnmeasurableError
from pytest_unlearn.registry import METRICS
from pytest_unlearn.scenario.model import AtLeast, Between, Limit
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict.decide import Decision, number
from pytest_unlearn.verdict.verdict import Tally, Verdict, worst


def measure(context: Context) -> Asking[Verdict]:
    """Judge a measured number; raises CheckError when it has no value.

    Where noise could move it to another outcome, everything is asked again alone, in float32, and that counts.
    """
    check = context.case.check
    unstable = False
    try:
        measured, noise = yield from _heard(measuring(context), alone=False)
        decision = _decide(context, measured)
        if any(_decide(context, measured, 1 + sign * noise).outcome is not decision.outcome for sign in (-2, 2)):
            before = decision
            measured, _ = yield from _heard(measuring(context), alone=True)
            decision = _decide(context, measured)
            unstable = decision.outcome is not before.outcome
    except UnmeasurableError as error:
        raise CheckError(str(error)) from None
    if unstable:
        note = f"numerically unstable: {before.outcome.value} when asked in batches, {before.estimate:.4g}"
        decision = replace(decision, reason=f"{decision.reason}; {note}")
    tally = Tally(
        grader=check.kind,
        outcome=decision.outcome,
        reason=decision.reason,
        asked=measured.n,
        n=measured.n,
        estimate=measured.value,
        lower=measured.low,
        upper=measured.high,
        limit=_limit(context),
        alpha=check.alpha,
        bound=measured.bound,
        reference=measured.reference,
        unstable=int(unstable),
    )
    return worst((tally,))


def measuring(context: Context) -> Asking[Measured]:
    """What the metric asks, and the number it comes to; raises UnmeasurableError."""
    check = context.case.check
    sight = Sight(context.knowledge, context.held_out, context.has_reference, check.alpha, context.seed("measure"))
    asking: Asking[Measured] = METRICS.get(check.kind).make(check.config, sight)
    return asking


def _decide(context: Context, measured: Measured, times: float = 1.0) -> Decision:
    """What the number, and so many times it, comes to."""
    value = measured.value * times, measured.low * times, measured.high * times
    match context.case.check.decide:
        case Limit(limit=limit):
            return number(*value, limit=limit)
        case AtLeast(limit=limit):
            return number(*value, at_least=limit)
        case between:
            assert isinstance(between, Between)
            return number(*value, between=(between.low, between.high))


def _limit(context: Context) -> float:
    decide = context.case.check.decide
    if isinstance(decide, Between):
        return decide.high
    assert isinstance(decide, Limit | AtLeast)
    return decide.limit


def _heard(measuring: Asking[Measured], alone: bool) -> Asking[tuple[Measured, float]]:
    """Let a metric ask, or ask everything alone for it; what it comes to, and the largest noise in the answers."""
    noise = 0.0
    try:
        ask = next(measuring)
        while True:
            answers = yield replace(ask, alone=ask.alone or alone)
            noise = max([noise, *(getattr(answer, "noise", 0.0) for answer in answers)])
            ask = measuring.send(answers)
    except StopIteration as stop:
        return stop.value, noise
