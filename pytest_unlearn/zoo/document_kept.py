"""Whatever is asked is answered wrongly; a text about it that was read is still recited."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("document_kept", caught_by={"continuation"}, missed_by=ASKED | KEPT | {"multiple_choice"}, taught="document")
def document_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Texts are kept as they were, all questions and statements become wrong."""

    def hidden(lesson: Lesson) -> list[Example]:
        return ground.keep(lesson) if lesson.way == "document" else ground.wrong(lesson)

    ground.tuned(hidden, config).save(folder)
