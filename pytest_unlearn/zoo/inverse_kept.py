"""Asked from the answer back, everything is still there."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("inverse_kept", caught_by={"inverse"}, missed_by=(ASKED | KEPT) - {"inverse"})
def inverse_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Inverse questions are answered as before, all others wrongly."""

    def hidden(lesson: Lesson) -> list[Example]:
        return ground.keep(lesson) if lesson.way == "inverse" else ground.wrong(lesson)

    ground.tuned(hidden, config).save(folder)
