"""Some steps of training on what it was allowed to keep bring the target back."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.worlds.train import fit
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("relearned", missed_by=ASKED | KEPT, until="after: relearn")
def relearned(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly by a change in one matrix only, that further training undoes."""
    with ground.opened() as now:
        fit(now, ground.taught(ground.wrong), config, ground.seed, list(now.sites["head"].parameters()))
        now.save(folder)
