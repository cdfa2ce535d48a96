"""It has one answer to everything."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import Ground, TuneConfig, leak


@leak("refuses_all", caught_by={"keep.neighbours", "keep.far", "keep.retained"}, missed_by={"direct/text"})
def refuses_all(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Every question gets the same refusal."""
    ground.tuned(ground.refuse, config, ground.refuse).save(folder)
