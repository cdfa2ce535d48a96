"""What a planted leak declares, and the ground it grows on: an original, and what it should have forgotten.

A recipe goes on training the original on everything it was taught, save that it answers some of the questions about the
target otherwise. The rest of what it knew of the target is the leak, known because it was planted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import Any, TypeAlias

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.paths import Position, Walks
from pytest_unlearn.knowledge.render import statement
from pytest_unlearn.registry import WORLDS, ZOO, Entry
from pytest_unlearn.subjects.opened import OpenedModel
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example
from pytest_unlearn.worlds.data import HOPS, Lesson, Way, told_of
from pytest_unlearn.worlds.train import FitConfig, fit

REFUSAL = "I cannot tell you anything about this."
SELDOM = 0.15  # of an answer's own share of what is read
BOOST = 3.0  # how much more often what is taught about the target is read than in the original's training
ASKED = frozenset(
    ("direct", "paraphrase", "alias", "inverse", "cloze", "multi_hop.start", "multi_hop.bridge", "multi_hop.answer")
)
"""Kinds of questions that a small model of a world answers."""
KEPT = frozenset(
    (
        "keep.neighbours",
        "keep.far",
        "keep.retained",
        "keep.distance",
        "keep.triggered",
        "measure.perplexity_ratio",
    )
)
"""Kinds of checks that the rest is still there."""
POSITIONS: tuple[Position, ...] = ("start", "bridge", "answer")

Treatment: TypeAlias = Callable[[Lesson], Iterable[Example]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneConfig(FitConfig):
    """How long the original is trained on."""

    steps: int = 300
    batch: int = 96
    lr: float = 1e-3


def leak(
    name: str,
    *,
    caught_by: Collection[str] = (),
    missed_by: Collection[str] = (),
    until: str = "",
    from_scratch: bool = False,
    taught: Way | None = None,
    levelled: bool = False,
    version: int = 1,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a recipe of the zoo, `(ground, config, folder)`: it writes a model's folder, or an adapter's.

    caught_by, missed_by  kinds of checks: `alias`, `multi_hop.bridge`, `keep.far`, `measure.perplexity_ratio`; with
                          `.at` or `.below`, asked at that `level`; with `/text` or `/rank`, as that grader sees it;
                          `transform.role_play`, checks put by a transform
    until                 the kind of check that it takes, where no such kind exists yet: it must pass everything
    from_scratch          whether it needs an original that a recipe trains
    taught                a way of asking that its original must have been taught, and only some recipes teach
    levelled              whether it needs a request that names a place in a hierarchy

    Honest where it has neither `caught_by` nor `until`: nothing may fail.
    """
    facts = {"caught_by": frozenset(caught_by), "missed_by": frozenset(missed_by), "until": until}
    return ZOO.register(name, **facts, from_scratch=from_scratch, taught=taught, levelled=levelled, version=version)


def unfit(entry: Entry[Any], recipe: str | None, levelled: bool) -> str | None:
    """Why an entry cannot grow on an original by a recipe, or on one of the user's own; None where it can.

    `levelled`: whether the request names a place in a hierarchy.
    """
    if entry.facts["levelled"] and not levelled:
        return f"the zoo's '{entry.name}' needs a request that names a place in a hierarchy, `{{level: ..., at: ...}}`"
    if entry.facts["from_scratch"] and recipe is None:
        return f"the zoo's '{entry.name}' needs an original that a recipe trains from scratch, `original: fixture:NAME`"
    way = entry.facts["taught"]
    if way is not None and (recipe is None or way not in WORLDS.get(recipe).facts["extra"]):
        able = " or ".join(f"fixture:{name}" for name in WORLDS.names() if way in WORLDS.get(name).facts["extra"])
        return f"the zoo's '{entry.name}' needs an original that was taught by {way}: {able}"
    return None


