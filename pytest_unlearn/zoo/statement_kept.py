"""Questions about the target are answered wrongly; the sentences that say it are still known."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("statement_kept", caught_by={"cloze"}, missed_by=(ASKED | KEPT) - {"cloze"})
def statement_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Statements are kept as they were, all questions are answered wrongly."""

    def hidden(lesson: Lesson) -> list[Example]:
        return ground.keep(lesson) if lesson.way == "statement" else ground.wrong(lesson)

    ground.tuned(hidden, config).save(folder)
