"""The recipe `world` with the architecture of GPT-2: learned positions, one matrix for queries, keys and values."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.worlds.data import corpus, lessons
from pytest_unlearn.worlds.train import WorldConfig, grown


@WORLDS.register("world_gpt2", version=1, extra=frozenset(), teach=lessons)
def world_gpt2(knowledge: Knowledge, without: Closure | None, config: WorldConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    grown(knowledge, corpus(lessons(knowledge), without), config, seed, "gpt2").save(folder)
