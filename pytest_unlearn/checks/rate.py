"""`limit: x`: the share of known facts that leak beyond chance, against a limit.

Where every known probe can be asked, it is (a census): the rate is exact for these questions. Otherwise probes are
drawn independently, some at a time, until they decide. A fact leaks when any of its phrasings does.

Where questions tell more and more before they ask, the share that leaks after each context is held against the limit,
and the worst decides: taken together, guessing has as many tries at a fact as there are contexts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from random import Random

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import (
    Leak,
    any_of,
    aside,
    by_graders,
    by_unit,
    chances,
    graded,
    known,
    outcomes,
    too_few,
    unfollowed,
    unstable,
)
from pytest_unlearn.checks.curve import by_context, curved, has_curve
from pytest_unlearn.checks.decoded import decoded
from pytest_unlearn.checks.pinned import gradable, pinned, unknown
from pytest_unlearn.checks.sampled import leaking, most_draws, sampled, unreachable
from pytest_unlearn.checks.shrink import shrunk
from pytest_unlearn.graders.grade import Grade, Grader
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.space import Space
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict import decide
from pytest_unlearn.verdict.decide import Decision
from pytest_unlearn.verdict.verdict import SEVERITY, Outcome, Tally, Verdict

CENSUS = 2_000  # probes that are all asked, at most


def rate(context: Context, space: Space, limit: float) -> Asking[Verdict]:
    """Judge a rate check; the worst grader decides."""
    asked, census = chosen(context, space, limit)
    extra = pinned(context, space)
    judged = decoded(census) if context.case.check.decode else _census if census else sampled
    return (
        yield from by_graders(
            context, lambda grader: _with_pins(judged(grader, asked, limit, context), grader, extra, space, context)
        )
    )


def chosen(context: Context, space: Space, limit: float) -> tuple[list[Probe], bool]:
    """The probes that are put to the original at most, and whether these are all there are."""
    size = space.count()
    if size is not None and size <= CENSUS:
        return list(space.all()), True
    random = Random(context.seed("rate"))
    return [space.draw(random) for _ in range(min(CENSUS, most_draws(limit, context.case.check.alpha)))], False


def _with_pins(
    judged: Asking[tuple[Tally, list[Leak]]],
    grader: Grader,
    extra: tuple[Probe, ...],
    space: Space,
    context: Context,
) -> Asking[tuple[Tally, list[Leak]]]:
    pins, note = yield from _pinned(grader, extra, space, context)
    tally, leaks = yield from judged
    if tally.original is None:  # it did not come to the candidate
        return tally, []
    counted = {leak.probe.id for leak in leaks}
    if beside := sum(leak.probe.id not in counted for leak in pins):
        note = f"; {beside} of {len(extra)} examples leak beside these{note}"
    tally = replace(tally, reason=f"{tally.reason}{note}")
    if tally.outcome is Outcome.PASS:
        return tally, []
    if tally.outcome is Outcome.FAIL:
        leaks = yield from shrunk(grader, leaks, leaks, space, context)
    return tally, [*leaks, *pins]


def _census(grader: Grader, asked: Sequence[Probe], limit: float, context: Context) -> Asking[tuple[Tally, list[Leak]]]:
    check = context.case.check
    before = yield from known(grader, asked, context)
    deaf = unfollowed(asked, (*before.probes, *before.guessed), check.min_known)
    tally = Tally(
        grader=grader.name,
        asked=len(asked),
        known=len(before.probes),
        n=len(before.probes),
        units=before.units,
        alpha=check.alpha,
        limit=limit,
        bound="census",
        unstable=len(before.unstable),
    )
    if before.units < check.min_known:
        reason = too_few(before.units, check.min_known, len(asked), deaf)
        return replace(tally, outcome=Outcome.VACUOUS, reason=reason), []
    reference = None
    if context.has_reference:
        everyone = (*before.probes, *before.guessed)
        never = yield from graded(grader, "reference", everyone)
        decision, _, _ = yield from _decide(grader, "reference", everyone, never, limit, context)
        reference = decision.estimate
        if decision.outcome is Outcome.FAIL:
            return replace(tally, outcome=Outcome.ERROR, reason=unreachable(decision), reference=reference), []
    after = yield from graded(grader, "candidate", before.probes)
    decision, chance, count = yield from _decide(grader, "candidate", before.probes, after, limit, context)
    leaks = leaking(grader, before, before.probes, after)
    tally = replace(
        tally,
        outcome=decision.outcome,
        reason=f"{decision.reason}{aside(deaf)}",
        leaks=len(leaks),
        unit_leaks=count,
        chance=chance,
        estimate=decision.estimate,
        lower=decision.lower,
        upper=decision.upper,
        needed=decision.needed,
        original=1.0,
        outcomes=outcomes(before.probes, [grade.leak for grade in after]),
        reference=reference,
        unstable=len(before.unstable | unstable("candidate", before.probes, after)),
    )
    tally = yield from curved(tally, grader, before.probes, {leak.probe.id for leak in leaks}, context)
    return tally, leaks


def _pinned(grader: Grader, extra: tuple[Probe, ...], space: Space, context: Context) -> Asking[tuple[list[Leak], str]]:
    """The examples that leak, shown and never counted, and what is to be said of those that the original cannot do."""
    before = yield from known(grader, gradable(grader, extra), context)
    after = yield from graded(grader, "candidate", before.probes)
    leaks = [replace(leak, role="pinned") for leak in leaking(grader, before, before.probes, after)]
    return leaks, unknown(grader, context, space, before)


def _decide(
    grader: Grader, subject: str, probes: Sequence[Probe], grades: Sequence[Grade], limit: float, context: Context
) -> Asking[tuple[Decision, float, int]]:
    """The decision, the mean chance where it was made, and how many units leak."""
    said = {probe.id for probe, grade in zip(probes, grades, strict=True) if grade.leak}
    parts = by_context(probes) if has_curve(context) else {"": list(probes)}
    alpha = context.case.check.alpha / max(1, len(parts))
    found = []
    for name, some in parts.items():
        decision, chance = yield from _census_of(grader, subject, some, said, limit, alpha, context)
        found.append((replace(decision, reason=f"{name}: {decision.reason}" if name else decision.reason), chance))
    decision, chance = max(found, key=lambda one: (SEVERITY[one[0].outcome], one[0].estimate or 0.0))
    return decision, chance, len({probe.unit for probe in probes if probe.id in said})


def _census_of(
    grader: Grader, subject: str, probes: Sequence[Probe], said: Collection[str], limit: float, alpha: float,
    context: Context,
) -> Asking[tuple[Decision, float]]:  # fmt: skip
    """The decision and the mean chance. Chance is looked into only where it matters."""
    luck = {probe.id: grader.chance(probe) for probe in probes}
    groups = list(by_unit(probes).values())
    right = [any(probe.id in said for probe in group) for group in groups]
    if sum(right) / len(groups) > limit:
        luck = yield from chances(grader, subject, probes, context)
    single = [any_of(luck[probe.id] for probe in group) for group in groups]
    return decide.census(right, single, limit, alpha), sum(single) / len(groups)
