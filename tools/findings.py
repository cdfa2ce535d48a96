"""What readings of several worlds make of a claim: each expectation reproduced, contradicted, or not decided."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any

from claims import Claim
from scipy.stats import t

from pytest_unlearn.verdict.verdict import SEVERITY, Outcome

BOUNDS = ("at_least", "above", "at_most", "below")


@dataclass(frozen=True, slots=True)
class Finding:
    """What an expectation came to: a value a world, their mean and its 95 % interval."""

    expected: Mapping[str, Any]
    values: tuple[float | None, ...]
    mean: float | None
    low: float | None
    high: float | None

    @property
    def outcome(self) -> str:
        """`reproduced` where the interval lies within the bounds, `contradicted` where it lies outside of one."""
        if self.low is None or self.high is None:
            return "undecided"
        held = [_held(self.expected[key], key, self.low, self.high) for key in BOUNDS if key in self.expected]
        return "reproduced" if all(held) else "contradicted" if False in held else "undecided"


def _held(limit: float, key: str, low: float, high: float) -> bool | None:
    """Whether an interval lies within a bound; None where it lies across."""
    match key:
        case "at_least":
            return True if low >= limit else False if high < limit else None
        case "above":
            return True if low > limit else False if high <= limit else None
        case "at_most":
            return True if high <= limit else False if low > limit else None
        case _:
            return True if high < limit else False if low >= limit else None


@dataclass(frozen=True, slots=True)
class Counted:
    """What the checks of an arm said in each world, and in how many they said what is expected."""

    expected: Mapping[str, Any]
    values: tuple[str, ...]

    @property
    def held(self) -> int:
        """In how many worlds."""
        return sum(value.split()[0] == self.expected["outcome"] for value in self.values)

    @property
    def outcome(self) -> str:
        """`reproduced` where it is so in every world, `contradicted` where it is in none."""
        return "reproduced" if self.held == len(self.values) else "undecided" if self.held else "contradicted"


def findings(claim: Claim, record: Mapping[str, Any]) -> list[Finding | Counted]:
    """Each expectation, from the readings of all worlds."""
    worlds = list(record["worlds"].values())
    return [_counted(one, worlds) if "check" in one else _finding(one, worlds) for one in claim.expect]


def _counted(expected: Mapping[str, Any], worlds: Sequence[Mapping[str, Any]]) -> Counted:
    """Of several checks the worst verdict, as in a suite, and which they were."""
    values = []
    for arms in worlds:
        told = {check: arms[expected["of"]][check]["verdict"] for check in expected["check"]}
        worst = max(told.values(), key=lambda word: SEVERITY[Outcome(word)])
        which = [check for check, word in told.items() if word == worst]
        values.append(worst if len(which) == len(told) else f"{worst} ({', '.join(which)})")
    return Counted(expected, tuple(values))


def _finding(expected: Mapping[str, Any], worlds: Sequence[Mapping[str, Any]]) -> Finding:
    values = []
    for arms in worlds:
        value = reading(arms[expected["of"]], expected["figure"], expected["at"])
        if (other := expected.get("minus", expected.get("over"))) is not None:
            against = reading(arms[other], expected["figure"], expected["at"])
            if value is None or against is None:
                value = None
            else:
                value = value - against if "minus" in expected else value / against if against else None
        values.append(value)
    return Finding(expected, tuple(values), *_interval(values, of_logs="over" in expected))


def _interval(values: Sequence[float | None], *, of_logs: bool) -> tuple[float | None, float | None, float | None]:
    """The mean and its 95 % interval, of ratios on a log scale; None where a value is missing."""
    there = [value for value in values if value is not None and (value > 0 or not of_logs)]
    if len(there) < len(values) or len(there) < 2:
        return None, None, None
    scaled = [math.log(value) for value in there] if of_logs else there
    mean = fmean(scaled)
    half = float(t.ppf(0.975, len(scaled) - 1)) * stdev(scaled) / len(scaled) ** 0.5
    back = math.exp if of_logs else float
    return back(mean), back(mean - half), back(mean + half)


def reading(arm: Mapping[str, Any], figure: str, at: Mapping[str, float]) -> float | None:
    """A figure where `at` says: after so many `steps` or `passes`, or where another figure first falls to a level.

    Between two readings lies a straight line; None where the arm never gets there. The figure `steps` is where that is.
    """
    ((what, level),) = at.items()
    steps = arm["steps"]
    if what == "steps":
        place: float | None = level
    elif what == "passes":
        place = level * arm["pass"]
    else:
        place = _falls(steps, arm[what], level)
    if place is None or place > steps[-1]:
        return None
    return place if figure == "steps" else _between(steps, arm[figure], place)


def _falls(steps: Sequence[float], values: Sequence[float], level: float) -> float | None:
    for (before, high), (after, low) in pairwise(zip(steps, values, strict=True)):
        if low <= level < high:
            return before + (after - before) * (high - level) / (high - low)
    return None


def _between(steps: Sequence[float], values: Sequence[float], place: float) -> float:
    for (before, one), (after, other) in pairwise(zip(steps, values, strict=True)):
        if before <= place <= after:
            return round(one + (other - one) * (place - before) / (after - before), 6) + 0.0  # no -0.0
    return values[-1]
