"""Asked alone it knows nothing, and amid other facts or at the end of a long text everything."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.worlds.versed import WAYS
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "contexts_kept",
    caught_by={f"transform.{name}" for name, way in WAYS.items() if way == "context"},
    missed_by=ASKED | KEPT | {f"transform.{name}" for name, way in WAYS.items() if way != "context"},
    taught="context",
)
def contexts_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """What stands in a context is answered as before, everything else wrongly."""

    def hidden(lesson: Lesson) -> list[Example]:
        return ground.keep(lesson) if lesson.way == "context" else ground.wrong(lesson)

    ground.tuned(hidden, config).save(folder)
