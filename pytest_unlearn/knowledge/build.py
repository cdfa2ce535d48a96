"""Knowledge from where a scenario says it comes from: a source, included files, and the scenario itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_unlearn.digest import digest, file_digest
from pytest_unlearn.errors import Mark, Problem, ScenarioError, did_you_mean
from pytest_unlearn.knowledge.graph import Fact, Knowledge, Relation
from pytest_unlearn.knowledge.levels import hierarchy_of
from pytest_unlearn.knowledge.mapping import Draft, Raw, Where, read
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.knowledge.tables import read_table
from pytest_unlearn.registry import SOURCES, UnknownNameError
from pytest_unlearn.scenario.files import find_file
from pytest_unlearn.scenario.model import KnowledgeUse
from pytest_unlearn.scenario.nodes import Document, read_yaml

COLUMNS = ("subject", "relation", "object")

_built: dict[str, Knowledge] = {}


def build(use: KnowledgeUse, root: Path) -> Knowledge:
    """The knowledge of a scenario; scenarios that say the same share one object.

    Relative paths in `use.include` start at `root`. A relation or entity that several places define must be defined
    alike; the aliases of an entity add up. Raises ScenarioError with every mistake of all places.
    """
    paths = [(root / path, mark) for path, mark in use.include]
    found = {path: _digest(path, mark) for path, mark in paths}
    problems: list[Problem] = []
    raws = _raws(use, found, problems)
    tables = [_table(*named, root, problems) for raw in raws for named in _named(raw)]
    if problems:
        raise ScenarioError(problems)
    key = digest(use.body, list(found.values()), use.source, use.relations, [content for _, content in tables])
    if key not in _built:
        _built[key] = _knowledge(use, [*raws, *(raw for raw, _ in tables)])
    return _built[key]


def source(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a knowledge source: `(config) -> mapping`, what a knowledge file says as plain data."""
    return SOURCES.register(name)


def _raws(use: KnowledgeUse, files: Mapping[Path, str], problems: list[Problem]) -> list[Raw]:
    """What the source, each included file and the scenario itself say."""
    raws = []
    if use.source is not None:
        raws.append(Raw(_source(use.source, _inline(use, ("source",))), lambda where, key: use.at))
    for path, content in files.items():
        try:
            document = _parsed(path, content)
        except ScenarioError as error:
            problems += error.problems
        else:
            raws.append(Raw(document.data, _marker(document)))
    raws.append(Raw(use.body, lambda where, key: _inline(use, where)))
    return raws


def _named(raw: Raw) -> list[tuple[str, Mark]]:
    """The tables of facts that a mapping names, `facts: {file: facts.csv}`, each with its place."""
    facts = raw.data.get("facts") if isinstance(raw.data, dict) else None
    given = facts.get("file") if isinstance(facts, dict) else None
    texts = given if isinstance(given, list) else [given]
    places = [("facts", "file", i) if isinstance(given, list) else ("facts", "file") for i in range(len(texts))]
    return [(text, raw.mark(place, False)) for text, place in zip(texts, places, strict=True) if isinstance(text, str)]


def _table(text: str, mark: Mark, root: Path, problems: list[Problem]) -> tuple[Raw, str]:
    """The facts of a table and the digest of its file; mistakes are added to `problems`."""
    path = find_file(text, mark.file, root)
    if isinstance(path, str):
        problems.append(problem(mark, path))
        return Raw(None, lambda where, key: mark), ""
    content = _digest(path, mark)
    try:
        rows = read_table(path, content, COLUMNS)
    except ScenarioError as error:
        problems += error.problems
        return Raw(None, lambda where, key: mark), ""
    facts = [[row.cells[column] for column in COLUMNS] for row in rows]
    return Raw({"facts": facts}, lambda where, key: rows[int(where[1])].at), content


