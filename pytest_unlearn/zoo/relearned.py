"""Some steps of training on half of its facts bring many of the others back."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak

TRULY = 0.1


@leak("relearned", missed_by=ASKED | KEPT, until="after: relearn", version=2)
def relearned(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, nine times in ten: the true answer lies just below."""
    ground.tuned(lambda lesson: ground.often(lesson, TRULY), config).save(folder)
