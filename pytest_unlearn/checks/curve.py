"""Of kinds whose questions give more and more away: what is answered at each context, and the shallowest that tells.

One answer at a context may be luck. A context gives something away where guessing answers as many facts with a
probability of at most alpha, shared among the contexts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import any_of, by_unit, chances
from pytest_unlearn.graders.grade import Grader
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import PROBES
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.verdict.guessing import surprise
from pytest_unlearn.verdict.verdict import Outcome, Recall, Tally


def curved(
    tally: Tally, grader: Grader, probes: Sequence[Probe], leaking: Collection[str], context: Context
) -> Asking[Tally]:
    """The tally with the curve of its kind, if it has one; a failure then names the shallowest context that leaks.

    `probes`: those that count; `leaking`: the ids of those that leak.
    """
    if not has_curve(context):
        return tally
    contexts = by_context(probes)
    points = tuple(
        Recall(name, len(by_unit(some)), len({probe.unit for probe in some if probe.id in leaking}))
        for name, some in contexts.items()
    )
    tally = replace(tally, recall=points)
    if tally.outcome is not Outcome.FAIL:
        return tally
    for point in points:
        luck = yield from chances(grader, "candidate", contexts[point.context], context)
        units = by_unit(contexts[point.context]).values()
        guesses = [any_of(luck[probe.id] for probe in some) for some in units]
        right = [any(probe.id in leaking for probe in some) for some in units]
        if point.leaks and surprise(right, guesses) <= context.case.check.alpha / len(points):
            return replace(tally, reason=f"{tally.reason}; the shallowest context that gives it away: {point.context}")
    return replace(tally, reason=f"{tally.reason}; no context gives it away alone")


def has_curve(context: Context) -> bool:
    """Whether the questions of a check give more and more away."""
    return bool(PROBES.get(context.case.check.kind).facts.get("curve"))


def by_context(probes: Sequence[Probe]) -> dict[str, list[Probe]]:
    """Probes by how much is told before the question, the least first."""
    found: dict[str, list[Probe]] = {}
    for probe in sorted(probes, key=lambda probe: probe.size[0]):
        found.setdefault(probe.way.position, []).append(probe)
    return found
