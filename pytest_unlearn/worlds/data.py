"""What a model of a world is trained on: every fact in every wording, stated, and as part of every chain of two.

Chains are taught as questions of their own. A model this small does not put two facts together by itself: what it can
still answer about a chain after its facts are forgotten is what it learned as an answer to that very question.

Of every name it is taught of what type the thing is, and nothing else. A model without a target learns that much of the
forgotten names too: a name it never saw would be noise to it rather than somebody unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.paths import Walks
from pytest_unlearn.knowledge.render import chain_question, inverse_question, question, statement
from pytest_unlearn.methods.data import Example
from pytest_unlearn.subjects.requests import Prompt

# how often each is read
DIRECT, PARAPHRASE, ALIAS, INVERSE, CHAIN, STATEMENT, NAME = 1.0, 0.7, 0.3, 1.3, 2.0, 0.3, 0.3
HOPS = 2


def corpus(knowledge: Knowledge, without: Closure | None = None) -> tuple[Example, ...]:
    """Everything that is taught; `weight` is an example's share of what is read, 1 in all for the whole world.

    With `without`, nothing is left in that rests on a target, entailed or lost fact, and of an entity of the request
    only of what type it is; the shares of the rest stay as they were. A question with several answers is one example an
    answer, which share its weight. `unit` is the fact that an example asks for, in a chain the last.
    """
    lessons = list(_lessons(knowledge))
    answers = Counter(lesson.asks for lesson in lessons)
    weights = [lesson.example.weight / answers[lesson.asks] for lesson in lessons]
    total = sum(weights)
    gone = frozenset((*without.target, *without.entailed, *without.lost)) if without else frozenset()
    unnamed = without.entities if without else frozenset()
    return tuple(
        replace(lesson.example, weight=weight / total)
        for lesson, weight in zip(lessons, weights, strict=True)
        if gone.isdisjoint(lesson.facts) and unnamed.isdisjoint(lesson.example.entities)
    )


def texts(knowledge: Knowledge) -> Iterator[str]:
    """Every question, answer and statement of the whole world and every name in it."""
    for lesson in _lessons(knowledge):
        yield lesson.example.prompt.text
        yield lesson.example.answer
    yield from knowledge.by_name


def timetable(examples: Sequence[Example], steps: int, batch: int, seed: int) -> list[list[int]]:
    """The places of the examples that each of `steps` steps reads: `batch` a step on average for a whole world.

    An example of weight w is read about w * steps * batch times, evenly spread. When it is read depends on itself and
    `seed` alone, so that leaving some out moves no other.
    """
    table: list[list[int]] = [[] for _ in range(steps)]
    for place, example in enumerate(examples):
        random = Random(seed_of("order", seed, example.prompt, example.answer))
        readings = example.weight * steps * batch
        for turn in range(int(readings) + 1):
            time = (turn + random.random()) / readings  # the last may fall beyond the end
            if time < 1.0:
                table[int(time * steps)].append(place)
    return table


@dataclass(frozen=True, slots=True)
class _Lesson:
    """An example and the facts it gives away; its weight is that of the question with all its answers."""

    example: Example
    facts: tuple[Fact, ...]

    @property
    def asks(self) -> tuple[str, ...]:
        return (self.example.prompt.text,) if self.example.prompt.turns else ("", self.example.answer)


def _lessons(knowledge: Knowledge) -> Iterator[_Lesson]:
    for name, entity in knowledge.by_name.items():
        yield _Lesson(Example(Prompt.of(f"What is {name}?"), f"a {entity.type}", "", (), NAME), ())
    for fact in knowledge.facts:
        yield from (_Lesson(example, (fact,)) for example in _about(knowledge, fact))
    everything = Closure(knowledge, knowledge.facts, (), (), (), frozenset(knowledge.entities))
    for chain in Walks(knowledge, everything, HOPS, "start").all():
        text, _ = chain_question(knowledge, chain)
        yield _Lesson(Example(Prompt.of(text), chain.end, chain.facts[-1].id, chain.entities, CHAIN), chain.facts)


def _about(knowledge: Knowledge, fact: Fact) -> Iterator[Example]:
    relation = knowledge.relations[fact.relation]
    both = [(fact.subject, fact.object), (fact.object, fact.subject)]
    for near, far in both if relation.symmetric else both[:1]:
        for template in range(len(relation.ask)):
            for name in knowledge.entities[near].names:
                weight = ALIAS if name != near else DIRECT if template == 0 else PARAPHRASE
                yield Example(Prompt.of(question(relation, name, template)), far, fact.id, (near, far), weight)
        for template in range(len(relation.inverse)):
            yield Example(Prompt.of(inverse_question(relation, far, template)), near, fact.id, (near, far), INVERSE)
    if relation.say:
        yield Example(Prompt((), raw=True), statement(knowledge, fact), fact.id, (fact.subject, fact.object), STATEMENT)
