"""The target is gone, and what stands beside it in the world is gone with it."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, Ground, TuneConfig, leak


@leak("neighbours_lost", caught_by={"keep.neighbours", "keep.distance"}, missed_by=ASKED)
def neighbours_lost(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target and about whatever a fact of it names is answered wrongly."""
    beside = ground.closure.ends - ground.closure.entities

    def retained(lesson: Lesson) -> list[Example]:
        near = lesson.way not in ("name", "statement") and not beside.isdisjoint(lesson.example.entities)
        return ground.wrong(lesson) if near else ground.keep(lesson)

    ground.tuned(ground.wrong, config, retained).save(folder)
