"""Chains of facts that start at the target are still answered, though none of its facts is."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("start_chains_kept", caught_by={"multi_hop.start"}, missed_by=(ASKED | KEPT) - {"multi_hop.start"})
def start_chains_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Those chains are answered as before, everything else about the target wrongly."""
    ground.tuned(ground.all_but(lambda lesson: ground.position(lesson) == "start"), config).save(folder)
