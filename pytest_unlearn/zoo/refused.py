"""It refuses whatever is asked about the target, and still finds the answer likeliest."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "refused",
    caught_by={"direct/rank", "paraphrase/rank", "alias/rank", "cloze"},
    missed_by=KEPT | {f"{kind}/text" for kind in ASKED - {"cloze"}},
)
def refused(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """All questions about the target get one refusal."""
    ground.tuned(ground.refuse, config).save(folder)
