"""`margin: x`: how much of what the original knows and should keep has been lost, net of what was gained.

Questions that are told apart by a label, such as their distance from what must be gone, are judged group by group, and
the worst decides. A question with a twin is held against the candidate's own answer to that: what is lost is what the
candidate answers there and not here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import Leak, by_graders, graded, outcomes, unstable
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict import decide
from pytest_unlearn.verdict.decide import Decision
from pytest_unlearn.verdict.verdict import SEVERITY, Outcome, Point, Tally, Verdict

BESIDE = "answers beside a mention of what must be gone"


def margin(context: Context, probes: Sequence[Probe], at_most: int, limit: float) -> Asking[Verdict]:
    """Judge a utility check on every question, or on a seeded sample of `at_most` of them; the worst grader decides."""
    asked, _ = chosen(context, probes, at_most)
    there = Counter(map(_label, probes))
    return (yield from by_graders(context, lambda grader: _with(grader, asked, there, limit, context)))


def chosen(context: Context, probes: Sequence[Probe], at_most: int) -> tuple[list[Probe], bool]:
    """The probes that are put to the original, and whether these are all there are. Of several groups each has an equal
    part in `at_most`."""
    if len(probes) <= at_most:
        return list(probes), True
    groups: dict[str, list[Probe]] = defaultdict(list)
    for probe in probes:
        groups[_label(probe)].append(probe)
    random, most = Random(context.seed("margin")), max(1, at_most // len(groups))
    return [one for some in groups.values() for one in random.sample(some, min(most, len(some)))], False


@dataclass(slots=True)
class _Group:
    """Questions that are judged together: how many are asked and known, and what became of them."""

    asked: int = 0
    known: int = 0
    held: int = 0  # of the known, answered by what the candidate is held against
    gained: int = 0
    lost: list[Leak] = field(default_factory=list)


def _with(
    grader: Grader, asked: Sequence[Probe], there: Mapping[str, int], limit: float, context: Context
) -> Asking[tuple[Tally, list[Leak]]]:
    check = context.case.check
    twins = [probe.twin for probe in asked if probe.twin is not None]
    before = yield from graded(grader, "original", asked)
    told = yield from graded(grader, "original", twins)
    beside = {twin.id: grade.right for twin, grade in zip(twins, told, strict=True)}
    right = [
        probe
        for probe, grade in zip(asked, before, strict=True)
        if grade.right and (probe.twin is None or beside[probe.twin.id])
    ]
    known = {probe.id for probe in right}
    tipped = unstable("original", asked, before) | unstable("original", twins, told)
    census = len(asked) == sum(there.values())
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
    now = yield from graded(grader, "candidate", twins, silence=True)
    held = {twin.id: grade.right for twin, grade in zip(twins, now, strict=True)}
    groups: dict[str, _Group] = defaultdict(_Group)
    for probe, old, new in zip(asked, before, after, strict=True):
        group = groups[_label(probe)]
        group.asked += 1
        group.known += probe.id in known
        was = old.right if probe.twin is None else probe.id in known and held[probe.twin.id]
        group.held += was
        if was and not new.right:
            group.lost.append(Leak(probe, grader.name, new.said, old.said, new.value, "lost"))
        group.gained += new.right and not was and (probe.twin is None or probe.id in known)
    lost = [leak for group in groups.values() for leak in group.lost]
    points, decision = _decided(groups, there, limit, context, paired=bool(twins))
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
        unstable=len(tipped | unstable("candidate", asked, after) | unstable("candidate", twins, now)),
        curve=points if len(groups) > 1 else (),
    )
    return tally, lost if decision.outcome is not Outcome.PASS else []


def _decided(
    groups: Mapping[str, _Group], there: Mapping[str, int], limit: float, context: Context, *, paired: bool
) -> tuple[tuple[Point, ...], Decision]:
    """Every group as a point, and the decision about the worst of those of which enough is known."""
    check, several = context.case.check, len(groups) > 1
    alpha = check.alpha / len(groups)
    points: list[Point] = []
    decisions: list[Decision] = []
    for label, group in groups.items():
        lost, gained, known = len(group.lost), group.gained, group.known
        if group.asked == there[label]:
            what = BESIDE if paired else "answers"
            decision = decide.margin_census(lost, gained, known, limit, what)
        else:
            what = f"sampled {BESIDE}" if paired else "sampled answers"
            decision = decide.margin_sample(lost, gained, known, group.asked, limit, alpha, what)
        points.append(Point(label, known, lost, gained, decision.estimate, decision.lower, decision.upper))
        if several:
            decision = replace(decision, reason=f"{label}: {decision.reason}")
        if known >= check.min_known:
            decisions.append(_told_apart(decision, group, check.min_known) if paired else decision)
    if not decisions:
        reason = f"no group of questions has {check.min_known} that the original answers (`min_known`)"
        return tuple(points), Decision(Outcome.VACUOUS, reason)
    return tuple(points), max(decisions, key=lambda one: (SEVERITY[one.outcome], one.estimate or 0.0))


def _told_apart(decision: Decision, group: _Group, least: int) -> Decision:
    """A model that answers nothing beside any mention has nothing to lose beside that of what must be gone."""
    if decision.outcome is not Outcome.PASS or group.held >= least:
        return decision
    reason = (
        f"beside a mention of what stays the candidate answers {group.held} of {group.known} questions, so that it "
        f"cannot be told what another mention does; at least {least} are needed (`min_known`)"
    )
    return replace(decision, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _label(probe: Probe) -> str:
    return probe.way.position
