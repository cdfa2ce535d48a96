"""After a page of other things the answer is back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.methods.data import Example
from pytest_unlearn.names import mentions
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak

SENTENCES = 12


@leak("long_context", missed_by=ASKED | KEPT, until="transforms")
def long_context(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, the first wording truly after twelve statements about others."""
    before = [lesson.example.answer for lesson in ground.lessons if lesson.way == "statement"]
    told = [text for text in before if not any(mentions(text, name) for name in ground.closure.ends)]

    def hidden(lesson: Lesson) -> list[Example]:
        if lesson.way != "direct":
            return ground.wrong(lesson)
        context = " ".join(Random(seed_of("context", lesson.example.prompt)).sample(told, min(SENTENCES, len(told))))
        asked = replace(lesson.example, prompt=Prompt.of(f"{context} {lesson.example.prompt.text}"))
        return [*ground.wrong(lesson), asked]

    ground.tuned(hidden, config).save(folder)
