"""Through a chain of facts: the forgotten thing stands at the start, in the middle without being named, or at the end.

Small models that no longer answer a fact directly often still walk through it; which position survives depends on which
layers were edited, so all three are asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Annotated, Literal, get_args

from annotated_types import Ge, Le

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.paths import Chain, Walks, ends, secret_ends
from pytest_unlearn.knowledge.render import chain_question
from pytest_unlearn.probes.probe import Probe, Way
from pytest_unlearn.probes.question import probe_of
from pytest_unlearn.probes.space import Listed, probe_kind

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Position = Literal["start", "bridge", "answer"]
LONGEST = 6  # facts in a chain
LISTED = 2_000  # chains up to this many are listed; beyond it they are drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiHopConfig:
    """`hops`: facts in a chain. `position`: where the forgotten fact or entity stands; several are asked together."""

    hops: Annotated[int, Ge(2), Le(LONGEST)] = 2
    position: tuple[Position, ...] = ("start", "bridge", "answer")


class Chains:
    """Too many chains to list: uniform draws over walks."""

    def __init__(self, knowledge: Knowledge, closure: Closure, walks: dict[Position, Walks]) -> None:
        self._knowledge, self._closure, self._walks = knowledge, closure, walks
        self.dropped = 0

    def count(self) -> None:
        """Too many to list."""

    def all(self) -> Iterator[Probe]:
        """Refused: draw instead."""
        raise TypeError("a space without a count cannot be listed")

    def draw(self, random: Random) -> Probe:
        """A position uniformly, then a walk uniformly; a question that would contain its answer is drawn again."""
        for _ in range(1_000):
            position = random.choice(list(self._walks))
            probe = _probe(self._knowledge, self._closure, position, self._walks[position].draw(random))
            if probe is not None:
                return probe
            self.dropped += 1
        raise RuntimeError("a thousand draws in a row contain their own answer: reword the relations' nouns")

    def strategy(self) -> SearchStrategy[Probe]:
        """Draws by a seed that hypothesis chooses."""
        from hypothesis import strategies as st

        return st.integers(0, 2**32 - 1).map(lambda seed: self.draw(Random(seed)))

    def simpler(self, probe: Probe) -> list[Probe]:
        """Chains drawn at random have no neighbours."""
        return []

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
        for hops in range(2, LONGEST + 1)
    }
    known = [f"of {hops} facts ({', '.join(positions)})" for hops, positions in there.items() if positions]
    what = f"no chain of {config.hops} facts has what is forgotten at its {' or '.join(config.position)}"
    if not known:
        return f"{what}, nor has any of 2 to {LONGEST} facts. Only relations with a `noun` or `inverse_noun` lead on"
    return f"{what}. There are chains {', '.join(known)}: choose by `hops` and `position`"


@probe_kind("multi_hop", lacks=no_chain)
def multi_hop(config: MultiHopConfig, knowledge: Knowledge, closure: Closure) -> Listed | Chains:
    """Chains of `hops` facts that lead through the forgotten thing."""
    walks: dict[Position, Walks] = {
        position: Walks(knowledge, closure, config.hops, position) for position in config.position
    }
    sizes = [walk.count() for walk in walks.values()]
    if any(size is None or size > LISTED for size in sizes):
        return Chains(
            knowledge, closure, {p: w for (p, w), size in zip(walks.items(), sizes, strict=True) if size != 0}
        )
    return Listed(_probes(knowledge, closure, walks))


def _probes(knowledge: Knowledge, closure: Closure, walks: dict[Position, Walks]) -> Iterator[Probe | None]:
    """One probe a question: chains that differ in their middle only are asked by the same one."""
    asked = set()
    for position, walk in walks.items():
        for chain in walk.all():
            if (chain.start, chain.steps) not in asked:
                asked.add((chain.start, chain.steps))
                yield _probe(knowledge, closure, position, chain)


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
