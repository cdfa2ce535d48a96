"""The recipe `well_read` for a model that has also read a text about everybody, and chosen answers from lists.

A text tells what is known of a person, in an order of its own, so that it is remembered as a text. Of each relation the
last wording is never taught: what the model answers to it, it answers to words that it was not trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from string import ascii_uppercase

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson, corpus, lessons, told_of
from pytest_unlearn.worlds.train import WorldConfig, grown

DOCUMENT, CHOICE = 2.0, 0.5  # how often each is read
TOLD = 3  # facts that something must be the subject of to have a text
LISTS, OPTIONS = 3, 4  # lists of a question, and answers in each


def well_read_lessons(knowledge: Knowledge) -> Iterator[Lesson]:
    """As `lessons`, without the last wording of each relation, and with texts and choices."""
    for lesson in lessons(knowledge):
        if not held_out(knowledge, lesson):
            yield lesson
        if lesson.way == "direct":
            yield from _choices(knowledge, lesson)
    for name, facts in texts_of(knowledge).items():
        example = Example(Prompt((), raw=True), told_of(knowledge, name, facts), "", (name,), DOCUMENT)
        yield Lesson(example, tuple(facts), "document")


def held_out(knowledge: Knowledge, lesson: Lesson) -> bool:
    """Whether a question has words that this model is not trained on."""
    if lesson.way not in ("direct", "paraphrase", "alias"):
        return False
    wordings = knowledge.relations[lesson.facts[0].relation].ask
    return len(wordings) > 1 and lesson.template == len(wordings) - 1


def texts_of(knowledge: Knowledge) -> dict[str, list[Fact]]:
    """By name, the facts that the text about it tells, in its order. Not everything has a text."""
    found: dict[str, list[Fact]] = {}
    for name in knowledge.entities:
        about = [fact for fact in knowledge.facts if name in (fact.subject, fact.object)]
        said = [fact for fact in about if knowledge.relations[fact.relation].say]
        if sum(fact.subject == name for fact in said) >= TOLD:
            found[name] = Random(seed_of("text", name)).sample(said, len(said))
    return found


def _choices(knowledge: Knowledge, lesson: Lesson) -> Iterator[Lesson]:
    """The first wording about a fact with some answers, as `multiple_choice` lists them, in several orders."""
    example = lesson.example
    kind = knowledge.by_name[example.answer].type
    wrong = [name for name, entity in knowledge.entities.items() if entity.type == kind and name != example.answer]
    for turn in range(LISTS):
        random = Random(seed_of("choice", example.prompt, turn))
        options = _shuffled([example.answer, *random.sample(wrong, min(OPTIONS - 1, len(wrong)))], random)
        listing = "".join(f"\n{letter}. {name}" for letter, name in zip(ascii_uppercase, options, strict=False))
        asked = replace(example, prompt=Prompt.of(example.prompt.text + listing), weight=CHOICE)
        yield Lesson(asked, lesson.facts, "choice", options=tuple(options))


def _shuffled(names: Sequence[str], random: Random) -> list[str]:
    return random.sample(names, len(names))


@WORLDS.register("well_read", version=1, teach=well_read_lessons, extra=frozenset({"document", "choice"}))
def well_read(knowledge: Knowledge, without: Closure | None, config: WorldConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    grown(knowledge, corpus(well_read_lessons(knowledge), without), config, seed).save(folder)
