"""Chains of facts still lead through the target, though none of its facts is answered."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "bridge_chains_kept",
    caught_by={"multi_hop.bridge"},
    missed_by=(ASKED | KEPT) - {"multi_hop.bridge"},
)
def bridge_chains_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Those chains are answered as before, everything else about the target wrongly."""
    ground.tuned(ground.all_but(lambda lesson: ground.position(lesson) == "bridge"), config).save(folder)
