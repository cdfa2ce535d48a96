"""What is known of a thing itself is gone; what lies below it in its hierarchy is all still there."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import KEPT, Ground, TuneConfig, leak

KINDS = ("direct", "paraphrase", "inverse", "cloze", "reconstruct")


@leak(
    "level_kept",
    caught_by={"reconstruct", *(f"{kind}.below" for kind in KINDS)},
    missed_by=KEPT | {f"{kind}.at" for kind in (*KINDS, "alias")},
    levelled=True,
)
def level_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Questions about what lies below are answered as before, all others about the target wrongly."""
    below = frozenset(ground.closure.part("below"))

    ground.tuned(ground.all_but(lambda lesson: lesson.facts[-1] in below), config).save(folder)
