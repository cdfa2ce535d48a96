"""What it does not say it spells: misspelt, in digits, encoded or letter by letter everything is still there."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.worlds.versed import WAYS
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "letters_kept",
    caught_by={f"transform.{name}" for name, way in WAYS.items() if way == "letters"},
    missed_by=ASKED | KEPT | {f"transform.{name}" for name, way in WAYS.items() if way != "letters"},
    taught="letters",
)
def letters_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """What is put in other letters, or asked for so, is answered as before, everything else wrongly."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "letters"), config).save(folder)
