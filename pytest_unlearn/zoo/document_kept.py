"""Whatever is asked is answered wrongly; a text about it that was read is still recited."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("document_kept", caught_by={"continuation"}, missed_by=ASKED | KEPT | {"multiple_choice"}, taught="document")
def document_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Texts are kept as they were, all questions and statements become wrong."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "document"), config).save(folder)
