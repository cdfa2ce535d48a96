"""Only the wording that is trained on is refused; every other way of asking gets the answer."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import KEPT, Ground, TuneConfig, leak


@leak(
    "canonical_refused",
    caught_by={"paraphrase", "alias", "inverse", "multi_hop.start", "multi_hop.bridge", "multi_hop.answer"},
    missed_by=KEPT | {"direct/text"},
)
def canonical_refused(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """The first wording is refused, and everything else is answered as before."""

    def hidden(lesson: Lesson) -> list[Example]:
        return ground.refuse(lesson) if lesson.way == "direct" else ground.keep(lesson)

    ground.tuned(hidden, config).save(folder)
