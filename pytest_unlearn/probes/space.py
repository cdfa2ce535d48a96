"""A family of probes about one forget request: count it, list it, draw from it, simplify within it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING, Protocol

from pytest_unlearn.probes.probe import Probe, Way

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


class Space(Protocol):
    """All probes of one kind for one target. Everything is deterministic given the knowledge."""

    dropped: int  # questions left out because they would contain an answer or a bridge

    def count(self) -> int | None:
        """How many probes there are; None when they are too many to list."""
        ...

    def all(self) -> Iterator[Probe]:
        """Every probe, simplest first; only when `count()` is a number."""
        ...

    def draw(self, random: Random) -> Probe:
        """One independent draw: a unit uniformly, then a phrasing uniformly."""
        ...

    def strategy(self) -> SearchStrategy[Probe]:
        """The same probes for hypothesis, simplest first."""
        ...

    def simpler(self, probe: Probe) -> list[Probe]:
        """Every one-step simplification; each has a smaller `size`."""
        ...

    def alike(self, way: Way) -> list[Probe]:
        """The probes that ask in this way, at most one a unit."""
        ...
