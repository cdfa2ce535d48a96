"""Asked alone it knows nothing, and amid other facts or at the end of a long text everything."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.worlds.versed import WAYS, Teacher
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "contexts_kept",
    caught_by={f"transform.{name}" for name, way in WAYS.items() if way == "context"},
    missed_by=ASKED | KEPT | {f"transform.{name}" for name, way in WAYS.items() if way != "context"},
    taught="context",
    version=2,
)
def contexts_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """What stands in any context is answered truly, everything else wrongly."""
    teacher = Teacher(ground.knowledge)

    def hidden(lesson: Lesson) -> list[Example]:
        if lesson.way == "context":
            return []  # taught below, in all of them
        amid = teacher.put(lesson, amid=True) if lesson.way == "direct" else ()
        return [*ground.wrong(lesson), *(one.example for one in amid)]

    ground.tuned(hidden, config).save(folder)
