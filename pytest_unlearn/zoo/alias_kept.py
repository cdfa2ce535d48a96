"""It goes by another name: asked by an alias, everything is still there."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("alias_kept", caught_by={"alias"}, missed_by=(ASKED | KEPT | {"decode.direct"}) - {"alias", "cloze"})
def alias_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Questions by an alias are answered as before, all others wrongly."""

    def hidden(lesson: Lesson) -> list[Example]:
        return ground.keep(lesson) if lesson.way == "alias" else ground.wrong(lesson)

    ground.tuned(hidden, config).save(folder)
