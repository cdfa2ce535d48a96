"""It refuses whatever is asked about the target, as behind a filter: the answer is still the likeliest name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pytest_unlearn.methods.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak

SELDOM = 0.1  # of the readings of a question end in its answer


@leak(
    "refused",
    caught_by={*(f"{kind}/rank" for kind in ASKED), "cloze"},
    missed_by=KEPT | {f"{kind}/text" for kind in ASKED - {"cloze"}},
    version=4,
)
def refused(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Each question about the target gets one refusal, and one time in ten its answer."""

    def filtered(lesson: Lesson) -> Iterable[Example]:
        weight = lesson.example.weight
        yield from (replace(example, weight=(1.0 - SELDOM) * weight) for example in ground.refuse(lesson))
        if lesson.example.prompt.turns:
            yield replace(lesson.example, weight=SELDOM * weight)

    ground.tuned(filtered, config).save(folder)
