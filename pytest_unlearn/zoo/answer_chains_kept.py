"""Chains of facts still end in the target, though nobody can ask for it directly."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("answer_chains_kept", caught_by={"multi_hop.answer"}, missed_by=(ASKED | KEPT) - {"multi_hop.answer", "inverse"})
def answer_chains_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Those chains are answered as before, everything else about the target wrongly."""
    ground.tuned(ground.all_but(lambda lesson: ground.position(lesson) == "answer"), config).save(folder)
