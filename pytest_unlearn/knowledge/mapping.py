"""The raw mapping of entities, relations, facts and types, read with every mistake in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

from pytest_unlearn.errors import Mark, did_you_mean
from pytest_unlearn.knowledge.graph import Entity, Fact, Relation, TypeInfo
from pytest_unlearn.knowledge.places import nearest
from pytest_unlearn.names import find_names, normalise

Where: TypeAlias = tuple[str | int, ...]

PARTS = ("types", "entities", "relations", "facts", "levels")
_TEXTS = ("ask", "inverse")  # one wording or several
_TEXT = ("say", "answer", "noun", "inverse_noun")
_SLOTS = {
    "ask": {"subject"},
    "noun": {"subject"},
    "inverse": {"object"},
    "inverse_noun": {"object"},
    "answer": {"object"},
}
_SLOT = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Raw:
    """One mapping and where its parts stand: `mark(path, key)`, the place of a value or of its key."""

    data: Any
    mark: Callable[[Where, bool], Mark]


@dataclass(slots=True)
class Draft:
    """What several raw mappings say together, and what is wrong with it.

    `owners` leads from each name to its entity, `alike` from (type, folded name); `places` are those of names that
    relations and types refer to, which are looked up when everything is read. `within` says of each relation whether
    its subjects lie within its objects; `levels` are given from the top down.
    """

    entities: dict[str, Entity] = field(default_factory=dict)
    relations: dict[str, Relation] = field(default_factory=dict)
    types: dict[str, TypeInfo] = field(default_factory=dict)
    facts: dict[Fact, Mark] = field(default_factory=dict)
    problems: list[tuple[Mark, str]] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    alike: dict[tuple[str, str], str] = field(default_factory=dict)
    places: dict[Where, Mark] = field(default_factory=dict)
    within: dict[str, bool] = field(default_factory=dict)
    levels: tuple[str, ...] = ()


def read(raws: Iterable[Raw]) -> Draft:
    """Merge raw mappings; what one defines another may use. Names are checked when all are read."""
    draft = Draft()
    usable = []
    for raw in raws:
        if isinstance(raw.data, dict):
            usable.append(raw)
            _no_others(draft, raw, (), raw.data, PARTS)
        elif raw.data is not None:
            draft.problems.append((raw.mark((), False), f"expected a mapping with {', '.join(PARTS)}"))
    for part, reader in (("types", _type), ("entities", _entity), ("relations", _relation)):
        for raw in usable:
            for name, value in _items(draft, raw, part):
                reader(draft, raw, name, value)
    for raw in usable:
        _levels(draft, raw)
    _references(draft)
    for raw in usable:
        for fact in _stated(draft, raw):
            _fact(draft, *fact)
    _given_away(draft)
    return draft


def _items(draft: Draft, raw: Raw, part: str) -> Iterator[tuple[str, Any]]:
    value = raw.data.get(part)
    if isinstance(value, dict):
        yield from value.items()
    elif value is not None:
        draft.problems.append((raw.mark((part,), False), f"`{part}` must be a mapping of names"))


def _no_others(draft: Draft, raw: Raw, where: Where, data: dict[str, Any], known: Iterable[str]) -> None:
    for key in data:
        if key not in known:
            draft.problems.append((raw.mark((*where, key), True), f"unknown key '{key}'" + did_you_mean(key, known)))


def _type(draft: Draft, raw: Raw, name: str, value: Any) -> None:
    where: Where = ("types", name)
    if not isinstance(value, dict) or not isinstance(value.get("closed", False), bool):
        draft.problems.append((raw.mark(where, False), "a type is written {closed: true} or {closed: false}"))
        return
    _no_others(draft, raw, where, value, ("closed",))
    info = TypeInfo(value.get("closed", False))
    if draft.types.setdefault(name, info) != info:
        draft.problems.append((raw.mark(where, True), f"the type '{name}' is described twice, differently: keep one"))
    draft.places.setdefault(where, raw.mark(where, True))


def _entity(draft: Draft, raw: Raw, name: str, value: Any) -> None:
    where: Where = ("entities", name)
    given = {"type": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not isinstance(given.get("type"), str) or not given["type"]:
        draft.problems.append((raw.mark(where, False), f"say of what type '{name}' is, such as `{name}: city`"))
        draft.owners.setdefault(name, name)  # so that its facts are not called wrong too
        return
    _no_others(draft, raw, where, given, ("type", "aliases", "private"))
    private = given.get("private", False)
    if not isinstance(private, bool):
        draft.problems.append((raw.mark((*where, "private"), False), "`private` is true or false"))
    aliases = _texts(draft, raw, (*where, "aliases"), given.get("aliases", []))
    entity = Entity(name, given["type"], tuple(dict.fromkeys(alias for alias, _ in aliases)), private is True)
    before = draft.entities.get(name)
    if before is not None and before.type != entity.type:
        message = f"'{name}' is declared twice, as {before.type} and as {entity.type}: give one of them another name"
        draft.problems.append((raw.mark(where, True), message))
        return
    if before is not None:
        both = tuple(dict.fromkeys((*before.aliases, *entity.aliases)))
        entity = Entity(name, entity.type, both, before.private or entity.private)
    draft.entities[name] = entity
    _own(draft, entity, name, raw.mark(where, True))
    for alias, place in aliases:
        if alias == name:
            draft.problems.append((raw.mark(place, False), f"the alias '{alias}' is the name itself: remove it"))
        else:
            _own(draft, entity, alias, raw.mark(place, False))


def _own(draft: Draft, entity: Entity, name: str, mark: Mark) -> None:
    """A name belongs to one entity; within a type, also a name that differs in case and accents only."""
    if not normalise(name).strip():
        draft.problems.append((mark, "a name must not be empty"))
        return
    owner = draft.owners.setdefault(name, entity.name)
    if owner == entity.name:
        owner = draft.alike.setdefault((entity.type, normalise(name)), entity.name)
    if owner != entity.name:
        taken = "another entity has the name" if name == owner else f"it is a name of '{owner}' already"
        message = f"'{name}' cannot be told apart in an answer, {taken}: choose another name"
        draft.problems.append((mark, message))


def _relation(draft: Draft, raw: Raw, name: str, value: Any) -> None:
    where: Where = ("relations", name)
    if not isinstance(value, dict):
        draft.problems.append(
            (raw.mark(where, False), f"the relation '{name}' must be a mapping with `ask` and others")
        )
        return
    _no_others(draft, raw, where, value, [*(one.name for one in fields(Relation) if one.name != "name"), "within"])
    given: dict[str, Any] = {}
    for key in _TEXTS:
        worded = _texts(draft, raw, (*where, key), value.get(key, []))
        given[key] = tuple(text for text, _ in worded)
        for i, (text, place) in enumerate(worded):
            _slots(draft, raw, place, key, text)
            draft.places.setdefault((*where, key, i), raw.mark(place, False))
    for key in _TEXT:
        text = value.get(key, "")
        if not isinstance(text, str):
            draft.problems.append((raw.mark((*where, key), False), f"`{key}` must be one text"))
        elif text:
            given[key] = text
            _slots(draft, raw, (*where, key), key, text)
            draft.places.setdefault((*where, key, 0), raw.mark((*where, key), False))
    for key in ("many", "symmetric", "within"):
        given[key] = value.get(key, False)
        if not isinstance(given[key], bool):
            draft.problems.append((raw.mark((*where, key), False), f"`{key}` is true or false"))
    within = given.pop("within") is True
    if within and given["symmetric"] is True:
        message = "`within` beside `symmetric`: two things cannot lie within each other"
        draft.problems.append((raw.mark((*where, "within"), True), message))
    given["via"] = tuple(text for text, _ in _texts(draft, raw, (*where, "via"), value.get("via", [])))
    inverse_of = value.get("inverse_of")
    if inverse_of is not None and not isinstance(inverse_of, str):
        draft.problems.append((raw.mark((*where, "inverse_of"), False), "`inverse_of` is the name of a relation"))
        inverse_of = None
    relation = Relation(name, inverse_of=inverse_of, **given)
    alike = draft.relations.setdefault(name, relation) == relation
    if draft.within.setdefault(name, within) != within or not alike:
        message = f"the relation '{name}' is defined twice, differently: keep one, or give this one another name"
        draft.problems.append((raw.mark(where, True), message))
    for key in ("inverse_of", "via"):
        draft.places.setdefault((*where, key), raw.mark((*where, key), False))


def _levels(draft: Draft, raw: Raw) -> None:
    """The levels of the hierarchy, by the types of their entities."""
    if "levels" not in raw.data:
        return
    found: dict[str, None] = {}
    for level, place in _texts(draft, raw, ("levels",), raw.data["levels"]):
        if level in found:
            draft.problems.append((raw.mark(place, False), f"the level '{level}' is given twice: keep one"))
        found[level] = None
        draft.places.setdefault(("levels", level), raw.mark(place, False))
    if draft.levels and draft.levels != tuple(found):
        draft.problems.append((raw.mark(("levels",), True), "`levels` are given twice, differently: keep one"))
    draft.levels = draft.levels or tuple(found)


def _slots(draft: Draft, raw: Raw, where: Where, key: str, text: str) -> None:
    """Every placeholder that a wording needs stands in it, and no other."""
    needed = _SLOTS.get(key, {"subject", "object"})
    allowed = {"subject", "object"} if key == "answer" else needed
    found = _SLOT.findall(text)
    for name in dict.fromkeys(found):
        if name not in allowed:
            known = " and ".join(f"{{{slot}}}" for slot in sorted(allowed, reverse=True))
            draft.problems.append((raw.mark(where, False), f"unknown placeholder {{{name}}}: `{key}` takes {known}"))
    for name in sorted(needed - set(found), reverse=True):
        draft.problems.append((raw.mark(where, False), f"`{key}` must contain {{{name}}}, else it asks about nothing"))


def _references(draft: Draft) -> None:
    """What relations and types say of others that may have been defined later."""
    kinds = {entity.type for entity in draft.entities.values()}
    for name in draft.types:
        if name not in kinds:
            message = f"no entity is of the type '{name}'" + did_you_mean(name, kinds)
            draft.problems.append((draft.places["types", name], message))
    for relation in draft.relations.values():
        named = [("via", other) for other in relation.via]
        if relation.inverse_of is not None:
            named.append(("inverse_of", relation.inverse_of))
        for key, other in named:
            if other not in draft.relations:
                message = f"`{key}` names an unknown relation '{other}'" + did_you_mean(other, draft.relations)
                draft.problems.append((draft.places["relations", relation.name, key], message))


def _stated(draft: Draft, raw: Raw) -> Iterator[tuple[Raw, tuple[Any, Any, Any], tuple[tuple[Where, bool], ...]]]:
    """Subject, relation and object of each fact, and where each of them stands."""
    facts = raw.data.get("facts")
    if isinstance(facts, list):
        for i, fact in enumerate(facts):
            where: Where = ("facts", i)
            if not isinstance(fact, list) or len(fact) != 3:
                draft.problems.append((raw.mark(where, False), "a fact is written [subject, relation, object]"))
            else:
                yield raw, (fact[0], fact[1], fact[2]), tuple(((*where, place), False) for place in range(3))
    elif isinstance(facts, dict):
        for relation, pairs in facts.items():
            if relation == "file" and not isinstance(pairs, dict):
                _texts(draft, raw, ("facts", "file"), pairs)  # the tables themselves are read as mappings of their own
                continue
            if not isinstance(pairs, dict):
                message = f"facts of '{relation}' are written {{subject: object}} or {{subject: [object, object]}}"
                draft.problems.append((raw.mark(("facts", relation), False), message))
                continue
            for subject, objects in pairs.items():
                where = ("facts", relation, subject)
                several = isinstance(objects, list)
                for i, object in enumerate(objects if several else [objects]):
                    place = (*where, i) if several else where
                    yield raw, (subject, relation, object), ((where, True), (("facts", relation), True), (place, False))
    elif facts is not None:
        message = "`facts` must be a list of [subject, relation, object], a mapping of relations, or {file: facts.csv}"
        draft.problems.append((raw.mark(("facts",), False), message))


def _fact(draft: Draft, raw: Raw, words: tuple[Any, Any, Any], places: tuple[tuple[Where, bool], ...]) -> None:
    sound = True
    for word, place, kind in zip(words, places, ("entity", "relation", "entity"), strict=True):
        known = draft.relations.keys() if kind == "relation" else draft.owners.keys()
        if not isinstance(word, str):
            draft.problems.append((raw.mark(*place), f"expected the name of the {kind}: put it in quotes"))
        elif word not in known:
            draft.problems.append((raw.mark(*place), f"unknown {kind} '{word}'" + nearest(word, known)))
        else:
            continue
        sound = False
    if sound:
        subject, relation, object = words
        fact = Fact(draft.owners[subject], relation, draft.owners[object])
        if fact not in draft.facts:
            draft.facts[fact] = raw.mark(*places[2])


def _given_away(draft: Draft) -> None:
    """Wordings that name one of their answers: put about it, they would ask for what they say."""
    subjects: dict[str, dict[str, None]] = {name: {} for name in draft.relations}
    objects: dict[str, dict[str, None]] = {name: {} for name in draft.relations}
    for fact in draft.facts:
        both = draft.relations[fact.relation].symmetric
        subjects[fact.relation] |= dict.fromkeys((fact.subject, fact.object) if both else (fact.subject,))
        objects[fact.relation] |= dict.fromkeys((fact.subject, fact.object) if both else (fact.object,))
    for relation in draft.relations.values():
        for key, answers in (("ask", objects), ("noun", objects), ("inverse", subjects), ("inverse_noun", subjects)):
            entities = [draft.entities[name] for name in answers[relation.name] if name in draft.entities]
            owners = {name: entity.name for entity in entities for name in entity.names}
            texts = getattr(relation, key)
            for i, text in enumerate([texts] if isinstance(texts, str) else texts):
                for name in dict.fromkeys(name for _, _, name in find_names(_SLOT.sub("_", text), tuple(owners))):
                    whose = "" if owners[name] == name else f", a name of '{owners[name]}',"
                    message = f"'{name}'{whose} is an answer to this wording, which must not name it: say it otherwise"
                    draft.problems.append((draft.places["relations", relation.name, key, i], message))


def _texts(draft: Draft, raw: Raw, where: Where, value: Any) -> list[tuple[str, Where]]:
    """One text or a list of texts, each with its place."""
    if isinstance(value, str):
        return [(value, where)] if value else []
    if not isinstance(value, list):
        draft.problems.append((raw.mark(where, False), f"`{where[-1]}` must be a text or a list of texts"))
        return []
    for i, text in enumerate(value):
        if not isinstance(text, str):
            draft.problems.append((raw.mark((*where, i), False), f"`{where[-1]}` must hold texts: put it in quotes"))
        elif not text:
            draft.problems.append((raw.mark((*where, i), False), f"`{where[-1]}` holds an empty text: remove it"))
    return [(text, (*where, i)) for i, text in enumerate(value) if isinstance(text, str) and text]
