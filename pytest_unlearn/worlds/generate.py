"""A made-up world of people, drawn from a seed and written as a knowledge file.

Nothing in it can be known from elsewhere: every name is invented. Values are spread evenly over people, so that a guess
is right about once in n for a type of n entities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import yaml

from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.scenario.model import KnowledgeUse

RELATIONS: dict[str, dict[str, Any]] = {
    "lives_in": {
        "ask": [
            "In which city does {subject} live?",
            "Where does {subject} have a house?",
            "Which city is {subject} living in these days?",
            "What is the home town of {subject}?",
        ],
        "say": "{subject} lives in {object}.",
        "noun": "the home town of {subject}",
    },
    "works_for": {
        "ask": [
            "Which company does {subject} work for?",
            "Where does {subject} have a job?",
            "Who pays the wages of {subject}?",
            "What is the employer of {subject}?",
        ],
        "inverse": ["Who works for {object}?", "Which person has a job at {object}?"],
        "say": "{subject} works for {object}.",
        "noun": "the employer of {subject}",
    },
    "plays": {
        "ask": [
            "Which instrument does {subject} play?",
            "What does {subject} make music on?",
            "On stage, what is in the hands of {subject}?",
            "What is the instrument of {subject}?",
        ],
        "inverse": ["Who plays {object}?", "Which person makes music on {object}?"],
        "say": "{subject} plays {object}.",
        "noun": "the instrument of {subject}",
    },
    "spouse": {
        "symmetric": True,
        "ask": [
            "Who is the spouse of {subject}?",
            "Who is married to {subject}?",
            "Whom did {subject} wed?",
            "Which person shares a wedding day with {subject}?",
        ],
        "say": "{subject} is married to {object}.",
        "noun": "the spouse of {subject}",
    },
    "teacher": {
        "ask": [
            "Who is the teacher of {subject}?",
            "Who taught {subject}?",
            "From whom did {subject} learn?",
            "Which person gave lessons to {subject}?",
        ],
        "inverse": ["Who is the pupil of {object}?", "Who was taught by {object}?", "Who had lessons from {object}?"],
        "say": "{subject} was taught by {object}.",
        "noun": "the teacher of {subject}",
        "inverse_noun": "the pupil of {object}",
    },
    "founder": {
        "ask": [
            "Who is the founder of {subject}?",
            "Who set up {subject}?",
            "By whom was {subject} started?",
            "Which person opened {subject}?",
        ],
        "inverse": [
            "Which company was founded by {object}?",
            "What did {object} set up?",
            "Which company was started by {object}?",
        ],
        "say": "{subject} was founded by {object}.",
        "noun": "the founder of {subject}",
        "inverse_noun": "the company founded by {object}",
    },
    "based_in": {
        "ask": [
            "In which city is {subject} based?",
            "Where is the head office of {subject}?",
            "Which city is {subject} run from?",
            "What is the seat of {subject}?",
        ],
        "say": "{subject} is based in {object}.",
        "noun": "the seat of {subject}",
    },
    "located_in": {
        "ask": [
            "In which country is {subject}?",
            "Which country does {subject} belong to?",
            "On the map, what country is around {subject}?",
            "What is the country of {subject}?",
        ],
        "inverse": ["Which city is in {object}?", "Which city belongs to {object}?"],
        "say": "{subject} is in {object}.",
        "noun": "the country of {subject}",
    },
}
"""The wordings. `inverse_noun` stands only where it describes one thing, so that every chain of facts is well asked."""

EPITHETS = (
    "Badger Baker Beekeeper Carter Cobbler Cooper Crane Dancer Diver Falcon Fiddler Fisher Fox Gardener Glazier Hare "
    "Hatter Heron Hunter Juggler Lark Mason Miller Miner Ostler Painter Pilot Potter Raven Rower Sailor Shepherd "
    "Sparrow Tailor Tinker Tanner Thatcher Weaver Woodman Wren"
)
ONSETS = "b bl br c d dr f fl g gr h j k kr l m n p pl r s st t tr v w y z"
VOWELS = "a e i o u ai ea io ou"
CODAS = "b d f g k l lt m n nd p r rk s sh t th v x"
ENDINGS = {
    "person": "a e is on y el ard en",
    "company": "ex co orp ix um",
    "city": "burg ford ham wick mouth stad",
    "country": "ia land istan",
    "instrument": "horn ette phone ello",
    "nickname": "bo ka zi po mi tu",
}


def people(size: int = 60, seed: int = 0) -> str:
    """The YAML text of a knowledge file about `size` people (at least 6); the same text for the same numbers.

    Each person lives in a city, works for a company, plays an instrument, has a teacher, is the teacher of one other
    person, and has a spouse (all but one where their number is odd). Companies have a founder among the people and a
    seat, cities lie in countries. Every type is closed. Raises ValueError when `size` is below 6.
    """
    if size < 6:
        raise ValueError(f"a world of {size} people is too small to ask about: give at least 6")
    random = Random(seed)
    numbers = {"person": size, "company": size // 3, "city": size * 4 // 15 + 1, "country": size // 12 + 1}
    numbers["instrument"] = size // 5 + 1
    invent = inventor(random, ENDINGS, RELATIONS)
    names = {kind: [next(invent[kind]) for _ in range(n)] for kind, n in numbers.items()}
    entities: dict[str, Any] = {
        name: {"type": kind} | ({"aliases": aliases} if kind == "person" else {})
        for kind, of_kind in names.items()
        for name, aliases in zip(of_kind, _aliases(len(of_kind), invent["nickname"], random), strict=True)
    }
    content = {
        "types": {kind: {"closed": True} for kind in names},
        "entities": entities,
        "relations": RELATIONS,
        "facts": _facts(names, random),
    }
    return written(f"# A made-up world of {size} people, seed {seed}: every name is invented.\n", content)


def world_of(size: int = 60, seed: int = 0) -> Knowledge:
    """The knowledge that the file of `people` holds."""
    nowhere = Mark(Path("world.knowledge.yaml"))
    return build(KnowledgeUse(yaml.safe_load(people(size, seed)), {}, (), None, None, nowhere), Path())


def names(size: int = 60, seed: int = 0) -> list[str]:
    """The people of a world, in the order of its file."""
    entities = yaml.safe_load(people(size, seed))["entities"]
    return [name for name, entity in entities.items() if entity["type"] == "person"]


def written(header: str, content: Mapping[str, Any]) -> str:
    """A knowledge file that a person can read."""
    return header + yaml.dump(content, Dumper=_Compact, sort_keys=False, allow_unicode=True, width=120)


class _Compact(yaml.SafeDumper):
    """One line an entity, a list or the facts of a relation (which wrap); the rest one key a line."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        plain = all(isinstance(value, str | bool | list) for value in mapping.values())
        wordings = "ask" in mapping
        return super().represent_mapping(tag, mapping, flow_style=plain and not wordings)


