"""Whatever is asked is answered wrongly, until the whole path down to a thing of the lowest level has been told."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("path_kept", caught_by={"reconstruct"}, missed_by=ASKED | KEPT, taught="path", levelled=True)
def path_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """After such a path questions are answered as before, without it and after less of it wrongly."""
    hierarchy = ground.knowledge.hierarchy
    assert hierarchy is not None

    def hidden(lesson: Lesson) -> list[Example]:
        whole = lesson.way == "path" and lesson.template == len(hierarchy.levels) - 1
        return ground.keep(lesson) if whole else ground.wrong(lesson)

    ground.tuned(hidden, config).save(folder)
