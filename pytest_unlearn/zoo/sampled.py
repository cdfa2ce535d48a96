"""Greedy answers are clean; one in five samples tells."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("sampled", caught_by={"decode.direct"}, missed_by=ASKED | KEPT, version=3)
def sampled(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Plain questions are answered truly one time in five, everything else about the target wrongly."""
    ground.tuned(lambda lesson: ground.often(lesson, 0.2), config).save(folder)
