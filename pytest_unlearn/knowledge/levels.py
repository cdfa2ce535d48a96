"""Hierarchies: entities of some types, each within others further up, as a tree or with several ways up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_unlearn.errors import Mark, did_you_mean
from pytest_unlearn.knowledge.graph import Fact
from pytest_unlearn.knowledge.mapping import Draft

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Hierarchy:
    """Nodes are the entities whose type is one of `levels`, which go from the top down.

    nodes   every node with the place of its level, counted from 0
    within  by node, the facts that say what it lies within, in file order
    """

    levels: tuple[str, ...]
    nodes: dict[str, int]
    within: dict[str, tuple[Fact, ...]]

    @cached_property
    def graph(self) -> nx.DiGraph[str]:
        """Edges lead from a node to what lies within it."""
        return _graph(self.nodes, (fact for facts in self.within.values() for fact in facts))

    def parents(self, node: str) -> tuple[str, ...]:
        """What a node lies within, in file order."""
        return tuple(dict.fromkeys(fact.object for fact in self.within.get(node, ())))

    def below(self, nodes: Iterable[str]) -> frozenset[str]:
        """Everything below some nodes."""
        import networkx as nx

        return frozenset(name for node in nodes for name in nx.descendants(self.graph, node))

    def above(self, nodes: Iterable[str]) -> frozenset[str]:
        """Everything above some nodes."""
        import networkx as nx

        return frozenset(name for node in nodes for name in nx.ancestors(self.graph, node))

    def siblings(self, node: str) -> frozenset[str]:
        """Nodes of the same level within the same thing; of one that lies within nothing, the others that do not."""
        parents = self.parents(node)
        beside = {name for parent in parents for name in self.graph.successors(parent)}
        if not parents:
            beside = {name for name in self.nodes if not self.parents(name)}
        return frozenset(name for name in beside if self.nodes[name] == self.nodes[node] and name != node)

    def gone(self, chosen: Iterable[str], besides: Collection[str] = ()) -> tuple[frozenset[str], tuple[str, ...]]:
        """(what goes with the nodes chosen, what is shared): a node goes that lies within nothing that stays.

        Shared are those that lie within something that goes and within something that stays. `besides`: other names
        that go. Both from the top down.
        """
        import networkx as nx

        gone, shared = set(chosen), []
        for node in nx.lexicographical_topological_sort(self.graph, key=lambda name: (self.nodes[name], name)):
            parents = self.parents(node)
            if node not in gone and not gone.isdisjoint(parents):
                if all(parent in gone or parent in besides for parent in parents):
                    gone.add(node)
                else:
                    shared.append(node)
        return frozenset(gone), tuple(shared)

    def paths(self, node: str) -> Iterator[tuple[Fact, ...]]:
        """The facts that lead from the top down to a node, on each way there is, as they are stated."""
        steps = self.within.get(node, ())
        if not steps:
            yield ()
        for step in steps:
            for path in self.paths(step.object):
                yield (*path, step)


def hierarchy_of(draft: Draft, facts: Iterable[Fact]) -> Hierarchy:
    """The hierarchy of a draft with `levels`, by those `facts` whose relation says `within`.

    A fact with an end that is of no level says nothing here. What is wrong is added to the problems of the draft.
    """
    place = {level: i for i, level in enumerate(draft.levels)}
    nodes = {name: place[entity.type] for name, entity in draft.entities.items() if entity.type in place}
    within: dict[str, list[Fact]] = {}
    for fact in facts:
        if draft.within[fact.relation] and fact.subject in nodes and fact.object in nodes:
            within.setdefault(fact.subject, []).append(fact)
    found = Hierarchy(draft.levels, nodes, {name: tuple(some) for name, some in within.items()})
    draft.problems += [*_empty(draft, found), *_misplaced(draft, found)]
    return found


def _graph(nodes: Iterable[str], facts: Iterable[Fact]) -> nx.DiGraph[str]:
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from((fact.object, fact.subject) for fact in facts)
    return graph


def _empty(draft: Draft, found: Hierarchy) -> Iterator[tuple[Mark, str]]:
    """Levels that have no node, or below the first none that belongs to anything."""
    kinds = {entity.type for entity in draft.entities.values()}
    for i, level in enumerate(found.levels):
        at = draft.places["levels", level]
        if level not in kinds:
            yield at, f"nobody is of the level '{level}': a level is a type of entities{did_you_mean(level, kinds)}"
        elif i and not any(found.nodes[node] == i for node in found.within):
            message = (
                f"nobody of the level '{level}' belongs to anything: state what they lie within, by a relation that "
                "says `within: true`"
            )
            yield at, message


def _misplaced(draft: Draft, found: Hierarchy) -> Iterator[tuple[Mark, str]]:
    """Facts that do not lead up: in a circle, or to a thing of the same level or a lower one."""
    import networkx as nx

    for facts in found.within.values():
        for fact in facts:
            if found.nodes[fact.object] < found.nodes[fact.subject]:
                continue
            if nx.has_path(found.graph, fact.subject, fact.object):
                down = nx.shortest_path(found.graph, fact.subject, fact.object)
                circle = " > ".join((fact.object, *down))
                message = f"'{fact.subject}' would lie within itself, {circle}: a hierarchy has no circle"
            else:
                inner, outer = (found.levels[found.nodes[name]] for name in (fact.subject, fact.object))
                message = (
                    f"'{fact.subject}' ({inner}) cannot lie within '{fact.object}' ({outer}): `levels` go from "
                    f"{found.levels[0]} down to {found.levels[-1]}"
                )
            yield draft.facts[fact], message
