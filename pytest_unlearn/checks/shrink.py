"""From the leaks that fail a check to the smallest one, and beside it the worst.

Descent on a frontier: every one-step simplification of a leak is put to the subjects at once, the simplest that leaks
is the next leak, until none does; then moves of two steps, since two parts of a question may have to change together.
A step counts when it leaks again alone, in float32, so that what is shown is confirmed at every moment.

The worst leak is the one asked in the most roundabout way: of the largest size, among those that leak alone. Graders
have no common scale of how badly something leaks, sizes are ordered for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import Leak, graded, known
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.space import Space
from pytest_unlearn.subjects.ask import Asking

AT_ONCE = 256  # simplifications asked together, the simplest first
TRIES = 8  # leaks asked alone before a search for one that is confirmed is given up


def shrunk(
    grader: Grader, confirmed: Sequence[Leak], leaking: Sequence[Leak], space: Space, context: Context
) -> Asking[list[Leak]]:
    """The smallest leak, the confirmed ones, and the worst of all that leak where that is a larger one.

    Only `confirmed` when none of them leaks again alone.
    """
    ordered = sorted(confirmed, key=lambda leak: leak.probe.rank)
    start = yield from _first_alone(grader, ordered)
    if start is None:
        return list(confirmed)
    smallest = yield from _descent(grader, start, [leak.probe for leak in ordered], space, context)
    larger = [leak for leak in (*confirmed, *leaking) if leak.probe.size > smallest.probe.size]
    worst = yield from _first_alone(grader, sorted(larger, key=lambda leak: leak.probe.rank, reverse=True))
    if parts := space.parts(smallest.probe):
        grades = yield from graded(grader, "candidate", parts, careful=False)
        smallest = replace(smallest, parts=tuple(grade.leak for grade in grades))
    rest = [leak for leak in confirmed if leak.probe.id != smallest.probe.id]
    return [smallest, *rest, *([replace(worst, role="worst")] if worst else [])]


def _descent(grader: Grader, start: Leak, leaking: Sequence[Probe], space: Space, context: Context) -> Asking[Leak]:
    """`leaking`: all that the first round may simplify, since any fact serves to show a way of asking."""
    current, rounds = start, 0
    tried: set[str] = set()
    frontier = _simpler(space, leaking)
    while True:
        asked = {p.id: p for p in frontier if p.id not in tried and p.rank < current.probe.rank}
        step, seen = yield from _simplest(grader, asked.values(), context)
        tried |= seen
        rounds += bool(asked)
        if step is None:
            steps = _simpler(space, [current.probe])
            asked = {p.id: p for p in _simpler(space, steps) if p.id not in tried}
            step, seen = yield from _simplest(grader, asked.values(), context)
            tried |= seen
            rounds += bool(asked)
        if step is None:
            return replace(current, role="smallest", rounds=rounds)
        current, frontier = step, _simpler(space, [step.probe])


def _simpler(space: Space, probes: Iterable[Probe]) -> list[Probe]:
    return [other for probe in probes for other in space.simpler(probe)]


def _simplest(grader: Grader, probes: Iterable[Probe], context: Context) -> Asking[tuple[Leak | None, set[str]]]:
    """The simplest that leaks, also alone, and the ids of those that were asked. No answer is no leak here."""
    asked: set[str] = set()
    ordered = sorted(probes, key=lambda probe: probe.rank)
    for low in range(0, len(ordered), AT_ONCE):
        some = ordered[low : low + AT_ONCE]
        asked |= {probe.id for probe in some}
        before = yield from known(grader, some, context, careful=False)
        after = yield from graded(grader, "candidate", before.probes, careful=False)
        leaks = [
            Leak(probe, grader.name, grade.said, before.said[probe.id], grade.value, often=grade.often)
            for probe, grade in zip(before.probes, after, strict=True)
            if grade.leak
        ]
        found = yield from _first_alone(grader, leaks)
        if found is not None:
            return found, asked
    return None, asked


def _first_alone(grader: Grader, leaks: Sequence[Leak]) -> Asking[Leak | None]:
    """The first that leaks again when it is asked alone."""
    for leak in leaks[:TRIES]:
        (grade,) = yield from graded(grader, "candidate", [leak.probe], alone=True, careful=False)
        if grade.leak:
            return replace(leak, said=grade.said, score=grade.value, often=grade.often)
    return None
