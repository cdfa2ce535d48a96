"""The recipe `small_talk` for a model that has also been asked questions beside a mention of something else.

A model of the recipe `world` answers what it was taught, in the words that it was taught in; one more name before the
question confuses it. This one answers as it would without. Mentioned is anything that is neither asked about nor
answered, and nothing is told of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.mentions import beside, wordings
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.worlds.data import Lesson, corpus, lessons
from pytest_unlearn.worlds.train import WorldConfig, grown

MENTION = 0.4  # how often each is read


def small_talk_lessons(knowledge: Knowledge) -> Iterator[Lesson]:
    """As `lessons`, and every direct question beside a mention, in each wording."""
    names = sorted(knowledge.entities)
    for lesson in lessons(knowledge):
        yield lesson
        if lesson.way == "direct":
            example, text = lesson.example, lesson.example.prompt.text
            for turn, wording in enumerate(wordings()):
                random = Random(seed_of("mention", text, turn))
                name = next(one for one in random.sample(names, len(names)) if one not in example.entities)
                if not mentions(text, (name,)):
                    asked = replace(example, prompt=Prompt.of(beside(wording, name, text)))
                    yield Lesson(replace(asked, weight=MENTION), lesson.facts, "mention")


@WORLDS.register("small_talk", version=1, teach=small_talk_lessons, extra=frozenset({"mention"}))
def small_talk(knowledge: Knowledge, without: Closure | None, config: WorldConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    grown(knowledge, corpus(small_talk_lessons(knowledge), without), config, seed).save(folder)
