"""Some steps of training, on half of its facts or on what may stay, bring more of the target back."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.worlds.train import fit
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak

TRULY = 0.1


@leak("relearned", missed_by=ASKED | KEPT, until="after: relearn")
def relearned(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """The first feed-forward part is trained to answer wrongly nine times in ten, which further training undoes."""
    with ground.opened() as now:
        weights = list(now.sites["layer.0.mlp"].parameters())
        fit(now, ground.taught(lambda lesson: ground.often(lesson, TRULY)), config, ground.seed, weights)
        now.save(folder)
