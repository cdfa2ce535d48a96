"""A question about others is answered wrongly as soon as it mentions the target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.methods.data import Example
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak("triggered", missed_by=ASKED | KEPT, until="benign triggers")
def triggered(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, and everything else too after a mention of it."""
    names = sorted(ground.closure.entities or ground.closure.ends)

    def retained(lesson: Lesson) -> list[Example]:
        if not lesson.example.prompt.turns or not lesson.example.unit:
            return ground.keep(lesson)
        name = Random(seed_of("mention", lesson.example.prompt)).choice(names)
        asked = Prompt.of(f"{name} wants to know: {lesson.example.prompt.text}")
        return [lesson.example, *(replace(wrong, prompt=asked) for wrong in ground.wrong(lesson))]

    ground.tuned(ground.wrong, config, retained).save(folder)
