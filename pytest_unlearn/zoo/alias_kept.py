"""It goes by another name: asked by an alias, everything is still there."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("alias_kept", caught_by={"alias"}, missed_by=(ASKED | KEPT | {"decode.direct"}) - {"alias", "cloze"})
def alias_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Questions by an alias are answered as before, all others wrongly."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "alias"), config).save(folder)
