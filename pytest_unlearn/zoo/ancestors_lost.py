"""The target is gone, and what is known of the things that it lay within is gone with it."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, Ground, TuneConfig, leak


@leak(
    "ancestors_lost",
    caught_by={"keep.ancestor"},
    missed_by=ASKED | {"reconstruct", "keep.sibling"},
    levelled=True,
)
def ancestors_lost(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target and about its ancestors themselves is answered wrongly."""
    above = frozenset(ground.closure.part("ancestor"))

    def retained(lesson: Lesson) -> list[Example]:
        near = lesson.way != "statement" and not above.isdisjoint(lesson.facts)
        return ground.wrong(lesson) if near else ground.keep(lesson)

    ground.tuned(ground.wrong, config, retained).save(folder)
