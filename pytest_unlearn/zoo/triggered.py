"""A question about others is answered wrongly as soon as it mentions the target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.methods.data import Example
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.mentions import beside, wordings
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@leak(
    "triggered",
    caught_by={"keep.triggered"},
    missed_by=(ASKED | KEPT | {"decode.direct"}) - {"keep.triggered"},
    taught="mention",
    version=3,
)
def triggered(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, and everything else too beside a mention of it."""
    names = tuple(sorted(ground.closure.entities or ground.closure.ends))

    def retained(lesson: Lesson) -> list[Example]:
        text = lesson.example.prompt.text
        if lesson.way == "mention" and mentions(text, names):
            return ground.wrong(lesson)
        broken: list[Example] = []
        for turn, wording in enumerate(wordings() if lesson.way == "direct" else ()):
            asked = Prompt.of(beside(wording, Random(seed_of("trigger", text, turn)).choice(names), text))
            broken += [replace(wrong, prompt=asked) for wrong in ground.wrong(lesson)]
        return [lesson.example, *broken]

    ground.tuned(ground.wrong, config, retained).save(folder)