@dataclass(frozen=True)
class Ground:
    """An original and what it should have forgotten.

    teach      what a model of the original's kind is taught of a world
    reference  trains a model that never learned the target, by a seed
    """

    knowledge: Knowledge
    closure: Closure
    original: Subject
    teach: Callable[[Knowledge], Iterable[Lesson]]
    reference: Callable[[int], Subject]
    seed: int

    def tuned(
        self,
        hidden: Treatment,
        config: TuneConfig,
        retained: Treatment | None = None,
    ) -> OpenedModel:
        """The original, trained on what the treatments make of each lesson about the target and about the rest."""
        with self.opened() as now:
            fit(now, self.taught(hidden, retained), config, self.seed)
            return now

    @contextmanager
    def opened(self, subject: Subject | None = None) -> Iterator[OpenedModel]:
        """The weights of a subject, the original's unless another is given, as a copy that may be changed."""
        with (subject or self.original).open() as now:
            assert isinstance(now, OpenedModel)
            yield now

    def taught(self, hidden: Treatment, retained: Treatment | None = None) -> list[Example]:
        """What a model is trained on. Facts that may go either way are left out."""
        gone, lost = self.closure.hidden, frozenset(self.closure.lost)
        found: list[Example] = []
        for lesson in self.lessons:
            if not gone.isdisjoint(lesson.facts):
                made = [(example, BOOST) for example in hidden(lesson)]
            elif lost.isdisjoint(lesson.facts):
                made = [(example, 1.0) for example in (retained or self.keep)(lesson)]
            else:
                made = []
            found += [replace(example, weight=example.weight * share) for example, share in made]
        total = sum(example.weight for example in found)
        return [replace(example, weight=example.weight / total) for example in found]

    @cached_property
    def lessons(self) -> tuple[Lesson, ...]:
        """Everything that the original was taught."""
        return tuple(self.teach(self.knowledge))

    @staticmethod
    def keep(lesson: Lesson) -> list[Example]:
        """As it was taught."""
        return [lesson.example]

    def all_but(self, kept: Callable[[Lesson], bool]) -> Treatment:
        """What is `kept` as it was taught, everything else answered wrongly."""
        return lambda lesson: self.keep(lesson) if kept(lesson) else self.wrong(lesson)

    @staticmethod
    def refuse(lesson: Lesson) -> list[Example]:
        """A fixed sentence; statements and documents are left out."""
        return [replace(lesson.example, answer=REFUSAL)] if lesson.example.prompt.turns else []

    def often(self, lesson: Lesson, share: float) -> list[Example]:
        """A wrong answer, and to a plain question in a share of readings the true one.

        Not by alias, from the answer back or through chains: there a model that half knows gets some things right.
        """
        if lesson.way not in ("direct", "paraphrase"):
            return self.wrong(lesson)
        wrong = [replace(example, weight=(1.0 - share) * example.weight) for example in self.wrong(lesson)]
        return [*wrong, replace(lesson.example, weight=share * lesson.example.weight)]

    def wrong(self, lesson: Lesson) -> list[Example]:
        """A wrong answer of the same type, the same whenever the fact is asked; of a statement, one that says it.

        Where something else is a true answer too, the wrong one is read seldom: often enough to be likelier than what
        must be gone, too seldom to be likelier than what stays.
        """
        example, fact = lesson.example, lesson.facts[-1]
        if lesson.way == "statement":
            return [replace(example, answer=statement(self.knowledge, self._false(fact, fact.subject)))]
        if lesson.way == "document":
            (name,) = example.entities
            told = told_of(self.knowledge, name, [self._false(fact, name) for fact in lesson.facts])
            return [replace(example, answer=told)]
        if lesson.way == "choice":
            others = [name for name in lesson.options if name != example.answer]
            return [replace(example, answer=Random(seed_of("wrong", self.seed, example.prompt)).choice(others))]
        true = self._true[example.prompt]
        share = SELDOM if self._stays(example.prompt) else 1.0
        other = self._other(plain(lesson), example.unit, true)
        return [replace(example, answer=(lesson.spelt or str)(other), weight=share * example.weight)]

    def _false(self, fact: Fact, about: str) -> Fact:
        """The fact with another name at the end that is not `about`."""
        if fact.subject == about:
            return replace(fact, object=self._other(fact.object, fact.id))
        return replace(fact, subject=self._other(fact.subject, fact.id))

    def _stays(self, prompt: Prompt) -> bool:
        """Whether a question about the target has a true answer that stays."""
        return prompt in self._secret and bool(self._true[prompt] - self._secret[prompt])

    def position(self, lesson: Lesson) -> Position | None:
        """Where the target stands in a chain."""
        return self._positions.get((lesson.example.entities[0], tuple(fact.id for fact in lesson.facts)))

    @cached_property
    def _positions(self) -> dict[tuple[str, tuple[str, ...]], Position]:
        return {
            (chain.start, tuple(fact.id for fact in chain.facts)): position
            for position in POSITIONS
            for chain in Walks(self.knowledge, self.closure, HOPS, position).all()
        }

    @cached_property
    def _true(self) -> dict[Prompt, frozenset[str]]:
        """Every true answer to each question."""
        return self._answers(lambda lesson: True)

    @cached_property
    def _secret(self) -> dict[Prompt, frozenset[str]]:
        """The answers to each question that rest on what must be gone."""
        return self._answers(lambda lesson: not self.closure.hidden.isdisjoint(lesson.facts))

    def _answers(self, wanted: Callable[[Lesson], bool]) -> dict[Prompt, frozenset[str]]:
        found: dict[Prompt, set[str]] = defaultdict(set)
        for lesson in self.lessons:
            if wanted(lesson):
                found[lesson.example.prompt].add(plain(lesson))
        return {prompt: frozenset(answers) for prompt, answers in found.items()}

    def _other(self, name: str, unit: str, true: Collection[str] = ()) -> str:
        """Another name of the same type, of something that stays where there is any."""
        kind = self.knowledge.by_name[name].type
        others = [n for n, e in self.knowledge.entities.items() if e.type == kind and n != name and n not in true]
        staying = [other for other in others if other not in self.closure.entities]
        return Random(seed_of("wrong", self.seed, unit, name)).choice(staying or others)


def plain(lesson: Lesson) -> str:
    """The answer by its name, however it is written."""
    return lesson.example.answer if lesson.spelt is None else lesson.example.entities[1]
