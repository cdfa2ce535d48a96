"""A small decoder that knows a world and nothing else, trained from scratch in under a minute on two cores."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.registry import WORLDS
from pytest_unlearn.subjects.encode import Encoder
from pytest_unlearn.subjects.opened import OpenedModel
from pytest_unlearn.worlds.data import corpus, texts
from pytest_unlearn.worlds.train import WorldConfig, decoder, fit, tokenizer_of


@WORLDS.register("world", version=2)
def world(knowledge: Knowledge, without: Closure | None, config: WorldConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model.

    With and without, everything else is the same: vocabulary, first weights, number of steps, and when each remaining
    example is read.
    """
    tokenizer = tokenizer_of(texts(knowledge))
    opened = OpenedModel(decoder(tokenizer, config, seed), Encoder(tokenizer))
    fit(opened, corpus(knowledge, without), config, seed)
    opened.save(folder)
