"""From a check to its verdict: a generator that asks subjects by name."""

from __future__ import annotations

from pytest_unlearn.checks.askable import asked_by
from pytest_unlearn.checks.context import CheckError, Context
from pytest_unlearn.checks.margin import margin
from pytest_unlearn.checks.measure import measure
from pytest_unlearn.checks.rate import rate
from pytest_unlearn.checks.search import search
from pytest_unlearn.probes.space import Space
from pytest_unlearn.registry import UTILITY
from pytest_unlearn.scenario.model import Limit, Margin, Search
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict.verdict import Outcome, Verdict


def judge(context: Context) -> Asking[Verdict]:
    """The verdict of one check. What keeps it from being judged is an `error`, never a pass."""
    try:
        return (yield from _judge(context))
    except CheckError as error:
        return Verdict(Outcome.ERROR, str(error))


def space_of(context: Context) -> Space:
    """Everything that a check that asks can ask."""
    return asked_by(context.case.check, context.knowledge, context.closure)


def _judge(context: Context) -> Asking[Verdict]:
    check = context.case.check
    if check.verb == "measure":
        return (yield from measure(context))
    if isinstance(check.decide, Margin):
        probes = UTILITY.get(check.kind).make(check.config, context.knowledge, context.closure, context.held_out)
        if not probes:
            return Verdict(Outcome.VACUOUS, f"no retained fact can be asked by `keep: {check.kind}`")
        return (yield from margin(context, probes, check.config.at_most, check.decide.margin))
    space = space_of(context)
    if space.count() == 0:
        reason = f"the knowledge has nothing to ask by `ask: {check.kind}` about this target"
        if space.dropped:
            reason += f" ({space.dropped} questions were left out because they contain their own answer)"
        return Verdict(Outcome.VACUOUS, reason)
    if isinstance(check.decide, Search):
        return (yield from search(context, space, check.decide.probes))
    assert isinstance(check.decide, Limit)
    return (yield from rate(context, space, check.decide.limit))
