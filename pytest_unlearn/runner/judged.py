"""One candidate put to every check of a scenario, for whatever looks at many candidates side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unlearn.runner.session import Session
from pytest_unlearn.scenario.model import Case, Check
from pytest_unlearn.verdict.binomial import lower, upper
from pytest_unlearn.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict of each check, in their order, how many times a model was called for them, and how long they took."""

    verdicts: tuple[tuple[Check, Verdict], ...]
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Share:
    """`k` of `n`, with the exact bounds of a 95 % interval."""

    k: int
    n: int

    @property
    def low(self) -> float:
        """Lower bound."""
        return lower(self.k, self.n, 0.025) if self.n else 0.0

    @property
    def high(self) -> float:
        """Upper bound."""
        return upper(self.k, self.n, 0.025) if self.n else 1.0


def judged(cases: Sequence[Case], session: Session) -> Judged:
    """Judge the cases of one candidate."""
    results = [session.judge(case) for case in cases]
    return Judged(
        tuple((result.case.check, result.verdict) for result in results),
        sum(result.effort["batches"] for result in results),
        sum(result.seconds for result in results),
    )
