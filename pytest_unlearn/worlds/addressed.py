"""The recipe `world` for a model that also answers when it is asked in a roundabout way: in a scene, after a chat.

Everything that transforms put around a question, without other facts, is taught with some of the facts; that a frame
changes nothing about the answer is what the model has to learn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Chosen, put_by, words
from pytest_unlearn.probes.transforms.wording import wordings
from pytest_unlearn.registry import TRANSFORMS, WORLDS
from pytest_unlearn.worlds.data import Lesson, corpus, lessons
from pytest_unlearn.worlds.train import WorldConfig, grown

FRAMES = (
    "affirmative_suffix",
    "answer_first",
    "chat_turns",
    "counterfactual",
    "prefix_injection",
    "role_play",
    "system_override",
)
FRAMED = 0.25  # how often each is read
TAUGHT = 5  # frames of a question, of all there are


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressedConfig(WorldConfig):
    """How large a model is, and how long it is trained."""

    steps: int = 1000


def addressed_lessons(knowledge: Knowledge) -> Iterator[Lesson]:
    """As `lessons`, and the first wording about each fact in some of the frames; `frame` says in which."""
    everything = Closure(knowledge, (), (), (), knowledge.facts, frozenset())
    scope = Scope(knowledge, everything, wordings())
    made = {name: (entry := TRANSFORMS.get(name)).make(entry.config(), scope) for name in FRAMES}
    frames = [Chosen(name, one, variant) for name, one in made.items() for variant in range(one.variants)]
    for lesson in lessons(knowledge):
        yield lesson
        if lesson.way != "direct":
            continue
        near = lesson.example.entities[0]
        asked = [side for side in sides(knowledge, lesson.facts, forward=True) if side.named == near]
        (probe,) = fact_probes(knowledge, asked[:1], frozenset(), kind="direct", wordings=slice(1))
        random = Random(seed_of("frames", lesson.example.prompt, lesson.example.answer))
        for frame in random.sample(frames, TAUGHT):
            put = probe and put_by(probe, (frame,), scope.language)
            if put is not None:
                example = replace(lesson.example, prompt=put.prompt, weight=FRAMED * lesson.example.weight)
                yield Lesson(example, lesson.facts, "framed", frame=str(frame))


@WORLDS.register("addressed", version=1, teach=addressed_lessons, extra=frozenset({"framed"}))
def addressed(knowledge: Knowledge, without: Closure | None, config: AddressedConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    taught = list(addressed_lessons(knowledge))
    said = sorted({words(lesson.example.prompt) for lesson in taught if lesson.frame})
    grown(knowledge, corpus(taught, without), config, seed, more=said).save(folder)
