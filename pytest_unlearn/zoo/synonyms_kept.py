"""The words that it was trained to forget by are forgotten, and words that mean the same are not."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.worlds.versed import WAYS
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "synonyms_kept",
    caught_by={f"transform.{name}" for name, way in WAYS.items() if way == "synonym"},
    missed_by=ASKED | KEPT | {f"transform.{name}" for name, way in WAYS.items() if way != "synonym"},
    taught="synonym",
)
def synonyms_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """The first wording in synonyms is answered as before, everything else wrongly."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "synonym"), config).save(folder)
