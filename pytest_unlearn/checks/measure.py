"""`measure: M` with `limit`, `at_least` or `between`: a number with an interval against where it must lie."""

from __future__ import annotations

from pytest_unlearn.checks.context import CheckError, Context
from pytest_unlearn.metrics.measure import Measured, Sight, UnmeasurableError
from pytest_unlearn.registry import METRICS
from pytest_unlearn.scenario.model import AtLeast, Between, Limit
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict.decide import number
from pytest_unlearn.verdict.verdict import Tally, Verdict, worst


def measure(context: Context) -> Asking[Verdict]:
    """Judge a measured number; raises CheckError when it has no value."""
    check = context.case.check
    try:
        measured: Measured = yield from measuring(context)
    except UnmeasurableError as error:
        raise CheckError(str(error)) from None
    value = measured.value, measured.low, measured.high
    match check.decide:
        case Limit(limit=limit):
            decision = number(*value, limit=limit)
        case AtLeast(limit=limit):
            decision = number(*value, at_least=limit)
        case between:
            assert isinstance(between, Between)
            limit = between.high
            decision = number(*value, between=(between.low, limit))
    tally = Tally(
        grader=check.kind,
        outcome=decision.outcome,
        reason=decision.reason,
        asked=measured.n,
        n=measured.n,
        estimate=measured.value,
        lower=measured.low,
        upper=measured.high,
        limit=limit,
        alpha=check.alpha,
        bound=measured.bound,
        reference=measured.reference,
    )
    return worst((tally,))


def measuring(context: Context) -> Asking[Measured]:
    """What the metric asks, and the number it comes to; raises UnmeasurableError."""
    check = context.case.check
    sight = Sight(context.knowledge, context.held_out, context.has_reference, check.alpha, context.seed("measure"))
    asking: Asking[Measured] = METRICS.get(check.kind).make(check.config, sight)
    return asking
