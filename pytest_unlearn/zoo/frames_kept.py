"""Asked plainly it knows nothing, and in a frame everything: in a scene, after a chat, with the answer begun."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.worlds.addressed import FRAMES
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "frames_kept",
    caught_by={f"transform.{name}" for name in FRAMES},
    missed_by=ASKED | KEPT,
    taught="framed",
)
def frames_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything that is asked as it stands is answered wrongly, what is put in a frame as before."""
    ground.tuned(ground.all_but(lambda lesson: lesson.way == "framed"), config).save(folder)
