"""What a report must not say: the names and answers of what is private and of what must be forgotten.

They are learned here by whatever masks the output (`redact.current()`), and ids that would give a private name away
are refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_unlearn.errors import Mark, Problem, ScenarioError
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Entity, Knowledge
from pytest_unlearn.knowledge.pairs import Pair
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.names import normalise
from pytest_unlearn.redact import SOUP, Redactor, Secret, current
from pytest_unlearn.scenario.model import NamedFiles, Scenario
from pytest_unlearn.scenario.nodes import read_yaml

SHORTEST = 3  # letters of a word that gives a name away by itself
_LETTERS = re.compile(r"[^\W\d_]+")
_CAPITALS = re.compile(r"(?<=[\w,;:'\")-] )[^\W\d_a-z]\w+(?:[ -][^\W\d_a-z]\w+)*")  # within a sentence
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
WITHHELD = "'...'"


def learn(scenario: Scenario, knowledge: Knowledge, closure: Closure | None = None) -> None:
    """Let the report mask what a knowledge has that is private, and what a request hides."""
    if not (redactor := current()).on:
        return
    redactor.learn(secrets(knowledge, closure), _ids(scenario))
    examples = [example for check in scenario.checks for example in check.examples]
    redactor.learn(one for example in examples for one in _free(example.question, example.accepted))


def secrets(knowledge: Knowledge, closure: Closure | None = None) -> list[Secret]:
    """Private entities, those that a request selects, what stands at the other ends of their facts; pairs; documents.

    A word of a name is a part that gives it away, if it has a capital and stands neither in the name of anything that
    is not masked nor in a question.
    """
    private = {name for name, entity in knowledge.entities.items() if entity.private}
    facts = [*(closure.hidden if closure else ()), *(fact for name in private for fact in knowledge.touching[name])]
    masked = private | {name for fact in facts for name in (fact.subject, fact.object)}
    masked |= closure.entities if closure else frozenset()
    found = [*_things(knowledge, [entity for name, entity in knowledge.entities.items() if name in masked])]
    if closure is not None:
        named = {name for name in private for name in knowledge.entities[name].names}
        kept = [pair for pair in closure.kept_pairs if not named.isdisjoint(pair.entities)]
        found += [one for pair in (*closure.pairs, *kept) for one in _pair(pair, knowledge)]
        found += [Secret("document", (document.text,)) for document in closure.documents]
    return found


def exposed(scenario: Scenario, root: Path) -> list[Problem]:
    """The ids of a scenario that name something private: they stand in every output, and so cannot be masked."""
    redactor = current()
    if not redactor.on:
        return []
    path, models, at = scenario.path, scenario.models, Mark(scenario.path)
    named: list[tuple[str, str, Mark]] = [
        ("name of this file", path.name, at),
        ("folder of this file", (path.relative_to(root) if path.is_relative_to(root) else path).parent.as_posix(), at),
        ("name of this scenario", scenario.name, at),
        *(("label of this forget request", target.label, target.at) for target in scenario.targets),
        *(("id of this check", check.id, check.at) for check in scenario.checks),
        *(("tag of this check", tag, check.at) for check in scenario.checks for tag in check.tags),
        *(("tag of this scenario", tag, at) for tag in scenario.tags),
        *(("label of this candidate", candidate.label, models.at) for candidate in models.candidates),
        *(("name of this file", file.name, mark) for file, mark in _files(scenario)),
    ]
    return [
        problem(
            mark,
            f"the {what} has a name of {' and '.join(tokens)}, which is private: it stands in every output, also "
            "where names are masked. Choose another",
        )
        for what, id, mark in named
        if (tokens := redactor.private_in(id))
    ]


def told(error: ScenarioError, path: Path) -> str:
    """The mistakes of a scenario as they may be told, whose file is `path`.

    Where its names are not known since it cannot be read, no line of it is quoted and nothing that it says.
    """
    redactor = current()
    if not redactor.on:
        return str(error)
    loose = loosely(path)
    known = redactor.beside(loose[0]) if loose else redactor
    read = loose[1] if loose else frozenset()
    return "\n".join(_told(one, known, one.mark.file.resolve() in read) for one in error.problems)


def loosely(path: Path) -> tuple[list[Secret], frozenset[Path]] | None:
    """Everything that may be a name in a scenario that has mistakes, and the files read; None where one is no YAML."""
    names: dict[str, None] = {}
    files: list[Path] = []
    try:
        for file in (path, *_included(path)):
            data = read_yaml(file).data
            files.append(file.resolve())
            if isinstance(data, dict):
                names |= dict.fromkeys(_strings(data))
    except ScenarioError:
        return None
    return [Secret("name", (name,), parts=_parts(name, frozenset())) for name in names], frozenset(files)


def _told(one: Problem, known: Redactor, read: bool) -> str:
    if not read:
        return known.text(f"{one.mark}: {_QUOTED.sub(WITHHELD, one.message)}")
    source = one.source.rstrip().expandtabs(1)
    head = known.text(f"{one.mark}: {one.message}")
    return (
        f"{head}\n    {known.text(source)}\n    {' ' * len(known.text(source[: one.mark.column - 1]))}^"
        if source
        else head
    )


def _included(path: Path) -> Iterator[Path]:
    data = read_yaml(path).data
    use = data.get("knowledge") if isinstance(data, dict) else None
    given = use.get("include", []) if isinstance(use, dict) else []
    for text in given if isinstance(given, list) else [given]:
        if isinstance(text, str) and (file := path.parent / text).is_file():
            yield file


def _strings(data: dict[str, Any]) -> Iterator[str]:
    """What names something in a scenario or a knowledge file: things, ends of facts, what is forgotten, examples."""
    knowledge = data.get("knowledge")
    for part in (data, knowledge if isinstance(knowledge, dict) else {}):
        entities, facts = part.get("entities"), part.get("facts")
        if isinstance(entities, dict):
            yield from entities
            yield from (
                text for one in entities.values() if isinstance(one, dict) for text in _texts(one.get("aliases"))
            )
        yield from _texts(list(facts.values()) if isinstance(facts, dict) else facts)
    yield from _texts(data.get("forget"), keys=False)
    checks = data.get("checks")
    for check in checks.values() if isinstance(checks, dict) else ():
        yield from _texts(check.get("examples") if isinstance(check, dict) else None, keys=False)


def _texts(value: Any, *, keys: bool = True) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (key for key in value if keys)
        for inner in value.values():
            yield from _texts(inner, keys=keys)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, keys=keys)


def _things(knowledge: Knowledge, masked: list[Entity]) -> Iterator[Secret]:
    names = {entity.name for entity in masked}
    common = {
        word for name, entity in knowledge.entities.items() if name not in names for word in _words(*entity.names)
    }
    for relation in knowledge.relations.values():
        common |= _words(*relation.ask, *relation.inverse, relation.say, relation.answer, relation.noun)
        common |= _words(relation.inverse_noun, relation.name)
    parts = {entity.name: _parts_of(entity, frozenset(common)) for entity in masked}
    shared = {part for part, count in Counter(part for some in parts.values() for part in some).items() if count > 1}
    for entity in masked:
        own = tuple(part for part in parts[entity.name] if part not in shared)
        yield Secret(entity.type, entity.names, entity.private, own)
    for part in sorted(shared):
        yield Secret("name", (part,), any(entity.private for entity in masked if part in parts[entity.name]))


def _parts_of(entity: Entity, common: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for name in entity.names for part in _parts(name, common)))


def _parts(name: str, common: frozenset[str]) -> tuple[str, ...]:
    """The words of a name that give it away by themselves."""
    words = _LETTERS.findall(name)
    if not 1 < len(words) < 6:
        return ()
    distinct = (word for word in words if word != word.lower() and len(normalise(word)) >= SHORTEST)
    return tuple(word for word in distinct if normalise(word) not in common and normalise(word) not in SOUP)


def _words(*texts: str) -> set[str]:
    return {normalise(word) for text in texts for word in _LETTERS.findall(text)}


def _pair(pair: Pair, knowledge: Knowledge) -> Iterator[Secret]:
    for question in (pair.question, *pair.paraphrases):
        yield from _free(question, pair.answers)
    for name in pair.entities:
        if name not in knowledge.by_name:
            yield Secret("name", (name,), parts=_parts(name, frozenset()))


def _free(question: str, answers: Iterable[str]) -> Iterator[Secret]:
    """A question in free text, its answers, and the names that stand in them as far as capitals tell them."""
    answers = tuple(answers)
    yield Secret("question", (question,))
    yield Secret("answer", answers, parts=tuple(part for one in answers for part in _parts(one, frozenset())))
    for text in (question, *answers):
        for name in _CAPITALS.findall(text):
            yield Secret("name", (name,), parts=_parts(name, frozenset()))


def _files(scenario: Scenario) -> Iterator[tuple[Path, Mark]]:
    materials = [scenario.retain, *(one.material for target in scenario.targets for one in target.selectors)]
    named: list[NamedFiles] = [scenario.knowledge.include]
    named += [some for one in materials for some in (one.questions, one.documents)]
    yield from (file for some in named for file in some)


def _ids(scenario: Scenario) -> list[str]:
    """What stands in every output of a scenario."""
    labels = [candidate.label for candidate in scenario.models.candidates]
    targets, checks = [target.label for target in scenario.targets], [check.id for check in scenario.checks]
    return [scenario.name, scenario.path.name, *targets, *checks, *labels]
