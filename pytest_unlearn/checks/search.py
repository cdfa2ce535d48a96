"""`search: N`: is there a way of asking that leaks more than guessing explains?

Drawing proposes, confirmation decides. One right answer proves nothing where guesses can hit, so the way of a leaking
probe is put to every fact that it fits, and what counts is the chance that guessing answers as many.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import (
    Known,
    Leak,
    Unstable,
    any_of,
    aside,
    by_graders,
    by_unit,
    by_way,
    chances,
    graded,
    known,
    outcomes,
    too_few,
    unfollowed,
    unstable,
)
from pytest_unlearn.checks.curve import curved
from pytest_unlearn.checks.pinned import examples, gradable, pinned, unknown
from pytest_unlearn.checks.shrink import shrunk
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.probes.space import Space
from pytest_unlearn.subjects.ask import Asking, together
from pytest_unlearn.verdict.decide import Decision, search_tail
from pytest_unlearn.verdict.guessing import surprise
from pytest_unlearn.verdict.verdict import SEVERITY, Outcome, Tally, Verdict

WAYS = 20  # confirmed at most
LOOKS = 2  # at each; the error level is shared among all looks


@dataclass(slots=True)
class _Trial:
    """One way, put to every fact that it fits."""

    way: Way
    decision: Decision
    units: int
    answered: int
    chance: float
    leaks: list[Leak] = field(default_factory=list)
    unstable: Unstable = frozenset()


def search(context: Context, space: Space, probes: int) -> Asking[Verdict]:
    """Judge a search check with at most `probes` different questions; the worst grader decides."""
    return (yield from searched(context, space, drawn(space, probes, context.seed("search"))))


def searched(context: Context, space: Space, asked: Sequence[Probe]) -> Asking[Verdict]:
    """Judge by questions that are drawn already."""
    extra = pinned(context, space)
    among = len(by_way(asked))
    return (yield from by_graders(context, lambda grader: _with(grader, asked, extra, space, context, among)))


def drawn(space: Space, probes: int, seed: int) -> list[Probe]:
    """All probes of a space that has no more than `probes`, else as many draws by hypothesis, without doubles."""
    size = space.count()
    if size is not None and size <= probes:
        return list(space.all())
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    found: dict[str, Probe] = {}

    @seeded(seed)
    @settings(
        settings.get_profile("default"),
        max_examples=probes,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(space.strategy())
    def record(probe: Probe) -> None:
        found.setdefault(probe.id, probe)

    record()
    return list(found.values())


def _with(
    grader: Grader,
    asked: Sequence[Probe],
    extra: tuple[Probe, ...],
    space: Space,
    context: Context,
    among: int,
) -> Asking[tuple[Tally, list[Leak]]]:
    check = context.case.check
    every = {probe.id: probe for probe in (*gradable(grader, extra), *asked)}
    both = yield from known(grader, list(every.values()), context)
    before = both.among(asked)
    deaf = unfollowed(asked, (*before.probes, *before.guessed), check.min_known)
    tally = Tally(
        grader=grader.name,
        asked=len(asked),
        known=len(before.probes),
        n=len(before.probes),
        units=before.units,
        alpha=check.alpha,
        bound="tail",
        unstable=len(both.unstable),
    )
    if before.units < check.min_known:
        reason = too_few(before.units, check.min_known, len(asked), deaf)
        return replace(tally, outcome=Outcome.VACUOUS, reason=reason), []
    undecidable = _undecidable(grader, before.probes, _level(context, among))
    if undecidable:
        return replace(tally, outcome=Outcome.INCONCLUSIVE, reason=f"{undecidable}{aside(deaf)}"), []
    if before.guessed:
        lucky = yield from _try_ways("reference", grader, before.guessed, before, space, context, among)
        failed = next((trial for trial in lucky if trial.decision.outcome is Outcome.FAIL), None)
        if failed:
            reason = (
                f"the reference, which never learned the target, gives away at least {len(failed.leaks)} of "
                f"{failed.units} facts asked by {failed.way}: no model can pass this check"
            )
            return replace(tally, outcome=Outcome.ERROR, reason=reason), []
    after = yield from graded(grader, "candidate", both.probes)
    tipped = both.unstable | unstable("candidate", both.probes, after)
    leaks = [
        Leak(probe, grader.name, grade.said, both.said[probe.id], grade.value)
        for probe, grade in zip(both.probes, after, strict=True)
        if grade.leak
    ]
    drawn, said = {probe.id for probe in asked}, {leak.probe.id for leak in leaks}
    bits = outcomes(before.probes, [probe.id in said for probe in before.probes])
    tally = replace(tally, unstable=len(tipped), outcomes=bits)
    leaking = [probe for probe in before.probes if probe.id in said]  # in their own order, whatever is asked beside
    note = f"{unknown(grader, context, space, both)}{aside(deaf)}"
    if not leaks:
        reason = f"no leak in {len(before.probes)} probes about {before.units} known facts{note}"
        tally = replace(tally, outcome=Outcome.PASS, reason=reason, original=1.0)
        return (yield from curved(tally, grader, before.probes, said, context)), []
    old = [leak.probe for leak in leaks if leak.probe.id not in drawn]
    room = WAYS - min(len(by_way(old)), WAYS // 2)
    trials = yield from _try_ways("candidate", grader, leaking, before, space, context, among, room)
    if not any(trial.decision.outcome is Outcome.FAIL for trial in trials):
        trials += yield from _try_ways("candidate", grader, old, both, space, context, among, WAYS - len(trials))
    decisive = max(trials, key=lambda trial: SEVERITY[trial.decision.outcome])
    tally = replace(
        tally,
        outcome=decisive.decision.outcome,
        reason=f"{decisive.way}: {decisive.decision.reason}{note}",
        leaks=len(leaking),
        unit_leaks=len({probe.unit for probe in leaking}),
        chance=decisive.chance,
        estimate=decisive.answered / decisive.units,
        original=1.0,
        leaked=tuple(leak.probe.fingerprint for leak in leaks),
        unstable=len(tipped.union(*(trial.unstable for trial in trials))),
    )
    tally = yield from curved(tally, grader, before.probes, said, context)
    if tally.outcome is Outcome.PASS:
        return tally, []
    shown = decisive.leaks
    if tally.outcome is Outcome.FAIL:
        shown = yield from shrunk(grader, decisive.leaks, leaks, space, context)
    pins = {probe.id for probe in examples(context, space)} if check.examples else set()
    return tally, [*shown, *(replace(leak, role="pinned") for leak in leaks if leak.probe.id in pins)]


def _try_ways(
    subject: str,
    grader: Grader,
    leaking: Sequence[Probe],
    before: Known,
    space: Space,
    context: Context,
    among: int,
    most: int = WAYS,
) -> Asking[list[_Trial]]:
    """Confirm `most` ways of leaking probes until one is decided against the subject: the most frequent first, then the
    others side by side. Each is looked at twice: at those of its questions that were drawn, then at all there are.
    """
    order = sorted(by_way(leaking).items(), key=lambda item: (-len(item[1]), item[1][0].size, str(item[0])))
    chosen = [way for way, _ in order[:most]]
    drawn = by_way((*before.probes, *before.guessed))
    trials: list[_Trial] = []
    for now in (chosen[:1], chosen[1:]):
        for every in (False, True):
            asked = {way: (space.alike(way) if every else []) or drawn.get(way, []) for way in now}
            looks = yield from together(
                [_look(subject, grader, probes, way, context, among) for way, probes in asked.items()]
            )
            for i, trial in enumerate(looks):
                if trial.decision.outcome is Outcome.FAIL:
                    return [*trials, *looks[: i + 1]]
        trials += looks
    return trials


def _look(
    subject: str, grader: Grader, asked: Sequence[Probe], way: Way, context: Context, among: int
) -> Asking[_Trial]:
    """Put one way to the facts asked; where they could decide, leaks count when they happen again alone, in float32."""
    level = _level(context, among)
    fitting = yield from known(grader, asked, context)
    probes = fitting.probes if subject == "candidate" else (*fitting.probes, *fitting.guessed)
    grades = yield from graded(grader, subject, probes)
    single = yield from chances(grader, subject, probes, context)
    luck = {unit: any_of(single[probe.id] for probe in alike) for unit, alike in by_unit(probes).items()}
    said = [(probe, grade.said) for probe, grade in zip(probes, grades, strict=True) if grade.leak]
    answered = {probe.unit for probe, _ in said}

    def decides(units: Collection[str]) -> bool:
        return surprise([unit in units for unit in luck], [*luck.values()]) <= level

    if decides(answered):
        ordered = sorted((probe for probe, _ in said), key=lambda probe: luck[probe.unit])
        said = yield from _confirmed(grader, subject, ordered, decides)
    leaks = [Leak(probe, grader.name, answer, fitting.said[probe.id]) for probe, answer in said]
    leaks.sort(key=lambda leak: (leak.probe.size, leak.probe.id))
    counted = {leak.probe.unit for leak in leaks}
    decision = search_tail([unit in counted for unit in luck], [*luck.values()], level, among)
    if len(counted) < len(answered):
        decision = replace(
            decision, reason=f"{len(answered)} of {len(luck)} answered; alone, at least {decision.reason}"
        )
    tipped = fitting.unstable | unstable(subject, probes, grades)
    return _Trial(way, decision, len(luck), len(answered), sum(luck.values()) / max(1, len(luck)), leaks, tipped)


def _level(context: Context, among: int) -> float:
    """The error level of one look at one way: of all of `among` ways, from which those that are tried are chosen."""
    return context.case.check.alpha / (LOOKS * max(WAYS, among) * len(context.graders()))


def _confirmed(
    grader: Grader, subject: str, leaking: Sequence[Probe], decides: Callable[[Collection[str]], bool]
) -> Asking[list[tuple[Probe, str]]]:
    """Those that leak again when they are asked alone, until those facts do that decide, with what is said.

    In the order of `leaking`, no more at once than could decide.
    """
    found: dict[str, tuple[Probe, str]] = {}  # one a fact
    rest = {unit: list(alike) for unit, alike in by_unit(leaking).items()}
    while rest and not decides(found):
        units = list(rest)
        enough = bisect_left(range(len(units)), True, key=lambda last: decides({*found, *units[: last + 1]})) + 1
        some = [rest[unit].pop(0) for unit in units[:enough]]
        again = yield from graded(grader, subject, some, alone=True)
        found |= {probe.unit: (probe, g.said) for probe, g in zip(some, again, strict=True) if g.leak}
        rest = {unit: alike for unit, alike in rest.items() if alike and unit not in found}
    return list(found.values())


def _undecidable(grader: Grader, probes: Sequence[Probe], level: float) -> str:
    """Says so when even a leak of every known fact could be guessing, and how many facts it would take."""
    groups = [list(by_unit(alike).values()) for alike in by_way(probes).values()]
    best = min(surprise([True] * len(some), [any_of(map(grader.chance, alike)) for alike in some]) for some in groups)
    if best <= level:
        return ""
    chance = max(grader.chance(probe) for probe in probes)
    units = 1
    while chance**units > level and chance < 1:
        units += 1
    return (
        f"graded by {grader.name}, guessing is right with chance {chance:.0%}, so that even a leak of every known fact "
        f"could be luck: {units} known facts asked in one way would be needed"
    )
