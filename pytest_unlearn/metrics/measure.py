"""What a metric is: a number about the candidate with an interval, read from answers it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_unlearn.knowledge.closure import Kept
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import METRICS


@dataclass(frozen=True, slots=True)
class Sight:
    """What a metric may look at. `held_out`: what must stay that no bundled method trains on."""

    knowledge: Knowledge
    held_out: Kept
    has_reference: bool
    alpha: float
    seed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its interval (each side at `alpha`), what it rests on, and the reference's value if there is one."""

    value: float
    low: float
    high: float
    n: int
    bound: str
    reference: float | None = None


class UnmeasurableError(Exception):
    """The metric has no value for these subjects; the check ends in `error`."""


def metric(name: str, *, claim: str = "utility") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a metric: a generator function `(config, sight)` that yields asks and returns Measured."""
    return METRICS.register(name, claim=claim)
