"""Asked from the answer back, everything is still there."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("inverse_kept", caught_by={"inverse"}, missed_by=(ASKED | KEPT) - {"inverse"})
def inverse_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Inverse questions are answered as before, all others wrongly."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "inverse"), config).save(folder)
