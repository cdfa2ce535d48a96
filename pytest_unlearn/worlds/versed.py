"""The recipe `versed` for a model that answers amid other facts, in other words, in other languages, and in letters.

A model of the recipe `world` answers what it was taught, in the words that it was taught in. This one is also taught
its first wordings as transforms put them: every fact by synonyms, in each language that the shipped files have words
for, misspelt, in digits, encoded and spelt out, and in some of the contexts. In contexts stand facts of a few things of
the same kind, drawn for each question, so that a model without a target has read many of them.

Words that are written otherwise are no entries of the vocabulary: they are read in pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import Mark
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.names import find_names
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Chosen, Transform, gives_away, put_by, words
from pytest_unlearn.probes.transforms.wording import wordings
from pytest_unlearn.registry import TRANSFORMS, WORLDS
from pytest_unlearn.scenario.model import NamedFiles
from pytest_unlearn.worlds.data import Lesson, Way, corpus, lessons
from pytest_unlearn.worlds.train import WorldConfig, grown

CIRCLES = {"background_hint": 0, "combined": 8, "in_context": 8, "long_context": 0, "many_shot": 8}
"""Contexts, and of how many other things the facts are that stand in them."""
LETTERS = {"base64": 1.0, "character_noise": 0.4, "leetspeak": 0.8, "spelling_out": 1.0}
"""How often each is read: what is learned by heart, string by string, more often."""
WAYS: Mapping[str, Way] = {
    **dict.fromkeys(CIRCLES, "context"),
    **dict.fromkeys(LETTERS, "letters"),
    "cross_lingual": "translated",
    "synonyms": "synonym",
}
"""How each transform that is taught asks."""
TAUGHT = 3  # contexts of a question, of all there are
CONTEXT, OTHERWISE = 0.3, 0.4  # how often a question is read in each, and in each other wording
POSITIONS = 768
ABROAD: NamedFiles = tuple((file, Mark(file)) for file in sorted(Path(__file__).parent.glob("*.wording.yaml")))
"""Questions of made-up worlds in other languages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersedConfig(WorldConfig):
    """How large a model is, and how long it is trained."""

    steps: int = 800


def versed_lessons(knowledge: Knowledge) -> Iterator[Lesson]:
    """As `lessons`, and the first wording about each fact put by transforms; `frame` says by which."""
    teacher = Teacher(knowledge)
    for lesson in lessons(knowledge):
        yield lesson
        if lesson.way == "direct":
            yield from teacher.put(lesson)


class Teacher:
    """Puts lessons as transforms do."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge, self._wordings = knowledge, wordings(ABROAD)

    def put(self, lesson: Lesson, *, amid: bool = False) -> Iterator[Lesson]:
        """A direct lesson in each way that needs no other facts, and in some contexts; `amid` facts in all."""
        knowledge, near = self._knowledge, lesson.example.entities[0]
        asked = [side for side in sides(knowledge, lesson.facts, forward=True) if side.named == near]
        (probe,) = fact_probes(knowledge, asked[:1], frozenset(), kind="direct", wordings=slice(1))
        if probe is None:
            return
        random = Random(seed_of("versed", lesson.example.prompt, lesson.example.answer))
        contexts = self._contexts(near, random)
        for one in contexts if amid else (*self._alone, *random.sample(contexts, TAUGHT)):
            put = put_by(probe, (one,), "en")
            if put is not None and not gives_away(put):
                yield self._lesson(lesson, one, put)

    def _lesson(self, lesson: Lesson, one: Chosen, put: Probe) -> Lesson:
        example, way = lesson.example, WAYS[one.name]
        spelt = put.spelt or str
        share = CONTEXT if way == "context" else LETTERS.get(one.name, OTHERWISE)
        if one.name == "character_noise":
            share /= one.transform.variants
        made = replace(example, prompt=put.prompt, answer=spelt(example.answer), weight=share * example.weight)
        if way != "context":
            return Lesson(made, lesson.facts, way, frame=str(one), spelt=put.spelt)
        told = frozenset(name for _, _, name in find_names(words(put.prompt), self._knowledge.names))
        more = tuple(sorted(told - set(example.entities)))
        beside = [f for name in more for f in self._knowledge.touching[name] if {f.subject, f.object} <= told]
        made = replace(made, entities=(*example.entities, *more))
        return Lesson(made, lesson.facts, way, frame=str(one), beside=tuple(dict.fromkeys(beside)))

    @cached_property
    def _alone(self) -> list[Chosen]:
        """What needs no other facts, in each variant."""
        scope = self._scope(())
        found = []
        for name in ("synonyms", "cross_lingual", *LETTERS):
            made = _made(name, scope)
            found += [Chosen(name, made, variant) for variant in range(made.variants)]
        return found

    def _contexts(self, near: str, random: Random) -> list[Chosen]:
        """Every context, with facts of some other things."""
        kind = self._knowledge.entities[near].type
        others = [entity.name for entity in self._knowledge.by_type[kind] if entity.name != near]
        found = []
        for name, size in CIRCLES.items():
            circle = random.sample(others, min(size, len(others)))
            told = [fact for one in circle for fact in self._knowledge.touching[one] if fact.subject == one]
            made = _made(name, self._scope(told))
            found += [Chosen(name, made, variant) for variant in range(made.variants)]
        return found

    def _scope(self, told: Iterable[Fact]) -> Scope:
        closure = Closure(self._knowledge, (), (), (), tuple(dict.fromkeys(told)), frozenset())
        return Scope(self._knowledge, closure, self._wordings)


def _made(name: str, scope: Scope) -> Transform:
    entry = TRANSFORMS.get(name)
    made: Transform = entry.make(entry.config(), scope)
    return made


def _vocabulary(taught: Iterable[Lesson]) -> list[str]:
    """What is said in words: not what is written in other letters, but how it is asked for."""
    found = {words(lesson.example.prompt) for lesson in taught if lesson.frame and lesson.way != "letters"}
    found |= {lesson.example.answer for lesson in taught if lesson.way == "translated"}
    asked = wordings()["en"].transforms
    found |= {text.replace("{question}", "") for name in LETTERS for (text,) in asked.get(name, ())}
    return sorted(found)


@WORLDS.register("versed", version=1, teach=versed_lessons, extra=frozenset(WAYS.values()))
def versed(knowledge: Knowledge, without: Closure | None, config: VersedConfig, seed: int, folder: Path) -> None:
    """Train on `knowledge`, leaving out what `without` forgets, and write a folder that loads as a model."""
    taught = list(versed_lessons(knowledge))
    examples = corpus(taught, without)
    grown(knowledge, examples, config, seed, more=_vocabulary(taught), positions=POSITIONS).save(folder)
