"""The target is gone, and what stands beside it in its hierarchy is gone with it."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, Ground, TuneConfig, leak


@leak(
    "siblings_lost",
    caught_by={"keep.sibling"},
    missed_by=ASKED | {"reconstruct", "keep.ancestor"},
    levelled=True,
)
def siblings_lost(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target, its siblings and what lies below these is answered wrongly."""
    beside = frozenset(ground.closure.part("sibling"))

    def retained(lesson: Lesson) -> list[Example]:
        near = lesson.way != "statement" and not beside.isdisjoint(lesson.facts)
        return ground.wrong(lesson) if near else ground.keep(lesson)

    ground.tuned(ground.wrong, config, retained).save(folder)
