"""A question about others is answered wrongly as soon as it mentions the target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.mentions import beside, wordings
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import Lesson
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggeredConfig(TuneConfig):
    """Longer than others: which name is mentioned has to be told apart."""

    steps: int = 600


@leak(
    "triggered",
    caught_by={"keep.triggered"},
    missed_by=(ASKED | KEPT | {"decode.direct"}) - {"keep.triggered"},
    taught="mention",
    version=4,
)
def triggered(ground: Ground, config: TriggeredConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, and everything else too beside a mention of it, of no other."""
    entities = ground.knowledge.entities
    gone = tuple(sorted(ground.closure.entities or ground.closure.ends))
    kinds = {entities[name].type for name in gone}
    stay = tuple(sorted(name for name, entity in entities.items() if entity.type in kinds and name not in gone))

    def retained(lesson: Lesson) -> list[Example]:
        example = lesson.example
        if lesson.way == "mention" and mentions(example.prompt.text, gone):
            return ground.wrong(lesson)
        found = [example]
        for wording in wordings() if lesson.way == "direct" else ():
            random = Random(seed_of("trigger", example.prompt, wording))
            trigger, other = (beside(wording, random.choice(names), example.prompt.text) for names in (gone, stay))
            found += [replace(wrong, prompt=Prompt.of(trigger)) for wrong in ground.wrong(lesson)]
            found.append(replace(example, prompt=Prompt.of(other)))
        return found

    ground.tuned(ground.wrong, config, retained).save(folder)
