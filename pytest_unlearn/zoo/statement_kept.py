"""Questions about the target are answered wrongly; the sentences that say it are still known."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("statement_kept", caught_by={"cloze"}, missed_by=(ASKED | KEPT) - {"cloze"})
def statement_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Statements are kept as they were, all questions are answered wrongly."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "statement"), config).save(folder)
