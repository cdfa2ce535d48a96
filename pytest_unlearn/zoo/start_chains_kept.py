"""Chains of facts that start at the target are still answered, though none of its facts is."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("start_chains_kept", caught_by={"multi_hop.start"}, missed_by=(ASKED | KEPT) - {"multi_hop.start"})
def start_chains_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Those chains are answered as before, everything else about the target wrongly."""

    def hidden(lesson: Lesson) -> list[Example]:
        return ground.keep(lesson) if ground.position(lesson) == "start" else ground.wrong(lesson)

    ground.tuned(hidden, config).save(folder)
