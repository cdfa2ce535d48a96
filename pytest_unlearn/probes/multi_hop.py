"""Through a chain of facts: the forgotten thing stands at the start, in the middle without being named, or at the end.

Small models that no longer answer a fact directly often still walk through it; which position survives depends on which
layers were edited, so all three are asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from annotated_types import Ge, Le

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.paths import Chain, Walks, ends, secret_ends
from pytest_unlearn.knowledge.render import chain_question
from pytest_unlearn.probes.probe import Built, Probe, Way
from pytest_unlearn.probes.question import Side, fact_probes, probe_of
from pytest_unlearn.probes.space import Listed, probe_kind

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Position = Literal["start", "bridge", "answer"]
SHORTEST, LONGEST = 2, 6  # facts in a chain: a single fact is asked by other kinds
LISTED = 2_000  # chains up to this many are listed; beyond it they are drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiHopConfig:
    """`hops`: facts in a chain. `position`: where the forgotten fact or entity stands; several are asked together."""

    hops: Annotated[int, Ge(SHORTEST), Le(LONGEST)] = 2
    position: tuple[Position, ...] = ("start", "bridge", "answer")


class Family:
    """Chains of one knowledge at some positions, of every length from two up to that of the check."""

    def __init__(self, config: MultiHopConfig, knowledge: Knowledge, closure: Closure) -> None:
        self.knowledge, self.closure, self._positions = knowledge, closure, config.position
        self._walks: dict[tuple[int, Position], Walks] = {}
        self.walks = {position: self._of(config.hops, position) for position in config.position}

    def probe(self, position: Position, chain: Chain) -> Probe | None:
        """The question that a chain answers, or None when it would contain an answer or reveals nothing."""
        return _probe(self.knowledge, self.closure, position, chain)

    def along(self, start: str, facts: Sequence[str]) -> Probe | None:
        """The probe that follows facts, by their ids, from a start; None when these positions have no such chain."""
        for position in self._positions:
            chain = self._of(len(facts), position).find(start, facts) if len(facts) >= SHORTEST else None
            if chain is not None:
                return self.probe(position, chain)
        return None

    def shorter(self, probe: Probe) -> list[Probe]:
        """The chains about the same unit that begin a fact later, or end a fact earlier."""
        first = next((fact for fact in self.knowledge.facts if fact.id == probe.chain[0]), None)
        if first is None or probe.way.kind != "multi_hop":
            return []
        start = probe.named[0]
        second = first.object if first.subject == start else first.subject
        found = [self.along(second, probe.chain[1:]), self.along(start, probe.chain[:-1])]
        return [other for other in found if other is not None and other.unit == probe.unit]

    def parts(self, probe: Probe) -> list[Probe]:
        """Each fact of a chain by itself, in its first wording in the direction in which the chain passes it."""
        by_id = {fact.id: fact for fact in self.knowledge.facts}
        found: list[Probe | None] = []
        at = probe.named[0]
        for fact in (by_id[id] for id in probe.chain):
            forward = fact.subject == at or self.knowledge.relations[fact.relation].symmetric
            side = Side(at, self.knowledge.relations[fact.relation], forward)
            found += fact_probes(self.knowledge, [side], frozenset((fact,)), kind="part", wordings=slice(1))
            at = fact.object if fact.subject == at else fact.subject
        return [part for part in found if part is not None]

    def _of(self, hops: int, position: Position) -> Walks:
        if (hops, position) not in self._walks:
            self._walks[hops, position] = Walks(self.knowledge, self.closure, hops, position)
        return self._walks[hops, position]


class ListedChains(Listed):
    """Every chain of one length; a longer one is simplified to shorter ones too."""

    def __init__(self, family: Family) -> None:
        super().__init__(_probes(family))
        self._family = family

    def simpler(self, probe: Probe) -> list[Probe]:
        """Chains of the same length at an earlier position, and those that are a fact shorter."""
        return [*super().simpler(probe), *self._family.shorter(probe)]

    def parts(self, probe: Probe) -> list[Probe]:
        """Each fact of the chain by itself."""
        return self._family.parts(probe)

    def again(self, built: Built) -> Probe | None:
        """The probe that walks along the same facts."""
        return super().again(built) or _same(self._family.along(built.name, built.chain), built)


class Chains:
    """Too many chains to list: uniform draws over walks."""

    def __init__(self, family: Family, walks: dict[Position, Walks]) -> None:
        """`walks`: the positions at which there is any chain."""
        self._family, self._walks = family, walks
        self.dropped = 0

    def count(self) -> None:
        """Too many to list."""

    def all(self) -> Iterator[Probe]:
        """Refused: draw instead."""
        raise TypeError("a space without a count cannot be listed")

    def draw(self, random: Random) -> Probe:
        """A position uniformly, then a walk uniformly; a question that would contain its answer is drawn again.

        Raises UnlearnError where that happens a thousand times in a row.
        """
        for _ in range(1_000):
            position = random.choice(list(self._walks))
            probe = self._family.probe(position, self._walks[position].draw(random))
            if probe is not None:
                return probe
            self.dropped += 1
        raise UnlearnError(
            "a thousand questions in a row contain their own answer: word the relations' `noun` and `inverse_noun` "
            "otherwise, or ask with fewer `hops`"
        )

    def strategy(self) -> SearchStrategy[Probe]:
        """Draws by a seed that hypothesis chooses."""
        from hypothesis import strategies as st

        return st.integers(0, 2**32 - 1).map(lambda seed: self.draw(Random(seed)))

    def simpler(self, probe: Probe) -> list[Probe]:
        """The chains that are a fact shorter."""
        return self._family.shorter(probe)

    def parts(self, probe: Probe) -> list[Probe]:
        """Each fact of the chain by itself."""
        return self._family.parts(probe)

    def alike(self, way: Way) -> list[Probe]:
        """Up to 40 units asked in this way, found by drawing."""
        random = Random(0)
        found: dict[str, Probe] = {}
        for _ in range(2_000):
            probe = self.draw(random)
            if probe.way == way:
                found.setdefault(probe.unit, probe)
            if len(found) == 40:
                break
        return list(found.values())

    def again(self, built: Built) -> Probe | None:
        """The probe that walks along the same facts."""
        return _same(self._family.along(built.name, built.chain), built)


def no_chain(config: MultiHopConfig, knowledge: Knowledge, closure: Closure) -> str:
    """Why there is no chain of these hops at any of these positions, and which chains there are; else empty.

    Empty also where the request is about no fact: then it is not a matter of `hops`, and the check is vacuous.
    """
    if not closure.hidden or any(
        Walks(knowledge, closure, config.hops, position).some() for position in config.position
    ):
        return ""
    there = {
        hops: [position for position in get_args(Position) if Walks(knowledge, closure, hops, position).some()]
        for hops in range(SHORTEST, LONGEST + 1)
    }
    known = [f"of {hops} facts ({', '.join(positions)})" for hops, positions in there.items() if positions]
    what = f"no chain of {config.hops} facts has what is forgotten at its {' or '.join(config.position)}"
    if not known:
        return f"{what}, nor has any of 2 to {LONGEST} facts. Only relations with a `noun` or `inverse_noun` lead on"
    return f"{what}. There are chains {', '.join(known)}: choose by `hops` and `position`"


@probe_kind("multi_hop", lacks=no_chain)
def multi_hop(config: MultiHopConfig, knowledge: Knowledge, closure: Closure) -> ListedChains | Chains:
    """Chains of `hops` facts that lead through the forgotten thing."""
    family = Family(config, knowledge, closure)
    sizes = [walk.count() for walk in family.walks.values()]
    if any(size is None or size > LISTED for size in sizes):
        return Chains(family, {p: w for (p, w), size in zip(family.walks.items(), sizes, strict=True) if size != 0})
    return ListedChains(family)


def _probes(family: Family) -> Iterator[Probe | None]:
    """One probe a question: chains that differ in their middle only are asked by the same one."""
    asked = set()
    for position, walk in family.walks.items():
        for chain in walk.all():
            if (chain.start, chain.steps) not in asked:
                asked.add((chain.start, chain.steps))
                yield family.probe(position, chain)


def _same(probe: Probe | None, built: Built) -> Probe | None:
    return probe if probe is not None and probe.id == built.id else None


def _probe(knowledge: Knowledge, closure: Closure, position: Position, chain: Chain) -> Probe | None:
    text, hole = chain_question(knowledge, chain)
    secret = secret_ends(knowledge, closure, chain.start, chain.steps)
    if chain.end not in secret:
        return None
    return probe_of(
        knowledge,
        way=Way("multi_hop", _path(chain), hops=len(chain.steps), position=position),
        text=text,
        hole=hole,
        named=(chain.start, knowledge.entities[chain.start].type),
        gold=ends(knowledge, chain.start, chain.steps),
        secret=secret,
        unit=chain.unit,
        chain=tuple(fact.id for fact in chain.facts),
        bridges=chain.bridges,
        size=(len(chain.steps), ("start", "bridge", "answer").index(position)),
    )


def _path(chain: Chain) -> str:
    return " > ".join(relation if forward else f"{relation} back" for relation, forward in chain.steps)
