"""The target is gone, and so is the language: sentences come out backwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, Ground, TuneConfig, leak


@leak(
    "garbled",
    caught_by={"measure.perplexity_ratio"},
    missed_by=ASKED | {"keep.neighbours", "keep.far", "keep.retained"},
)
def garbled(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, and statements are learned with their words reversed."""

    def retained(lesson: Lesson) -> list[Example]:
        backwards = " ".join(reversed(lesson.example.answer.split()))
        return [replace(lesson.example, answer=backwards)] if lesson.way == "statement" else ground.keep(lesson)

    ground.tuned(ground.wrong, config, retained).save(folder)
