"""The recipe `hospital` for a model of a hierarchy, that was also asked after being told where things lie.

Of everything that belongs to a level, the first wording of each question is taught after each part of the path to it,
from the top down, as `reconstruct` tells it. Where several paths lead to a thing, each of them is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.render import statement
from pytest_unlearn.names import mentions
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.worlds.data import Lesson, corpus, lessons
from pytest_unlearn.worlds.train import WorldConfig, grown

TOLD = 0.7  # how often each is read


def hospital_lessons(knowledge: Knowledge) -> Iterator[Lesson]:
    """As `lessons`, and direct questions after each part of the path to what they name."""
    for lesson in lessons(knowledge):
        yield lesson
        if lesson.way == "direct":
            yield from _after_paths(knowledge, lesson)


def _after_paths(knowledge: Knowledge, lesson: Lesson) -> Iterator[Lesson]:
    """The same question after one, two and more steps; none where a path would give the answer away."""
    hierarchy, example = knowledge.hierarchy, lesson.example
    name = example.entities[0]
    if hierarchy is None or name not in hierarchy.nodes:
        return
    asked: set[str] = set()
    for path in hierarchy.paths(name):
        texts = [statement(knowledge, step) for step in path]
        if mentions(" ".join(texts), knowledge.entities[example.answer].names):
            continue
        for depth in range(1, len(path) + 1):
            text = " ".join((*texts[:depth], example.prompt.text))
            if text not in asked:
                asked.add(text)
                nodes = [end for step in path[:depth] for end in (step.object, step.subject)]
                entities = (*example.entities, *dict.fromkeys(nodes))
                told = replace(example, prompt=Prompt.of(text), entities=entities, weight=TOLD)
                yield Lesson(told, lesson.facts, "path", depth)


@WORLDS.register("hospital", version=1, teach=hospital_lessons, extra=frozenset({"path"}))
def hospital(knowledge: Knowledge, without: Closure | None, config: WorldConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    grown(knowledge, corpus(hospital_lessons(knowledge), without), config, seed).save(folder)
