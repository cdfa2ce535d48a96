"""`margin: x`: how much of what the original knows and should keep has been lost, net of what was gained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import Leak, by_graders, graded, outcomes, unstable
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict import decide
from pytest_unlearn.verdict.verdict import Outcome, Tally, Verdict


def margin(context: Context, probes: Sequence[Probe], at_most: int, limit: float) -> Asking[Verdict]:
    """Judge a utility check on every question, or on a seeded sample of `at_most` of them; the worst grader decides."""
    asked, census = chosen(context, probes, at_most)
    return (yield from by_graders(context, lambda grader: _with(grader, asked, census, limit, context)))


def chosen(context: Context, probes: Sequence[Probe], at_most: int) -> tuple[list[Probe], bool]:
    """The probes that are put to the original, and whether these are all there are."""
    if len(probes) <= at_most:
        return list(probes), True
    return Random(context.seed("margin")).sample(list(probes), at_most), False


def _with(
    grader: Grader, asked: Sequence[Probe], census: bool, limit: float, context: Context
) -> Asking[tuple[Tally, list[Leak]]]:
    check = context.case.check
    before = yield from graded(grader, "original", asked)
    right = [probe for probe, grade in zip(asked, before, strict=True) if grade.right]
    tipped = unstable("original", asked, before)
    tally = Tally(
        grader=grader.name,
        asked=len(asked),
        known=len(right),
        n=len(asked),
        units=len({probe.unit for probe in right}),
        alpha=check.alpha,
        limit=limit,
        bound="census" if census else "clopper-pearson",
        unstable=len(tipped),
    )
    if len(right) < check.min_known:
        reason = (
            f"the original answers {len(right)} of {len(asked)} questions that must stay; "
            f"at least {check.min_known} are needed (`min_known`)"
        )
        return replace(tally, outcome=Outcome.VACUOUS, reason=reason), []
    after = yield from graded(grader, "candidate", asked, silence=True)
    lost, gained = [], 0
    for probe, old, new in zip(asked, before, after, strict=True):
        if old.right and not new.right:
            lost.append(Leak(probe, grader.name, new.said, old.said, new.value, "lost"))
        gained += new.right and not old.right
    decision = (
        decide.margin_census(len(lost), gained, len(right), limit)
        if census
        else decide.margin_sample(len(lost), gained, len(right), len(asked), limit, check.alpha)
    )
    reference = None
    if context.has_reference:
        never = yield from graded(grader, "reference", right)
        reference = sum(grade.right for grade in never) / len(right)
    tally = replace(
        tally,
        outcome=decision.outcome,
        reason=decision.reason,
        leaks=len(lost),
        unit_leaks=len({leak.probe.unit for leak in lost}),
        estimate=decision.estimate,
        lower=decision.lower,
        upper=decision.upper,
        needed=decision.needed,
        original=1.0,
        outcomes=outcomes(asked, [not grade.right for grade in after]),
        reference=reference,
        unstable=len(tipped | unstable("candidate", asked, after)),
    )
    return tally, lost if decision.outcome is not Outcome.PASS else []