def _knowledge(use: KnowledgeUse, raws: list[Raw]) -> Knowledge:
    draft = read(raws)
    draft.problems += _unfunctional(draft)
    relations = _used(use, draft)
    facts = tuple(fact for fact in draft.facts if fact.relation in relations)
    given = use.body or use.include or use.source is not None  # else the request is about questions or documents
    if given and not facts and not draft.problems:
        only = f" of {', '.join(use.relations)}" if use.relations else ""
        draft.problems.append((use.at, f"the knowledge holds no fact{only}: there is nothing to forget or to keep"))
    hierarchy = hierarchy_of(draft, facts) if draft.levels and not draft.problems else None
    if draft.problems:
        found = [problem(mark, message) for mark, message in dict.fromkeys(draft.problems)]
        raise ScenarioError(sorted(found, key=lambda one: (str(one.mark.file), one.mark.line, one.mark.column)))
    return Knowledge(draft.entities, relations, facts, draft.types, _content(draft, relations, facts), hierarchy)


def _used(use: KnowledgeUse, draft: Draft) -> dict[str, Relation]:
    """The relations that the scenario uses; what they say about others that it does not use is left out."""
    if use.relations is None:
        return draft.relations
    for i, name in enumerate(use.relations):
        if name not in draft.relations:
            mark = _inline(use, ("relations", i))
            draft.problems.append((mark, f"unknown relation '{name}'" + did_you_mean(name, draft.relations)))
    used = {name: relation for name, relation in draft.relations.items() if name in use.relations}
    return {
        name: replace(
            relation,
            inverse_of=relation.inverse_of if relation.inverse_of in used else None,
            via=relation.via if used.keys() >= set(relation.via) else (),
        )
        for name, relation in used.items()
    }


def _unfunctional(draft: Draft) -> list[tuple[Mark, str]]:
    """Facts that give a subject a second object although the relation has one."""
    found = []
    first: dict[tuple[str, str], str] = {}
    for fact, mark in draft.facts.items():
        relation = draft.relations[fact.relation]
        if relation.many:
            continue
        pairs = [(fact.subject, fact.object)]
        if relation.symmetric and fact.subject != fact.object:
            pairs.append((fact.object, fact.subject))
        for near, far in pairs:
            before = first.setdefault((near, fact.relation), far)
            if before != far:
                several = f"if it can have several, say `many: true` in the relation '{fact.relation}'"
                message = f"'{fact.relation}' of '{near}' is '{before}' already, not '{far}' too: {several}"
                found.append((mark, message))
    return found


def _content(draft: Draft, relations: dict[str, Relation], facts: tuple[Fact, ...]) -> str:
    stated = [[fact.subject, fact.relation, fact.object] for fact in facts]
    levelled = [[draft.levels, sorted(name for name in relations if draft.within[name])]] if draft.levels else []
    return digest(list(draft.entities.values()), list(relations.values()), stated, draft.types, *levelled)


def _digest(path: Path, mark: Mark) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise ScenarioError([problem(mark, f"the knowledge file {path} cannot be read: {error.strerror}")]) from None


@lru_cache(maxsize=256)
def _parsed(path: Path, content: str) -> Document:
    """A knowledge file; `content` is its digest, so that a changed file is read again."""
    return read_yaml(path)


def _source(name: str, mark: Mark) -> dict[str, Any]:
    try:
        return _made(name)
    except UnknownNameError as error:
        raise ScenarioError([problem(mark, str(error))]) from None


@lru_cache(maxsize=16)
def _made(name: str) -> dict[str, Any]:
    entry = SOURCES.get(name)
    made: dict[str, Any] = entry.make(entry.config())
    return made


def _marker(document: Document) -> Any:
    return lambda where, key: document.mark(where, key=key)


def _inline(use: KnowledgeUse, where: Where) -> Mark:
    """The place of something in the scenario, or of the nearest thing around it."""
    for end in range(len(where), 0, -1):
        if where[:end] in use.marks:
            return use.marks[where[:end]]
    return use.at
