"""What a forget request takes with it: every fact is target, entailed, lost or retained."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias, TypeVar

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import Problem, ScenarioError, did_you_mean
from pytest_unlearn.knowledge.documents import Document
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.levels import Hierarchy
from pytest_unlearn.knowledge.material import contradictions, read_material
from pytest_unlearn.knowledge.pairs import Pair
from pytest_unlearn.knowledge.places import nearest, problem
from pytest_unlearn.scenario.model import NO_MATERIAL, Material, Part, Selector, Target

Cut: TypeAlias = dict[tuple[str, str, bool], frozenset[str]]
Made = TypeVar("Made", Pair, Document)


@dataclass(frozen=True)
class Closure:
    """The facts of a knowledge, divided by what a forget request does to them, and the material beside them.

    Each part is in file order.

    target    must go: selected, or the same fact said another way (its mirror where the relation is symmetric, its
              counterpart under `inverse_of`)
    entailed  must go: facts of a relation with `via` that follow from others, each time by way of a fact that must go
    lost      may go either way, never asked: they hang on the world only by what must go (see `forgetting`)
    retained  must stay
    entities  names selected as entities, or as nodes of a hierarchy or with one;   ends: names at either end of a
              fact that must go
    nodes     names selected as nodes;   shared: what lies below them, and stays since it lies within what stays, too
    private   whether the request is about a private entity

    pairs, documents             must go: the questions and texts that the request names
    kept_pairs, kept_documents   must stay: those that the scenario retains
    """

    knowledge: Knowledge = field(repr=False, compare=False)
    target: tuple[Fact, ...]
    entailed: tuple[Fact, ...]
    lost: tuple[Fact, ...]
    retained: tuple[Fact, ...]
    entities: frozenset[str]
    pairs: tuple[Pair, ...] = ()
    documents: tuple[Document, ...] = ()
    kept_pairs: tuple[Pair, ...] = ()
    kept_documents: tuple[Document, ...] = ()
    nodes: frozenset[str] = frozenset()
    shared: tuple[str, ...] = ()

    @cached_property
    def hidden(self) -> frozenset[Fact]:
        """The facts that must be gone."""
        return frozenset((*self.target, *self.entailed))

    @cached_property
    def ends(self) -> frozenset[str]:
        """The names at either end of a fact that must be gone."""
        return frozenset(name for fact in self.hidden for name in (fact.subject, fact.object))

    @property
    def private(self) -> bool:
        """Whether an entity that is selected, stands in a fact that must be gone or belongs to a pair is private."""
        named = {name for pair in self.pairs for name in pair.entities if name in self.knowledge.by_name}
        touched = self.entities | self.ends | {self.knowledge.by_name[name].name for name in named}
        return any(self.knowledge.entities[name].private for name in touched)

    def part(self, part: Part) -> tuple[Fact, ...]:
        """The facts of one part of the hierarchy, as it is seen from the nodes selected; none without such.

        at        must go, and touches nothing that goes with a node: what is known of the node itself
        below     must go, and touches something that goes with a node
        sibling   must stay, and touches a sibling of a node or something below one
        ancestor  must stay, and touches something above a node and nothing else below that: what is known of it itself
        """
        hierarchy = self.knowledge.hierarchy
        if hierarchy is None or not self.nodes:
            return ()
        if part in ("at", "below"):
            with_them = hierarchy.below(self.nodes) & self.entities - self.nodes
            hidden = (*self.target, *self.entailed)
            return tuple(fact for fact in hidden if _touches(fact, with_them) == (part == "below"))
        above = hierarchy.above(self.nodes)
        if part == "ancestor":
            inside = hierarchy.below(above) - above
            return tuple(fact for fact in self.retained if _touches(fact, above) and not _touches(fact, inside))
        beside = frozenset(name for node in self.nodes for name in hierarchy.siblings(node)) - self.entities
        branches = beside | hierarchy.below(beside)
        return tuple(fact for fact in self.retained if _touches(fact, branches))

    @cached_property
    def cut(self) -> Cut:
        """(name, relation, forward) to what is reached from there only by a fact that must be gone."""
        return _cut(self.knowledge, self.hidden)


@dataclass(frozen=True, slots=True)
class Kept:
    """A part of what must stay: facts, questions, documents."""

    facts: tuple[Fact, ...] = ()
    pairs: tuple[Pair, ...] = ()
    documents: tuple[Document, ...] = ()


def forgetting(knowledge: Knowledge, target: Target, retain: Material = NO_MATERIAL) -> Closure:
    """Divide the facts of `knowledge` by what forgetting `target` does to them, and read the material of both.

    An entity selects every fact with it at either end, a relation its facts (with `where`, those whose subject has the
    given objects), a fact itself. A node selects itself as an entity, and everything below it that lies within nothing
    that stays.

    Lost: without target and entailed facts, each part of the graph that was connected (directions aside) may fall into
    pieces. The piece with most facts, or each of them where several are largest, is the world that goes on. Another
    piece is lost if it holds an end of a fact that was selected by an entity or as a fact: after Jane, who owns Rex, is
    forgotten, nothing leads to Rex any more, and whether his breed goes with her is left open. Forgetting a whole
    relation loses nothing more: no thing disappears with it.

    Raises ScenarioError, for all selectors and files at once, where a name is unknown, nothing is selected, or a file
    has a mistake.
    """
    chosen: dict[Fact, bool] = {}  # whether a thing goes with it
    entities: set[str] = set()
    nodes: set[str] = set()
    problems: list[Problem] = []
    gone_material = read_material((selector.material for selector in target.selectors), problems)
    kept_material = read_material([retain], problems)
    problems += contradictions(gone_material, kept_material)
    for selector in target.selectors:
        if not selector.of_facts:
            continue
        try:
            facts = _selected(knowledge, selector)
        except _UnknownError as error:
            problems += [problem(selector.at, message) for message in error.messages]
            continue
        if selector.entity is not None:
            entities.add(knowledge.by_name[selector.entity].name)
        if selector.node is not None:
            nodes.add(knowledge.by_name[selector.node[1]].name)
        for fact in facts:
            chosen[fact] = chosen.get(fact, False) or selector.relation is None
    if problems:
        raise ScenarioError(problems)
    shared: tuple[str, ...] = ()
    if nodes:
        with_them, shared = _hierarchy(knowledge).gone(nodes, entities)
        chosen |= dict.fromkeys((fact for name in with_them for fact in knowledge.touching[name]), True)
        entities |= with_them
    twins = _twins(knowledge)
    gone = {twin: thing for fact, thing in sorted(chosen.items(), key=lambda item: item[1]) for twin in twins(fact)}
    entailed = _entailed(knowledge, frozenset(gone))
    left = [fact for fact in knowledge.facts if fact not in gone and fact not in entailed]
    anchors = {name for fact, thing in gone.items() if thing for name in (fact.subject, fact.object)}
    lost = _lost(knowledge.facts, left, anchors)
    return Closure(
        knowledge,
        target=tuple(fact for fact in knowledge.facts if fact in gone),
        entailed=tuple(fact for fact in knowledge.facts if fact in entailed),
        lost=tuple(fact for fact in left if fact in lost),
        retained=tuple(fact for fact in left if fact not in lost),
        entities=frozenset(entities),
        pairs=gone_material[0],
        documents=gone_material[1],
        kept_pairs=kept_material[0],
        kept_documents=kept_material[1],
        nodes=frozenset(nodes),
        shared=shared,
    )


def gold(closure: Closure, near: str, relation: str, *, forward: bool = True) -> tuple[str, ...]:
    """The true answers that may still be given to a question about a retained fact.

    Without forgotten entities, and without answers that are true only by a fact that must be gone.
    """
    knowledge = closure.knowledge
    answers = (knowledge.out if forward else knowledge.into).get((near, relation), ())
    cut = closure.cut.get((near, relation, forward), frozenset())
    return tuple(name for name in answers if name not in closure.entities and name not in cut)


def halves(facts: Iterable[Fact], seed: int) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """(trained, held out): about half of `facts` each, by a hash of the two entities, the same on every machine.

    Facts between the same two entities stay together, or a mirror or counterpart would give away a held-out fact.
    """
    sides: tuple[list[Fact], list[Fact]] = ([], [])
    for fact in facts:
        sides[seed_of("halves", seed, sorted((fact.subject, fact.object))) & 1].append(fact)
    return tuple(sides[0]), tuple(sides[1])


def divided(closure: Closure, seed: int) -> tuple[Kept, Kept]:
    """(trained, held out): what must stay in two halves: facts by `halves`, questions and documents one by one.

    Of an odd number of questions the held-out half has one more.
    """
    facts = halves(closure.retained, seed)
    pairs, documents = _dealt(closure.kept_pairs, seed), _dealt(closure.kept_documents, seed)
    return Kept(facts[0], pairs[0], documents[0]), Kept(facts[1], pairs[1], documents[1])


def near_facts(closure: Closure) -> tuple[Fact, ...]:
    """Retained facts that share an entity with a fact that must be gone."""
    return tuple(fact for fact in closure.retained if fact.subject in closure.ends or fact.object in closure.ends)


def far_facts(closure: Closure) -> tuple[Fact, ...]:
    """Retained facts that share no entity with a fact that must be gone."""
    return tuple(fact for fact in closure.retained if not (fact.subject in closure.ends or fact.object in closure.ends))


def _dealt(items: tuple[Made, ...], seed: int) -> tuple[tuple[Made, ...], tuple[Made, ...]]:
    """Two halves by the order of hashes: with few items, each on its own could put all of them on one side."""
    order = sorted(items, key=lambda item: seed_of("halves", seed, item.id))
    trained = frozenset(order[: len(order) // 2])
    return tuple(one for one in items if one in trained), tuple(one for one in items if one not in trained)


class _UnknownError(Exception):
    def __init__(self, *messages: str) -> None:
        self.messages = messages


def _selected(knowledge: Knowledge, selector: Selector) -> list[Fact]:
    if selector.entity is not None:
        (name,) = _named(knowledge, selector.entity)
        facts = list(knowledge.touching[name])
        what = f"'{selector.entity}' has no facts"
    elif selector.relation is not None:
        facts = _of_relation(knowledge, selector.relation, selector.where)
        given = "".join(f", {relation}: {name}" for relation, name in selector.where)
        what = f"no fact matches 'relation: {selector.relation}{given}'"
    elif selector.node is not None:
        name = _node(knowledge, *selector.node)
        facts = list(knowledge.touching[name])
        what = f"'{name}' has no facts"
    else:
        assert selector.fact is not None
        subject, relation, object = selector.fact
        unknown = [] if relation in knowledge.relations else [_no_relation(knowledge, relation)]
        near, far = _named(knowledge, subject, object, also=unknown)
        facts = [fact for fact in _twins(knowledge)(Fact(near, relation, far)) if fact in knowledge.stored]
        known = ", ".join(f"'{name}'" for name in knowledge.out.get((near, relation), ())[:5])
        what = f"there is no fact [{subject}, {relation}, {object}]" + (
            f": '{relation}' of '{near}' is {known}" if known else f": '{near}' has no '{relation}'"
        )
    if not facts:
        raise _UnknownError(f"{what}, so there is nothing to forget")
    return facts


def _hierarchy(knowledge: Knowledge) -> Hierarchy:
    if knowledge.hierarchy is None:
        raise _UnknownError("`level` needs a knowledge that has `levels`, from the top down")
    return knowledge.hierarchy


def _node(knowledge: Knowledge, level: str, name: str) -> str:
    """The canonical name of a thing of a level."""
    levels = _hierarchy(knowledge).levels
    unknown = [] if level in levels else [f"unknown level '{level}'" + (did_you_mean(level, levels))]
    (node,) = _named(knowledge, name, also=unknown)
    kind = knowledge.entities[node].type
    if kind != level:
        what = f"of the level '{kind}'" if kind in levels else f"a {kind}, which is no level"
        raise _UnknownError(f"'{name}' is {what}, not of the level '{level}'")
    return node


def _of_relation(knowledge: Knowledge, relation: str, where: tuple[tuple[str, str], ...]) -> list[Fact]:
    unknown = [
        _no_relation(knowledge, name)
        for name in dict.fromkeys((relation, *(key for key, _ in where)))
        if name not in knowledge.relations
    ]
    objects = _named(knowledge, *(name for _, name in where), also=unknown)
    keys = [(key, name) for (key, _), name in zip(where, objects, strict=True)]

    def fits(name: str) -> bool:
        return all(object in knowledge.out.get((name, key), ()) for key, object in keys)

    both = knowledge.relations[relation].symmetric
    return [
        fact
        for fact in knowledge.facts
        if fact.relation == relation and (fits(fact.subject) or (both and fits(fact.object)))
    ]


def _named(knowledge: Knowledge, *names: str, also: Iterable[str] = ()) -> list[str]:
    """Canonical names; raises _UnknownError for all that are unknown, with the messages in `also`."""
    unknown = [*also]
    for name in names:
        if name not in knowledge.by_name:
            unknown.append(f"unknown entity '{name}'" + nearest(name, knowledge.by_name))
    if unknown:
        raise _UnknownError(*unknown)
    return [knowledge.by_name[name].name for name in names]


def _no_relation(knowledge: Knowledge, name: str) -> str:
    return f"unknown relation '{name}'" + nearest(name, knowledge.relations)


def _forms(knowledge: Knowledge) -> Callable[[Fact], list[Fact]]:
    """A function from a fact to everything that says the same, stored or not: itself, mirrors, counterparts."""
    counterparts: dict[str, set[str]] = defaultdict(set)
    for relation in knowledge.relations.values():
        if relation.symmetric:
            counterparts[relation.name].add(relation.name)
        if relation.inverse_of is not None:
            counterparts[relation.name].add(relation.inverse_of)
            counterparts[relation.inverse_of].add(relation.name)

    def forms(fact: Fact) -> list[Fact]:
        found = {fact: None}
        open = [fact]
        while open:
            here = open.pop()
            others = (Fact(here.object, relation, here.subject) for relation in sorted(counterparts[here.relation]))
            new = [other for other in others if other not in found]
            found |= dict.fromkeys(new)
            open += new
        return list(found)

    return forms


def _twins(knowledge: Knowledge) -> Callable[[Fact], Iterator[Fact]]:
    """A function from a fact to every stored fact that says the same, itself among them if it is stored."""
    forms = _forms(knowledge)
    return lambda fact: (form for form in forms(fact) if form in knowledge.stored)


def _entailed(knowledge: Knowledge, gone: frozenset[Fact]) -> frozenset[Fact]:
    """Facts that follow from others only by way of what is gone, and so on until nothing is added."""
    forms = _forms(knowledge)
    said: dict[tuple[str, str], set[str]] = defaultdict(set)  # what a relation leads to, however it is stored
    for form in (form for fact in knowledge.facts for form in forms(fact)):
        said[form.subject, form.relation].add(form.object)
    derived = {
        fact: ways
        for fact in knowledge.facts
        if fact not in gone and (ways := [form for form in forms(fact) if knowledge.relations[form.relation].via])
    }
    derived = {fact: ways for fact, ways in derived.items() if any(_follows(knowledge, way, said) for way in ways)}
    found: frozenset[Fact] = frozenset()
    new = gone
    while new and derived:
        for form in (form for fact in new for form in forms(fact)):
            said[form.subject, form.relation].discard(form.object)
        new = frozenset(
            fact for fact, ways in derived.items() if not any(_follows(knowledge, way, said) for way in ways)
        )
        found |= new
        derived = {fact: ways for fact, ways in derived.items() if fact not in new}
    return found


def _follows(knowledge: Knowledge, fact: Fact, said: Mapping[tuple[str, str], Collection[str]]) -> bool:
    """Whether walking along the `via` of its relation leads from its subject to its object."""
    reached = {fact.subject}
    for relation in knowledge.relations[fact.relation].via:
        reached = {name for near in reached for name in said.get((near, relation), ())}
    return fact.object in reached


def _touches(fact: Fact, names: frozenset[str]) -> bool:
    return fact.subject in names or fact.object in names


def _cut(knowledge: Knowledge, facts: Iterable[Fact]) -> Cut:
    found: dict[tuple[str, str, bool], set[str]] = defaultdict(set)
    for fact in facts:
        found[fact.subject, fact.relation, True].add(fact.object)
        found[fact.object, fact.relation, False].add(fact.subject)
        if knowledge.relations[fact.relation].symmetric:
            found[fact.object, fact.relation, True].add(fact.subject)
            found[fact.subject, fact.relation, False].add(fact.object)
    return {key: frozenset(names) for key, names in found.items()}


def _lost(facts: Iterable[Fact], left: list[Fact], anchors: set[str]) -> frozenset[Fact]:
    before, after = _Pieces(facts), _Pieces(left)
    pieces: dict[str, list[Fact]] = defaultdict(list)
    for fact in left:
        pieces[after.of(fact.subject)].append(fact)
    largest: dict[str, int] = defaultdict(int)
    for piece in pieces.values():
        whole = before.of(piece[0].subject)
        largest[whole] = max(largest[whole], len(piece))
    cut_off = {after.of(name) for name in anchors}
    return frozenset(
        fact
        for root, piece in pieces.items()
        if root in cut_off and len(piece) < largest[before.of(piece[0].subject)]
        for fact in piece
    )


class _Pieces:
    """Connected pieces of a graph: entities that facts join, directions aside (disjoint sets)."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._parent: dict[str, str] = {}
        for fact in facts:
            self._parent[self.of(fact.subject)] = self.of(fact.object)

    def of(self, name: str) -> str:
        """The entity that stands for the piece that `name` is in."""
        root = name
        while (parent := self._parent.get(root, root)) != root:
            root = parent
        while name != root:
            self._parent[name], name = root, self._parent[name]
        return root
