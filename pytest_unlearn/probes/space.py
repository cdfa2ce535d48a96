"""A family of probes about one forget request: count it, list it, draw from it, simplify within it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Built, Probe, Way
from pytest_unlearn.registry import PROBES

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

    def again(self, built: Built) -> Probe | None:
        """A probe of an earlier run, or None when it can no longer be asked."""
        ...


class Listed:
    """A space small enough to hold: every probe is listed once."""

    def __init__(self, probes: Iterable[Probe | None]) -> None:
        """None stands for a question that was left out."""
        found: dict[str, Probe] = {}
        self.dropped = 0
        for probe in probes:
            if probe is None:
                self.dropped += 1
            else:
                found.setdefault(probe.id, probe)
        self._by_id = found
        self._probes = sorted(found.values(), key=lambda probe: (probe.size, probe.unit, probe.id))
        self._units: dict[str, list[Probe]] = defaultdict(list)
        self._ways: dict[Way, dict[str, Probe]] = defaultdict(dict)
        for probe in self._probes:
            self._units[probe.unit].append(probe)
            self._ways[probe.way].setdefault(probe.unit, probe)

    def count(self) -> int:
        """How many probes there are."""
        return len(self._probes)

    def all(self) -> Iterator[Probe]:
        """Every probe, simplest first."""
        return iter(self._probes)

    def draw(self, random: Random) -> Probe:
        """A unit uniformly, then one of its phrasings uniformly."""
        return random.choice(self._units[random.choice(list(self._units))])

    def strategy(self) -> SearchStrategy[Probe]:
        """Hypothesis tends to the front of the list, where the simplest stand."""
        from hypothesis import strategies as st

        return st.sampled_from(self._probes)

    def simpler(self, probe: Probe) -> list[Probe]:
        """Probes about the same unit of which exactly one component of the size is smaller and none is larger."""
        return [other for other in self._units.get(probe.unit, ()) if _one_step(other.size, probe.size)]

    def alike(self, way: Way) -> list[Probe]:
        """The simplest probe of this way for each unit."""
        return list(self._ways.get(way, {}).values())

    def again(self, built: Built) -> Probe | None:
        """The probe with this id."""
        return self._by_id.get(built.id)


def _one_step(smaller: tuple[int, ...], larger: tuple[int, ...]) -> bool:
    same = len(smaller) == len(larger)
    return same and smaller < larger and sum(a != b for a, b in zip(smaller, larger, strict=True)) == 1


def probe_kind(
    name: str,
    *,
    graders: tuple[str, ...] = (),
    lacks: Callable[[Any, Knowledge, Closure], str] | None = None,
    raw: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a family of probes: `space(config, knowledge, closure) -> Space`.

    `graders` read its answers where a check names none; by default text and rank do. `lacks`, of the same arguments as
    the family, says at collection why there is nothing to ask, and what to do; empty where there is something. It must
    be quick: every file that uses the kind waits for it. `raw`: it puts texts to be continued, not questions.
    """
    return PROBES.register(name, graders=graders, lacks=lacks, raw=raw)
