"""The outcome of one check, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_unlearn.verdict.outcomes import Outcomes


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
class Sampling:
    """What came of several sampled answers to each question. Shares are in [0, 1], luck included; units weigh alike.

    `answers`: of all questions about `units`. `rate`: the share of them that leaks, `upper`: an exact bound on the
    probability that one does. `leak_at`: by k, the chance that one of k answers to the same question does.
    """

    samples: int
    temperature: float
    answers: int
    leaks: int
    rate: float
    upper: float
    leak_at: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a curve: what was lost and gained of what is known there, and the net loss with its bounds."""

    at: str
    known: int
    lost: int
    gained: int
    estimate: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Recall:
    """Of the questions that tell as much before they ask: the facts known to the original, and those that leak."""

    context: str
    units: int
    leaks: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What one grader counted. Rates are shares of units (facts) in [0, 1]; `n` and `leaks` count probes.

    For a utility check `leaks` are the answers lost; for a measure `estimate`, `lower` and `upper` are its value.
    `unstable` counts answers that are read otherwise when they are asked in a batch; a measure has one, its value.
    `leaked`: where it fails, the fingerprints of all questions that leaked, or whose answers were lost. `outcomes`:
    what came of each question that counts.
    `sampling`: of a check that samples its answers. `curve`: of one that judges several groups of questions, each.
    `recall`: for a kind whose questions tell more and more, what came of each context, from the least.
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
    leaked: tuple[str, ...] = ()
    outcomes: Outcomes | None = None
    sampling: Sampling | None = None
    curve: tuple[Point, ...] = ()
    recall: tuple[Recall, ...] = ()


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
