"""Chains of facts through the forgotten thing, counted exactly and drawn uniformly without listing them.

A walk is counted and drawn by dynamic programming over (entity, last fact); what a chain must not do twice (name the same
entity) is met by rejection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Literal

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge

Position = Literal["start", "bridge", "answer"]
Step = tuple[str, bool]  # relation, forward
COUNTED = 20_000  # walks up to this many are listed to count the chains among them


@dataclass(frozen=True, slots=True)
class Chain:
    """A walk without repeated entities: `names` are the entities it visits, `unit` the target fact that it is about."""

    names: tuple[str, ...]
    steps: tuple[Step, ...]
    facts: tuple[Fact, ...]
    unit: str

    @property
    def start(self) -> str:
        """The entity that the question names."""
        return self.names[0]

    @property
    def bridges(self) -> tuple[str, ...]:
        """The entities in between, which the question must not name."""
        return self.names[1:-1]


@dataclass(frozen=True, slots=True)
class _Edge:
    far: str
    step: Step
    fact: Fact
    worded: bool  # has a noun phrase, so that a question can go on from its end
    asked: bool  # has a question, so that it can be last


class Walks:
    """Chains of `hops` facts with the forgotten thing at `position`. A chain belongs to one position: start, answer, bridge.

    For a request that selects entities the forgotten thing is one of them: the first name of a chain, its last, or one in
    between. Otherwise it is a target fact: the first of the chain, its last, or one in between.
    """

    def __init__(self, knowledge: Knowledge, closure: Closure, hops: int, position: Position) -> None:
        self._knowledge, self._closure, self._hops, self._position = knowledge, closure, hops, position

    def count(self) -> int | None:
        """How many chains there are; None when there are too many walks to list."""
        if self._total > COUNTED:
            return None
        return sum(1 for _ in self.all())

    def all(self) -> Iterator[Chain]:
        """Every chain, in an order that depends on the knowledge alone."""
        for start in self._edges:
            yield from self._extend((start,), (), ())

    def draw(self, random: Random) -> Chain:
        """One chain, uniformly; raises LookupError when ten thousand walks in a row are no chain."""
        if not self._total:
            raise LookupError(f"no walk of {self._hops} facts has the forgotten thing at its {self._position}")
        for _ in range(10_000):
            chain = self._walk(random)
            if chain is not None:
                return chain
        raise LookupError(f"chains of {self._hops} facts are too rare among the walks to be drawn")

    @cached_property
    def _edges(self) -> dict[str, list[_Edge]]:
        relations = self._knowledge.relations
        found: dict[str, list[_Edge]] = {name: [] for name in self._knowledge.entities}
        for fact in self._knowledge.facts:
            if fact.subject == fact.object:
                continue
            relation = relations[fact.relation]
            there = _Edge(fact.object, (fact.relation, True), fact, bool(relation.noun), bool(relation.ask))
            found[fact.subject].append(there)
            if relation.symmetric:
                found[fact.object].append(_Edge(fact.subject, there.step, fact, there.worded, there.asked))
            else:
                back = _Edge(
                    fact.subject, (fact.relation, False), fact, bool(relation.inverse_noun), bool(relation.inverse)
                )
                found[fact.object].append(back)
        return found

    @cached_property
    def _weights(self) -> list[dict[tuple[str, bool], int]]:
        """For each number of facts still to go and (entity, whether the forgotten thing was met): how many ways lead on."""
        last = {(name, met): int(met) for name in self._knowledge.entities for met in (False, True)}
        tables = [last]
        for left in range(1, self._hops + 1):
            table = {}
            for name, met in last:
                table[name, met] = sum(
                    tables[-1][edge.far, met or self._meets(name, edge, self._hops - left)]
                    for edge in self._edges[name]
                    if self._fits(edge, left)
                )
            tables.append(table)
        return tables

    @cached_property
    def _starts(self) -> tuple[list[str], list[int]]:
        names = list(self._knowledge.entities)
        return names, list(accumulate(self._weights[self._hops][name, False] for name in names))

    @property
    def _total(self) -> int:
        return self._starts[1][-1] if self._starts[1] else 0

    def _fits(self, edge: _Edge, left: int) -> bool:
        return edge.asked if left == 1 else edge.worded

    def _meets(self, near: str, edge: _Edge, index: int) -> bool:
        """Whether the fact at `index` (from 0) puts the forgotten thing where this position wants it."""
        last = self._hops - 1
        if self._closure.entities:
            place = {
                "start": index == 0 and near,
                "answer": index == last and edge.far,
                "bridge": index < last and edge.far,
            }
            return place[self._position] in self._closure.entities
        where = {"start": index == 0, "answer": index == last, "bridge": 0 < index < last}
        return where[self._position] and edge.fact in self._targets

    @cached_property
    def _targets(self) -> frozenset[Fact]:
        return frozenset(self._closure.target)

    def _walk(self, random: Random) -> Chain | None:
        names, sums = self._starts
        name = random.choices(names, cum_weights=sums)[0]
        met, visited = False, [name]
        edges: list[_Edge] = []
        for index in range(self._hops):
            left = self._hops - index
            options = [edge for edge in self._edges[visited[-1]] if self._fits(edge, left)]
            weights = [
                self._weights[left - 1][edge.far, met or self._meets(visited[-1], edge, index)] for edge in options
            ]
            edge = random.choices(options, weights)[0]
            met = met or self._meets(visited[-1], edge, index)
            if edge.far in visited:
                return None
            visited.append(edge.far)
            edges.append(edge)
        return self._chain(tuple(visited), tuple(edges))

    def _extend(self, visited: tuple[str, ...], edges: tuple[_Edge, ...], met: tuple[bool, ...]) -> Iterator[Chain]:
        index = len(edges)
        if index == self._hops:
            chain = self._chain(visited, edges) if any(met) else None
            if chain is not None:
                yield chain
            return
        left = self._hops - index
        seen = any(met)
        for edge in self._edges[visited[-1]]:
            meets = self._meets(visited[-1], edge, index)
            if (
                edge.far in visited
                or not self._fits(edge, left)
                or not self._weights[left - 1][edge.far, seen or meets]
            ):
                continue
            yield from self._extend((*visited, edge.far), (*edges, edge), (*met, meets))

    def _chain(self, visited: tuple[str, ...], edges: tuple[_Edge, ...]) -> Chain | None:
        facts = tuple(edge.fact for edge in edges)
        if self._belongs(visited, facts) != self._position:
            return None
        about = next(fact for fact in facts if fact in self._targets)
        return Chain(visited, tuple(edge.step for edge in edges), facts, about.id)

    def _belongs(self, visited: tuple[str, ...], facts: tuple[Fact, ...]) -> Position:
        if self._closure.entities:
            ends = visited[0] in self._closure.entities, visited[-1] in self._closure.entities
        else:
            ends = facts[0] in self._targets, facts[-1] in self._targets
        return "start" if ends[0] else "answer" if ends[1] else "bridge"


def ends(knowledge: Knowledge, start: str, steps: Iterable[Step]) -> tuple[str, ...]:
    """Every entity that the same steps lead to from `start`: all true answers."""
    return tuple(_walked(knowledge, start, steps, frozenset()))


def secret_ends(knowledge: Knowledge, closure: Closure, start: str, steps: Iterable[Step]) -> tuple[str, ...]:
    """Those that only chains through hidden facts lead to: the answers that reveal the target."""
    steps = tuple(steps)
    plain = _walked(knowledge, start, steps, closure.hidden)
    return tuple(end for end in _walked(knowledge, start, steps, frozenset()) if end not in plain)


def _walked(knowledge: Knowledge, start: str, steps: Iterable[Step], without: frozenset[Fact]) -> dict[str, None]:
    """The ends of simple chains along the steps, in order of first arrival."""
    trails: list[tuple[str, ...]] = [(start,)]
    for relation, forward in steps:
        trails = [
            (*trail, far)
            for trail in trails
            for far in (knowledge.out if forward else knowledge.into).get((trail[-1], relation), ())
            if far not in trail and _fact(knowledge, trail[-1], relation, far, forward) not in without
        ]
    return dict.fromkeys(trail[-1] for trail in trails)


def _fact(knowledge: Knowledge, near: str, relation: str, far: str, forward: bool) -> Fact:
    fact = Fact(near, relation, far) if forward else Fact(far, relation, near)
    return fact if fact in knowledge.stored else Fact(fact.object, relation, fact.subject)
