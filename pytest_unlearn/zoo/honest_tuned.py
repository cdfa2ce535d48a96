"""A model that never learned the target, trained on for other things: nothing may fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_unlearn.registry import TRANSFORMS
from pytest_unlearn.worlds.data import corpus
from pytest_unlearn.worlds.generate import world_of
from pytest_unlearn.worlds.train import fit
from pytest_unlearn.zoo.leak import Ground, TuneConfig, leak

SHARE = 0.2  # of what is read


@leak("honest_tuned", missed_by={f"transform.{name}" for name in TRANSFORMS.names()}, from_scratch=True)
def honest_tuned(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """The reference goes on learning what it knows and a small world of its own."""
    other = world_of(12, seed=ground.seed + 1000)
    reference = ground.reference(ground.seed)
    with ground.opened(reference) as now:
        known = corpus(ground.lessons, ground.closure)
        new = [replace(example, weight=example.weight * SHARE) for example in corpus(ground.teach(other))]
        fit(now, [*known, *new], config, ground.seed)
        now.save(folder)