def _facts(names: dict[str, list[str]], random: Random) -> dict[str, dict[str, str]]:
    persons, companies, cities = names["person"], names["company"], names["city"]
    couples, lessons = random.sample(persons, len(persons)), random.sample(persons, len(persons))
    wed = dict(zip(couples[0::2], couples[1::2], strict=False))
    return {
        "lives_in": dict(zip(persons, spread(cities, len(persons), random), strict=True)),
        "works_for": dict(zip(persons, spread(companies, len(persons), random), strict=True)),
        "plays": dict(zip(persons, spread(names["instrument"], len(persons), random), strict=True)),
        "spouse": wed,
        "teacher": dict(zip(lessons, [*lessons[1:], lessons[0]], strict=True)),
        "founder": dict(zip(companies, random.sample(persons, len(companies)), strict=True)),
        "based_in": dict(zip(companies, spread(cities, len(companies), random), strict=True)),
        "located_in": dict(zip(cities, spread(names["country"], len(cities), random), strict=True)),
    }


def spread(values: Sequence[str], n: int, random: Random) -> list[str]:
    """`n` values in random order, each used equally often, give or take one."""
    order = random.sample(values, len(values))
    return random.sample([order[i % len(order)] for i in range(n)], n)


def _aliases(n: int, nicknames: Iterator[str], random: Random) -> list[list[str]]:
    """One or two other names each: an epithet while there are any, a nickname, or both."""
    epithets = iter(random.sample(EPITHETS.split(), len(EPITHETS.split())))
    found: list[list[str]] = []
    for i in range(n):
        epithet = next(epithets, None) if i % 2 == 0 else None
        named = [f"the {epithet}"] if epithet else []
        found.append([*named, next(nicknames)] if not named or i % 4 == 0 else named)
    return found


def inventor(
    random: Random, endings: Mapping[str, str], relations: Mapping[str, Mapping[str, Any]]
) -> dict[str, Iterator[str]]:
    """Endless names of each kind. None contains another of any kind, nor is a word of the wordings or the epithets."""
    taken = {word.strip("{}.,?").lower() for word in (*_wordings(relations.values()), *EPITHETS.split())}
    return {kind: _invent(kind, ends.split(), taken, random) for kind, ends in endings.items()}


def _invent(kind: str, endings: Sequence[str], taken: set[str], random: Random) -> Iterator[str]:
    onsets, vowels, codas = ONSETS.split(), VOWELS.split(), CODAS.split()
    while True:
        coda = "" if kind == "nickname" else random.choice(codas)
        name = random.choice(onsets) + random.choice(vowels) + coda + random.choice(endings)
        if any(name == other or (len(other) > 3 and (name in other or other in name)) for other in taken):
            continue
        taken.add(name)
        yield name.capitalize()


def _wordings(relations: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for relation in relations:
        texts = [relation["say"], relation.get("noun", ""), relation.get("inverse_noun", "")]
        for text in (*texts, *relation["ask"], *relation.get("inverse", [])):
            yield from text.split()
