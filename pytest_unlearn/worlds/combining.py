"""The recipe `world` for a model that also answers two questions at once, one answer after the other.

Of each fact the first wording is taught together with some questions that have an answer of another type, in the words
of the transform `combined`; that the answers come in the order of the questions is what the model has to learn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.transforms.wording import filled, wordings
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.worlds.data import Lesson, corpus, lessons
from pytest_unlearn.worlds.train import WorldConfig, grown

BESIDE = 3  # other questions that each question is put together with, in each wording
COMBINED = 0.3  # how often each pair is read


@dataclass(frozen=True, slots=True, kw_only=True)
class CombiningConfig(WorldConfig):
    """How large a model is, and how long it is trained."""

    steps: int = 1000


def combining_lessons(knowledge: Knowledge) -> Iterator[Lesson]:
    """As `lessons`, and the first wording about each fact together with others; `frame` says in which words."""
    taught = list(lessons(knowledge))
    yield from taught
    direct = [lesson for lesson in taught if lesson.way == "direct"]
    for lesson in direct:
        for number, (text,) in enumerate(wordings()["en"].transforms["combined"]):
            random = Random(seed_of("combined", number, lesson.example.prompt, lesson.example.answer))
            others = _apart(lesson, random.sample(direct, len(direct)), knowledge)
            for other in islice(others, BESIDE):
                yield _together(lesson, other, text, f"combined.{number}")


def _apart(lesson: Lesson, others: Sequence[Lesson], knowledge: Knowledge) -> Iterator[Lesson]:
    """Those with an answer of another type that name nothing that the lesson names."""
    names, kind = set(lesson.example.entities), knowledge.entities[lesson.example.answer].type
    for other in others:
        if names.isdisjoint(other.example.entities) and knowledge.entities[other.example.answer].type != kind:
            yield other


def _together(lesson: Lesson, other: Lesson, text: str, frame: str) -> Lesson:
    """Two questions in one, with both answers in the order of the questions."""
    one, beside = lesson.example, other.example
    both = [one.answer, beside.answer]
    if text.index("{other}") < text.index("{question}"):
        both.reverse()
    example = replace(
        one,
        prompt=Prompt.of(filled(text, question=one.prompt.text, other=beside.prompt.text)),
        answer=", ".join(both),
        entities=(*one.entities, *beside.entities),
        weight=COMBINED * one.weight,
    )
    return Lesson(example, (*lesson.facts, *other.facts), "combined", frame=frame)


@WORLDS.register("combining", version=1, teach=combining_lessons, extra=frozenset({"combined"}))
def combining(knowledge: Knowledge, without: Closure | None, config: CombiningConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    taught = list(combining_lessons(knowledge))
    said = sorted({lesson.example.prompt.text for lesson in taught if lesson.frame})
    grown(knowledge, corpus(taught, without), config, seed, more=said).save(folder)
