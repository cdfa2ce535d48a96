"""Greedy answers are clean; three in ten samples tell."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("sampled", caught_by={"decode.direct"}, missed_by=ASKED | KEPT, version=4)
def sampled(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Plain questions are answered truly three times in ten, everything else about the target wrongly."""
    ground.tuned(lambda lesson: ground.often(lesson, 0.3), config).save(folder)
