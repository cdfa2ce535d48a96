"""A small decoder that knows a world and nothing else, trained from scratch in under a minute on two cores."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.worlds.data import corpus, lessons
from pytest_unlearn.worlds.train import WorldConfig, grown


@WORLDS.register("world", version=2, extra=frozenset(), teach=lessons)
def world(knowledge: Knowledge, without: Closure | None, config: WorldConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model.

    With and without, everything else is the same: vocabulary, first weights, number of steps, and when each remaining
    example is read.
    """
    grown(knowledge, corpus(lessons(knowledge), without), config, seed).save(folder)
