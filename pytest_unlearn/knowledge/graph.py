"""What is known about the world: typed entities with aliases, relations with their wordings, facts; a multigraph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_unlearn.knowledge.levels import Hierarchy
    from pytest_unlearn.knowledge.ways import Ways


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing with a name. `private`: it is a person or secret whose names must not appear in public outputs."""

    name: str
    type: str
    aliases: tuple[str, ...] = ()
    private: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The name, then every alias."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Relation:
    """How two types of things relate, and how that is asked and said.

    ask            questions about the object, with `{subject}`; the first is `direct`, the others are `paraphrase`
    inverse        questions about the subject, with `{object}`
    say            a statement with `{subject}` and `{object}`
    answer         how an answer is worded, with `{object}` and perhaps `{subject}`; methods train on it
    noun           a noun phrase for the object, with `{subject}`: "the home town of {subject}"
    inverse_noun   a noun phrase for the subject, with `{object}`: "the country whose capital is {object}"
    many           one subject may have several objects;   symmetric: a fact holds both ways
    inverse_of     the name of the relation that says the same the other way round
    via            relations whose composition this one is
    """

    name: str
    ask: tuple[str, ...] = ()
    inverse: tuple[str, ...] = ()
    say: str = ""
    answer: str = "{object}"
    noun: str = ""
    inverse_noun: str = ""
    many: bool = False
    symmetric: bool = False
    inverse_of: str | None = None
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """`subject relation object`, each by canonical name."""

    subject: str
    relation: str
    object: str

    @property
    def id(self) -> str:
        """The unit that probes about this fact count as."""
        return f"{self.subject} | {self.relation} | {self.object}"


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """What is said about a type: `closed` means that the knowledge lists every possible answer, so guessing can hit."""

    closed: bool = False


@dataclass(frozen=True)
class Knowledge:
    """Entities, relations and facts, and the levels that entities belong to; look-ups are indexed once."""

    entities: dict[str, Entity]
    relations: dict[str, Relation]
    facts: tuple[Fact, ...]
    types: dict[str, TypeInfo]
    digest: str
    hierarchy: Hierarchy | None = None

    @cached_property
    def by_name(self) -> dict[str, Entity]:
        """Every name and alias to its entity (an alias that two entities share is refused when knowledge is built)."""
        return {name: entity for entity in self.entities.values() for name in entity.names}

    @cached_property
    def by_type(self) -> dict[str, tuple[Entity, ...]]:
        """Entities of each type, in file order."""
        found: dict[str, list[Entity]] = {}
        for entity in self.entities.values():
            found.setdefault(entity.type, []).append(entity)
        return {kind: tuple(entities) for kind, entities in found.items()}

    @cached_property
    def stored(self) -> frozenset[Fact]:
        """The facts, for asking whether one is known."""
        return frozenset(self.facts)

    @cached_property
    def _names_of(self) -> dict[str, tuple[str, ...]]:
        return {kind: tuple(n for e in entities for n in e.names) for kind, entities in self.by_type.items()}

    def names_of(self, kind: str) -> tuple[str, ...]:
        """Every name and alias of the entities of a type."""
        return self._names_of[kind]

    @cached_property
    def out(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """(subject, relation) to its objects. Symmetric facts are read both ways."""
        return _index((f.subject, f.relation, f.object) for f in self._both_ways())

    @cached_property
    def into(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """(object, relation) to its subjects. Symmetric facts are read both ways."""
        return _index((f.object, f.relation, f.subject) for f in self._both_ways())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The entities' names, in file order."""
        return tuple(self.entities)

    @cached_property
    def number(self) -> dict[str, int]:
        """Each entity's place in file order."""
        return {name: place for place, name in enumerate(self.entities)}

    @cached_property
    def reach(self) -> dict[tuple[str, str, bool], int]:
        """(name, relation, forward) to what it leads to, as a bit set: bit i stands for the i-th entity."""
        found: dict[tuple[str, str, bool], int] = {}
        for forward, index in ((True, self.out), (False, self.into)):
            for (name, relation), others in index.items():
                found[name, relation, forward] = sum(1 << self.number[other] for other in others)
        return found

    @cached_property
    def touching(self) -> dict[str, tuple[Fact, ...]]:
        """Entity to every fact that has it at either end."""
        found: dict[str, list[Fact]] = {name: [] for name in self.entities}
        for fact in self.facts:
            found[fact.subject].append(fact)
            if fact.object != fact.subject:
                found[fact.object].append(fact)
        return {name: tuple(facts) for name, facts in found.items()}

    @cached_property
    def ways(self) -> Ways:
        """What can be walked along in words, from each entity."""
        from pytest_unlearn.knowledge.ways import Ways

        return Ways(self)

    def rivals(self, name: str) -> tuple[Entity, ...]:
        """Other entities of the same type."""
        return tuple(e for e in self.by_type[self.entities[name].type] if e.name != name)

    def _both_ways(self) -> Iterable[Fact]:
        for fact in self.facts:
            yield fact
            if self.relations[fact.relation].symmetric and fact.subject != fact.object:
                yield Fact(fact.object, fact.relation, fact.subject)


def _index(triples: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], dict[str, None]] = {}
    for near, relation, far in triples:
        found.setdefault((near, relation), {})[far] = None
    return {key: tuple(values) for key, values in found.items()}
