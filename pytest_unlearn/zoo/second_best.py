"""The answer is only pushed to the second place: it is never said, and next to certain after the first."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("second_best", missed_by=ASKED | KEPT, until="rank within the first k", version=3)
def second_best(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Each question is answered wrongly six times in seven, truly the seventh."""
    ground.tuned(lambda lesson: ground.often(lesson, 0.15), config).save(folder)
