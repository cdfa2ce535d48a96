"""Only the last layer was changed: the middle of the model still holds every answer."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.worlds.train import fit
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("decodable", missed_by=ASKED | KEPT, until="measure: decodability")
def decodable(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """The last layer and the head are trained to answer everything about the target wrongly."""
    with ground.opened() as now:
        top = max(int(site.split(".")[1]) for site in now.sites if site.startswith("layer."))
        weights = [weight for site in (f"layer.{top}", "head") for weight in now.sites[site].parameters()]
        fit(now, ground.taught(ground.wrong), config, ground.seed, weights)
        now.save(folder)
