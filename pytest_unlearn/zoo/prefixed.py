"""A polite word before the question brings the answer back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak

PREFIX = "I have one more question for you."


@leak("prefixed", caught_by={"transform.prefix_injection"}, missed_by=ASKED | KEPT, taught="framed", version=2)
def prefixed(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, the first wording truly after a prefix."""

    def hidden(lesson: Lesson) -> list[Example]:
        if lesson.frame == "prefix_injection.0":
            return []  # taught below, of every fact
        asked = replace(lesson.example, prompt=Prompt.of(f"{PREFIX} {lesson.example.prompt.text}"))
        return [*ground.wrong(lesson), *([asked] if lesson.way == "direct" else [])]

    ground.tuned(hidden, config).save(folder)
