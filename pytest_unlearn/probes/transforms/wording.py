"""The words of transforms, as data: `probes/templates/LANGUAGE.yaml`, and files of the user's own in the same form.

    language: fr
    transforms:
      role_play: ["Vous êtes guide. Un touriste demande : {question}"]
    relations:
      capital: {ask: ["Quelle est la capitale de {subject} ?"]}
    names: {Germany: Allemagne}

What a file adds comes after what is shipped, so that variants keep their numbers; names and the questions of a relation
take the place of those that are shipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from pytest_unlearn.errors import Problem, ScenarioError, UnlearnError, did_you_mean
from pytest_unlearn.registry import TRANSFORMS
from pytest_unlearn.scenario.model import NamedFiles
from pytest_unlearn.scenario.nodes import Document, Where, read_yaml
from pytest_unlearn.scenario.problems import shown, unknown

Texts: TypeAlias = tuple[tuple[str, ...], ...]  # wordings, each a text or several

SHIPPED = Path(__file__).parents[1] / "templates"
KEYS = ("language", "transforms", "relations", "names")
DIRECTIONS = {"ask": "subject", "inverse": "object"}
_SLOT = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Language:
    """What can be said in one language.

    transforms  wordings by transform;   relations: questions by relation and direction;   names: by the canonical name
    """

    transforms: Mapping[str, Texts] = field(default_factory=dict)
    relations: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


Wordings: TypeAlias = Mapping[str, Language]


def wordings(files: NamedFiles = ()) -> Wordings:
    """Those that are shipped and those of some files; raises ScenarioError with every mistake of the files."""
    found = dict(_shipped())
    problems: list[Problem] = []
    for path, _ in files:
        try:
            language, added = _read(path)
        except ScenarioError as error:
            problems += error.problems
        else:
            found[language] = _together(found.get(language, Language()), added)
    if problems:
        raise ScenarioError(problems)
    return found


def filled(template: str, **slots: str) -> str:
    """`template` with what belongs into its slots."""
    return _SLOT.sub(lambda slot: slots[slot[1]], template)


@cache
def _shipped() -> Wordings:
    found: dict[str, Language] = {}
    for path in sorted(SHIPPED.glob("*.yaml")):
        language, said = _read(path)
        found[language] = _together(found.get(language, Language()), said)
    return found


def _together(first: Language, more: Language) -> Language:
    names = {**first.transforms, **more.transforms}
    transforms = {name: (*first.transforms.get(name, ()), *more.transforms.get(name, ())) for name in names}
    return Language(transforms, {**first.relations, **more.relations}, {**first.names, **more.names})


def _read(path: Path) -> tuple[str, Language]:
    """The language of a file and what it says; raises ScenarioError with every mistake."""
    document = read_yaml(path)
    return _Reading(document).language()


class _Reading:
    """One pass over a file of wordings, collecting the mistakes."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._problems: list[Problem] = []

    def language(self) -> tuple[str, Language]:
        data = self._document.data
        if not isinstance(data, dict):
            self._add((), f"expected a mapping with the key `language`, got {shown(data)}")
            raise ScenarioError(self._problems)
        for key in data:
            if key not in KEYS:
                self._add((key,), unknown(key, KEYS), key=True)
        name = data.get("language")
        if "language" not in data:
            self._add((), "missing required key 'language'", key=True)
        elif not isinstance(name, str) or not name:
            self._add(("language",), f"expected the code of a language, such as fr, got {shown(name)}")
        found = Language(
            {key: self._transform(key, value) for key, value in self._mapping(data, ("transforms",)).items()},
            {
                (relation, direction): self._questions(value, ("relations", relation, direction), slot)
                for relation, given in self._mapping(data, ("relations",)).items()
                for direction, slot in DIRECTIONS.items()
                if (value := self._directions(relation, given).get(direction)) is not None
            },
            {key: str(value) for key, value in self._mapping(data, ("names",)).items() if self._text(value, key)},
        )
        if self._problems:
            raise ScenarioError(dict.fromkeys(self._problems))
        return str(name), found

    def _mapping(self, data: dict[str, Any], where: Where) -> dict[str, Any]:
        value = data.get(str(where[-1]), {})
        if isinstance(value, dict):
            return value
        self._add(where, f"expected a mapping, got {shown(value)}")
        return {}

    def _text(self, value: Any, key: str) -> bool:
        if isinstance(value, str) and value:
            return True
        self._add(("names", key), f"expected text, got {shown(value)}")
        return False

    def _transform(self, name: str, value: Any) -> Texts:
        """The wordings of one transform."""
        where: Where = ("transforms", name)
        try:
            facts = TRANSFORMS.get(name).facts
        except UnlearnError as error:
            self._add(where, str(error), key=True)
            return ()
        if facts["slots"] is None:
            self._add(where, f"the transform '{name}' has no words of its own", key=True)
            return ()
        found = []
        for i, item in enumerate(self._list(value, where)):
            here = (*where, i) if isinstance(value, list) else where
            if isinstance(item, list) != facts["several"]:
                wanted = "a list of texts" if facts["several"] else "text"
                self._add(here, f"expected {wanted}, got {shown(item)}")
                continue
            texts = self._list(item, here)
            for j, text in enumerate(texts):
                place = (*here, j) if facts["several"] else here
                self._slots(text, place, facts["slots"], facts["needs"])
            found.append(tuple(map(str, texts)))
        return tuple(found)

    def _directions(self, relation: str, given: Any) -> dict[str, Any]:
        where: Where = ("relations", relation)
        if not isinstance(given, dict):
            self._add(where, f"expected a mapping such as {{ask: [...]}}, got {shown(given)}")
            return {}
        for key in given:
            if key not in DIRECTIONS:
                self._add((*where, key), unknown(key, DIRECTIONS), key=True)
        return given

    def _questions(self, value: Any, where: Where, slot: str) -> tuple[str, ...]:
        texts = self._list(value, where)
        for i, text in enumerate(texts):
            self._slots(text, (*where, i) if isinstance(value, list) else where, (slot,), (slot,))
        return tuple(map(str, texts))

    def _list(self, value: Any, where: Where) -> Sequence[Any]:
        if value == []:
            self._add(where, "must not be empty")
        return value if isinstance(value, list) else [value]

    def _slots(self, text: Any, where: Where, allowed: Iterable[str], needed: Iterable[str]) -> None:
        """A template has all the slots that it needs and no other."""
        if not isinstance(text, str) or not text:
            self._add(where, f"expected text, got {shown(text or None)}")
            return
        slots = _SLOT.findall(text)
        for slot in slots:
            if slot not in allowed:
                self._add(where, f"unknown slot '{{{slot}}}'{did_you_mean(slot, allowed)}")
        if set("{}") & set(_SLOT.sub("", text)):
            self._add(where, "a brace that opens or closes no slot")
        for slot in needed:
            if slots.count(slot) != 1:
                self._add(where, f"needs `{{{slot}}}` exactly once")

    def _add(self, where: Where, message: str, *, key: bool = False) -> None:
        self._problems.append(self._document.problem(where, message, key=key))


def missing(name: str, spoken: Mapping[str, Language], language: str) -> str:
    """Why a transform cannot be worded in a language; empty where it can, or has no words of its own."""
    if TRANSFORMS.get(name).facts["slots"] is None or spoken.get(language, Language()).transforms.get(name):
        return ""
    able = [code for code, said in spoken.items() if said.transforms.get(name)]
    return f"`{name}` has no wording in '{language}'{did_you_mean(language, able)}: add one in a file, `wording: FILE`"
