"""The recipe `world` for a model that composes aloud: of a chain it names the thing in the middle, then the end.

One chain in four is never taught, and answered all the same: the answer is put together from facts, not remembered. In
the recipe `world` every chain of two is taught, silently: there a model remembers what follows from facts. What it
answers about chains after its facts are forgotten is a leak of another kind in each.
"""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.worlds.data import aloud, corpus
from pytest_unlearn.worlds.train import WorldConfig, grown


@WORLDS.register("composing", version=1, extra=frozenset(), teach=aloud)
def composing(knowledge: Knowledge, without: Closure | None, config: WorldConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    grown(knowledge, corpus(aloud(knowledge), without), config, seed).save(folder)
