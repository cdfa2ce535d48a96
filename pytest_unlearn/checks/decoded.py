"""`decode: {samples: k}` with `limit: x`: how probable it is that a sampled answer about a known fact leaks.

A greedy answer hides what a model would say one time in five. Every question is answered several times, by original and
reference too: a fact counts if the original gives it away in at least half of its samples and the reference does not,
and the stand-ins that show what luck does are sampled likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import Leak, aside, by_unit, chances, graded, known, too_few, unfollowed
from pytest_unlearn.checks.sampled import AT_ONCE, leaking, unprovable, unreachable
from pytest_unlearn.graders.grade import Grade, Grader
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict.decide import Decision
from pytest_unlearn.verdict.samples import decided, sampling
from pytest_unlearn.verdict.verdict import Outcome, Sampling, Tally

Judged = Asking[tuple[Tally, list[Leak]]]


def decoded(census: bool) -> Callable[[Grader, Sequence[Probe], float, Context], Judged]:
    """How a rate of samples is judged: all questions of a family, or draws of it, in their order, until they decide."""

    def judged(grader: Grader, asked: Sequence[Probe], limit: float, context: Context) -> Judged:
        return _judged(grader, asked, limit, context, census)

    return judged


def _judged(grader: Grader, asked: Sequence[Probe], limit: float, context: Context, census: bool) -> Judged:
    check = context.case.check
    tally = Tally(grader=grader.name, alpha=check.alpha, limit=limit, bound="betting")
    if not asked:
        return replace(tally, outcome=Outcome.INCONCLUSIVE, reason=unprovable(limit)), []
    counted: list[tuple[Probe, Grade]] = []  # known to the original and not guessed by the reference
    everyone: list[tuple[Probe, Grade]] = []
    first: list[float] = []  # shares of the original's samples
    leaks: dict[str, Leak] = {}
    decision = Decision(Outcome.INCONCLUSIVE, "")
    step = len(asked) if census else AT_ONCE
    for start in range(0, len(asked), step):
        some = asked[start : start + step]
        once = list({probe.id: probe for probe in some}.values())
        before = yield from known(grader, once, context)
        after = yield from graded(grader, "candidate", before.probes)
        told = yield from graded(grader, "original", before.probes)
        leaks |= {leak.probe.id: leak for leak in leaking(grader, before, before.probes, after)}
        now, then = (dict(zip((p.id for p in before.probes), g, strict=True)) for g in (after, told))
        counted += [(probe, now[probe.id]) for probe in some if probe.id in now]
        first += [then[probe.id].share for probe in some if probe.id in then]
        units = len({probe.unit for probe, _ in counted})
        tally = replace(tally, asked=start + len(some), known=len(counted), n=len(counted), units=units)
        if context.has_reference:
            both = (*before.probes, *before.guessed)
            never = yield from graded(grader, "reference", both)
            guess = dict(zip((probe.id for probe in both), never, strict=True))
            everyone += [(probe, guess[probe.id]) for probe in some if probe.id in guess]
            if everyone:
                lucky, *_ = yield from _decided(grader, "reference", everyone, limit, context, census)
                tally = replace(tally, reference=lucky.estimate)
                if lucky.outcome is Outcome.FAIL:
                    return replace(tally, outcome=Outcome.ERROR, reason=unreachable(lucky)), []
        if units >= check.min_known:
            decision, chance, drawn = yield from _decided(grader, "candidate", counted, limit, context, census)
            if decision.outcome is not Outcome.INCONCLUSIVE:
                break
    deaf = unfollowed(asked[: tally.asked], [probe for probe, _ in (*counted, *everyone)], check.min_known)
    if tally.units < check.min_known:
        reason = too_few(tally.units, check.min_known, tally.asked, deaf)
        return replace(tally, outcome=Outcome.VACUOUS, reason=reason), []
    tally = replace(
        tally,
        outcome=decision.outcome,
        reason=f"{decision.reason}{aside(deaf)}",
        leaks=len(leaks),
        unit_leaks=len({leak.probe.unit for leak in leaks.values()}),
        chance=chance,
        estimate=decision.estimate,
        lower=decision.lower,
        upper=decision.upper,
        needed=decision.needed,
        original=sum(first) / len(first),
        sampling=drawn,
    )
    return tally, sorted(leaks.values(), key=lambda leak: (-leak.score, leak.probe.rank))


def _decided(
    grader: Grader,
    subject: str,
    counted: Sequence[tuple[Probe, Grade]],
    limit: float,
    context: Context,
    census: bool,
) -> Asking[tuple[Decision, float, Sampling]]:
    """The decision, the mean chance and what was sampled. Chance is looked into only where it matters."""
    grades = {probe.id: grade for probe, grade in counted}
    groups = list(by_unit(probe for probe, _ in counted).values()) if census else [[probe] for probe, _ in counted]
    units = [[grades[probe.id].hits for probe in group] for group in groups]
    decode, alpha = context.case.check.decode, context.case.check.alpha
    assert decode is not None
    drawn = sampling(units, decode.temperature, alpha)
    what = "known facts" if census else "draws"
    luck = {probe.id: grader.chance(probe) for probe, _ in counted}
    for look in (False, True):
        if look:
            probes = list({probe.id: probe for probe, _ in counted}.values())
            luck = yield from chances(grader, subject, probes, context)
        each = [sum(luck[probe.id] for probe in group) / len(group) for group in groups]
        decision = decided(units, each, limit, alpha, census=census, what=what)
        if decision.outcome is Outcome.PASS:
            break
    return decision, sum(each) / len(each), drawn
