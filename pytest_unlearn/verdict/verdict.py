"""The outcome of one check, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What a check concluded, best first."""

    PASS = "pass"
    NOT_APPLICABLE = "not-applicable"
    INCONCLUSIVE = "inconclusive"
    VACUOUS = "vacuous"
    FAIL = "fail"
    ERROR = "error"


SEVERITY = {outcome: rank for rank, outcome in enumerate(Outcome)}


@dataclass(frozen=True, slots=True)
class Point:
    """Of the questions that tell as much before they ask: the facts known to the original, and those that leak."""

    context: str
    units: int
    leaks: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What one grader counted. Rates are shares of units (facts) in [0, 1]; `n` and `leaks` count probes.

    For a utility check `leaks` are the answers lost; for a measure `estimate`, `lower` and `upper` are its value.
    `unstable` counts answers that are read otherwise when they are asked in a batch; a measure has one, its value.
    `curve`: for a kind whose questions tell more and more, what came of each context, from the least.
    """

    grader: str
    outcome: Outcome = Outcome.ERROR
    reason: str = "not judged"
    asked: int = 0
    known: int = 0
    n: int = 0
    units: int = 0
    leaks: int = 0
    unit_leaks: int = 0
    chance: float = 0.0
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None
    limit: float | None = None
    alpha: float | None = None
    needed: int | None = None
    bound: str = ""
    original: float | None = None
    reference: float | None = None
    unstable: int = 0
    curve: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a check and the tallies it rests on; the worst tally decides."""

    outcome: Outcome
    reason: str
    tallies: tuple[Tally, ...] = ()
    evidence: tuple[object, ...] = field(default=())


def worst(tallies: tuple[Tally, ...], evidence: tuple[object, ...] = ()) -> Verdict:
    """The verdict of several graders of one check: the worst decides."""
    decisive = max(tallies, key=lambda tally: SEVERITY[tally.outcome])
    return Verdict(decisive.outcome, decisive.reason, tallies, evidence)
