"""The questions of a kind, put by every composition of some transforms: listed where they are few, else drawn.

Simpler is a question put by fewer transforms, then by earlier variants of them, then a simpler question of the kind.
The plain question, put by none, is the simplest; it is not in the space, but shrinking may come to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import prod
from random import Random
from typing import TYPE_CHECKING

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.probes.probe import Built, Probe, Way
from pytest_unlearn.probes.space import Listed, Space
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import (
    Chosen,
    Transform,
    compatible,
    gives_away,
    in_order,
    put_by,
)
from pytest_unlearn.registry import TRANSFORMS
from pytest_unlearn.scenario.model import Transforms

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

LISTED = 2_000  # questions up to this many are listed
TRIES = 1_000  # draws in a row that cannot be put


class Compositions:
    """How a plain question may be put."""

    def __init__(self, base: Space, transforms: dict[str, Transform], most: int, language: str) -> None:
        """`transforms` by name, of which at most `most` are applied to one question."""
        self.base, self._transforms, self.most, self._language = base, transforms, most, language
        first = [Chosen(name, one) for name, one in transforms.items()]
        self.sets = [
            in_order(parts) for size in range(1, most + 1) for parts in combinations(first, size) if compatible(parts)
        ]

    def count(self) -> int:
        """How many compositions there are, each transform in each variant."""
        return sum(prod(part.transform.variants for part in parts) for parts in self.sets)

    def all(self) -> Iterator[tuple[Chosen, ...]]:
        """Every composition."""
        for parts in self.sets:
            for chosen in product(*(range(part.transform.variants) for part in parts)):
                yield tuple(replace(part, variant=i) for part, i in zip(parts, chosen, strict=True))

    def draw(self, random: Random) -> tuple[Chosen, ...]:
        """How many uniformly, then which, then in which variant."""
        size = random.choice(sorted({len(parts) for parts in self.sets}))
        parts = random.choice([parts for parts in self.sets if len(parts) == size])
        return tuple(replace(part, variant=random.randrange(part.transform.variants)) for part in parts)

    def put(self, plain: Probe, parts: Sequence[Chosen]) -> Probe | None:
        """A plain question put so; by no transform the question itself, with a size that compares."""
        return put_by(plain, parts, self._language) if parts else replace(plain, size=(0, 0, *plain.size))

    def simpler(self, probe: Probe) -> list[Probe]:
        """A transform less, an earlier variant of one, or a simpler question put alike."""
        parts = self._parts(probe.way.transforms)
        if parts is None:
            return []
        if probe.plain is None:
            plain = self.base.simpler(replace(probe, size=probe.size[2:]))
            return [replace(other, size=(0, 0, *other.size)) for other in plain]
        steps = [tuple(other for other in parts if other is not part) for part in parts]
        for i, part in enumerate(parts):
            steps += [(*parts[:i], replace(part, variant=earlier), *parts[i + 1 :]) for earlier in range(part.variant)]
        found = [self.put(probe.plain, some) for some in steps]
        found += [self.put(plain, parts) for plain in self.base.simpler(probe.plain)]
        return [other for other in found if other is not None and not gives_away(other)]

    def alike(self, way: Way) -> list[Probe]:
        """The plain questions of a way, put alike."""
        parts = self._parts(way.transforms)
        if parts is None:
            return []
        put = [self.put(plain, parts) for plain in self.base.alike(replace(way, transforms=()))]
        return [probe for probe in put if probe is not None and not gives_away(probe)]

    def again(self, built: Built) -> Probe | None:
        """A question of an earlier run; None where it can no longer be put so."""
        parts = self._parts(built.transforms)
        plain = self.base.again(replace(built, id=built.plain or built.id, transforms=(), plain=""))
        probe = self.put(plain, parts) if plain is not None and parts is not None else None
        return probe if probe is not None and probe.id == built.id else None

    def parts(self, probe: Probe) -> list[Probe]:
        """The parts of the plain question, put alike."""
        chosen = self._parts(probe.way.transforms)
        if chosen is None:
            return []
        put = [self.put(part, chosen) for part in self.base.parts(probe.plain or probe)]
        return [part for part in put if part is not None and not gives_away(part)]

    def _parts(self, labels: Sequence[str]) -> tuple[Chosen, ...] | None:
        """The transforms that a way of asking lists; None where the check has one of them no more."""
        found = []
        for label in labels:
            name, _, variant = label.partition(".")
            one = self._transforms.get(name)
            if one is None or int(variant or 0) >= one.variants:
                return None
            found.append(Chosen(name, one, int(variant or 0)))
        return tuple(found)


class Composed:
    """What a listed and a drawn space of compositions have in common."""

    _family: Compositions

    def simpler(self, probe: Probe) -> list[Probe]:
        """See `Compositions`."""
        return self._family.simpler(probe)

    def alike(self, way: Way) -> list[Probe]:
        """See `Compositions`."""
        return self._family.alike(way)

    def parts(self, probe: Probe) -> list[Probe]:
        """See `Compositions`."""
        return self._family.parts(probe)

    def again(self, built: Built) -> Probe | None:
        """See `Compositions`."""
        return self._family.again(built)


class ListedCompositions(Composed, Listed):
    """Every question of a kind, put in every way."""

    def __init__(self, family: Compositions) -> None:
        super().__init__(_probes(family))
        self.dropped += family.base.dropped
        self._family = family


class DrawnCompositions(Composed):
    """Too many to list: a question of the kind and a composition are drawn."""

    def __init__(self, family: Compositions) -> None:
        self._family, self.dropped = family, family.base.dropped

    def count(self) -> None:
        """Too many to list."""

    def all(self) -> Iterator[Probe]:
        """Refused: draw instead."""
        raise TypeError("a space without a count cannot be listed")

    def draw(self, random: Random) -> Probe:
        """A question of the kind, and a composition independently; what cannot be put so is drawn again.

        Raises UnlearnError where that happens a thousand times in a row.
        """
        for _ in range(TRIES):
            probe = self._put(self._family.base.draw(random), self._family.draw(random))
            if probe is not None:
                return probe
        raise UnlearnError(
            "a thousand questions in a row could not be put by these transforms, or would contain their own answer: "
            "leave out those that do not fit what is asked"
        )

    def strategy(self) -> SearchStrategy[Probe]:
        """Hypothesis composes: a question of the kind, few transforms rather than many, early variants."""
        from hypothesis import strategies as st

        @st.composite
        def composed(draw: DrawFn) -> Probe:
            plain = draw(self._family.base.strategy())
            parts = draw(st.sampled_from(self._family.sets))
            chosen = [replace(part, variant=draw(st.integers(0, part.transform.variants - 1))) for part in parts]
            return self._put(plain, chosen) or self.draw(Random(draw(st.integers(0, 2**32 - 1))))

        return composed()

    def _put(self, plain: Probe, parts: Sequence[Chosen]) -> Probe | None:
        probe = self._family.put(plain, parts)
        if probe is not None and gives_away(probe):
            self.dropped += 1
            return None
        return probe


def composed(base: Space, used: Transforms, scope: Scope) -> Space:
    """What a kind asks, put by the transforms of a check."""
    made = {use.name: TRANSFORMS.get(use.name).make(use.config, scope) for use in used.uses}
    family = Compositions(base, made, min(used.most, len(made)), scope.language)
    size = base.count()
    if size is not None and size * family.count() <= LISTED:
        return ListedCompositions(family)
    return DrawnCompositions(family)


def _probes(family: Compositions) -> Iterator[Probe | None]:
    """Each question put in each way that fits it; None for one that would contain its own answer."""
    compositions = list(family.all())
    for plain in family.base.all():
        for parts in compositions:
            probe = family.put(plain, parts)
            if probe is not None:
                yield None if gives_away(probe) else probe
