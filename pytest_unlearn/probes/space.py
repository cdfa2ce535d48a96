"""A family of probes about one forget request: count it, list it, draw from it, simplify within it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Built, Probe, Way
from pytest_unlearn.registry import PROBES
from pytest_unlearn.scenario.model import Check

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

    def parts(self, probe: Probe) -> list[Probe]:
        """The questions about one fact each that this one could be answered from; none where it is about one fact."""
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

    def parts(self, probe: Probe) -> list[Probe]:
        """None: a listed probe is about one fact."""
        return []

    def again(self, built: Built) -> Probe | None:
        """The probe with this id."""
        return self._by_id.get(built.id)


class Narrowed:
    """The probes of a space that are about some units."""

    def __init__(self, space: Space, units: Container[str]) -> None:
        self._space, self._units = space, units
        self._listed = None if space.count() is None else Listed(self._of(space.all()))
        self.dropped = space.dropped

    def count(self) -> int | None:
        """How many probes there are; None when they are too many to list."""
        return None if self._listed is None else self._listed.count()

    def all(self) -> Iterator[Probe]:
        """Every probe, simplest first."""
        return self._of(self._space.all())

    def draw(self, random: Random) -> Probe:
        """As the space draws, until a probe is about one of the units.

        Raises UnlearnError where a thousand draws in a row are not.
        """
        if self._listed is not None:
            return self._listed.draw(random)
        found = next(self._of(self._space.draw(random) for _ in range(1_000)), None)
        if found is None:
            raise UnlearnError("of a thousand questions not one is about this `level`: leave it out, or ask otherwise")
        return found

    def strategy(self) -> SearchStrategy[Probe]:
        """The same probes for hypothesis."""
        if self._listed is not None:
            return self._listed.strategy()
        from hypothesis import strategies as st

        return st.integers(0, 2**32 - 1).map(lambda seed: self.draw(Random(seed)))

    def simpler(self, probe: Probe) -> list[Probe]:
        """Every one-step simplification that is about one of the units."""
        return list(self._of(self._space.simpler(probe)))

    def alike(self, way: Way) -> list[Probe]:
        """The probes that ask in this way."""
        return list(self._of(self._space.alike(way)))

    def parts(self, probe: Probe) -> list[Probe]:
        """As the whole space has them."""
        return self._space.parts(probe)

    def again(self, built: Built) -> Probe | None:
        """A probe of an earlier run."""
        found = self._space.again(built)
        return found if found is not None and found.unit in self._units else None

    def _of(self, probes: Iterable[Probe]) -> Iterator[Probe]:
        return (probe for probe in probes if probe.unit in self._units)


def space_for(check: Check, knowledge: Knowledge, closure: Closure) -> Space:
    """Everything that a check that asks can ask."""
    space: Space = PROBES.get(check.kind).make(check.config, knowledge, closure)
    if check.level is None:
        return space
    return Narrowed(space, frozenset(fact.id for fact in closure.part(check.level)))


def _one_step(smaller: tuple[int, ...], larger: tuple[int, ...]) -> bool:
    same = len(smaller) == len(larger)
    return same and smaller < larger and sum(a != b for a, b in zip(smaller, larger, strict=True)) == 1


def probe_kind(
    name: str,
    *,
    graders: tuple[str, ...] = (),
    lacks: Callable[[Any, Knowledge, Closure], str] | None = None,
    curve: bool = False,
    raw: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a family of probes: `space(config, knowledge, closure) -> Space`.

    `graders` read its answers where a check names none; by default text and rank do. `lacks`, of the same arguments as
    the family, says at collection why there is nothing to ask, and what to do; empty where there is something. It must
    be quick: every file that uses the kind waits for it. `curve`: its questions tell more and more before they ask, as
    much as the `position` of their way says, and the first number of their size orders; it is told what comes of each.
    `raw`: it puts texts to be continued, not questions.
    """
    return PROBES.register(name, graders=graders, lacks=lacks, curve=curve, raw=raw)
