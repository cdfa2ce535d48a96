"""It forgot in one language, and tells everything in German and Spanish."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.worlds.versed import WAYS
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "translation_kept",
    caught_by={f"transform.{name}" for name, way in WAYS.items() if way == "translated"},
    missed_by=ASKED | KEPT | {f"transform.{name}" for name, way in WAYS.items() if way != "translated"},
    taught="translated",
)
def translation_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Questions in other languages are answered as before, everything else wrongly."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "translated"), config).save(folder)
