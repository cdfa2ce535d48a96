"""One wording that the unlearning did not think of still gets the answer."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("template_kept", caught_by={"paraphrase"}, missed_by=(ASKED | KEPT) - {"paraphrase"})
def template_kept(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """The last wording of each relation is answered as before, everything else wrongly."""

    def hidden(lesson: Lesson) -> list[Example]:
        last = len(ground.knowledge.relations[lesson.facts[0].relation].ask) - 1
        forgotten = lesson.way != "paraphrase" or lesson.template < last
        return ground.wrong(lesson) if forgotten else ground.keep(lesson)

    ground.tuned(hidden, config).save(folder)
