"""Ways between entities: what facts can be walked along in words."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from pytest_unlearn.knowledge.graph import Fact, Knowledge, Relation


class Step(NamedTuple):
    """One hop: forward from subject to object, else back. Symmetric relations go forward both ways."""

    relation: str
    forward: bool


class Move(NamedTuple):
    """A step along a fact, and whether it has words as a hop before the last (`inner`) and as the last (`final`)."""

    fact: Fact
    step: Step
    inner: bool
    final: bool


class Ways:
    """The ways between entities, which go by their number. A way is all the moves from one entity to another.

    For each entity, way by way: `theres` where it leads, `moves` what it consists of, `inner` and `final` how many of
    those have words, `back` the place of the way back in the list of the other entity, -1 where there is none.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.names = tuple(knowledge.entities)
        numbers = {name: number for number, name in enumerate(self.names)}
        found: list[dict[int, list[Move]]] = [{} for _ in self.names]
        worded = {name: _worded(relation) for name, relation in knowledge.relations.items()}
        for fact in knowledge.facts:
            here, there = numbers[fact.subject], numbers[fact.object]
            forward, backward = worded[fact.relation]
            if forward and here != there:
                found[here].setdefault(there, []).append(Move(fact, *forward))
            if backward and here != there:
                if backward[0].forward and Fact(fact.object, fact.relation, fact.subject) in knowledge.stored:
                    continue  # the mirror is a fact of its own
                found[there].setdefault(here, []).append(Move(fact, *backward))
        self.theres = [list(ways) for ways in found]
        self.moves = [list(ways.values()) for ways in found]
        self.inner = [[sum(move.inner for move in way) for way in ways] for ways in self.moves]
        self.final = [[sum(move.final for move in way) for way in ways] for ways in self.moves]
        order = [{there: place for place, there in enumerate(ways)} for ways in self.theres]
        self.back = [[order[there].get(here, -1) for there in ways] for here, ways in enumerate(self.theres)]


_Words: TypeAlias = tuple[Step, bool, bool] | None  # a step, and whether it has words as an inner hop and as the last


def _worded(relation: Relation) -> tuple[_Words, _Words]:
    """How a fact of a relation can be walked from its subject, and from its object."""
    inner, final = bool(relation.noun), bool(relation.ask)
    forward = (Step(relation.name, True), inner, final) if inner or final else None
    if relation.symmetric:
        return forward, forward
    inner, final = bool(relation.inverse_noun), bool(relation.inverse)
    return forward, (Step(relation.name, False), inner, final) if inner or final else None
