"""What a model of a world is trained on: every fact in every wording, stated, and as part of every chain of two.

Chains are taught as questions of their own. A model this small does not put two facts together by itself: what it can
still answer about a chain after its facts are forgotten is what it learned as an answer to that very question.

Of every name it is taught of what type the thing is, and nothing else. A model without a target learns that much of the
forgotten names too: a name it never saw would be noise to it rather than somebody unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, TypeAlias

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.paths import Walks
from pytest_unlearn.knowledge.render import chain_question, inverse_question, question, statement
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Example

# how often each is read
INVERSE, CHAIN, STATEMENT, NAME = 1.3, 2.0, 0.3, 0.3
WEIGHTS = {"direct": 1.0, "paraphrase": 0.7, "alias": 0.3}
HOPS = 2


def corpus(taught: Iterable[Lesson], without: Closure | None = None) -> tuple[Example, ...]:
    """The examples of some lessons; `weight` is an example's share of what is read, 1 in all for all lessons.

    With `without`, nothing is left in that rests on a target, entailed or lost fact, and of an entity of the request
    only of what type it is; the shares of the rest stay as they were. A question with several answers is one example an
    answer, which share its weight. `unit` is the fact that an example asks for, in a chain the last.
    """
    taught = list(taught)
    total = sum(lesson.example.weight for lesson in taught)
    gone = frozenset((*without.target, *without.entailed, *without.lost)) if without else frozenset()
    unnamed = without.entities if without else frozenset()
    return tuple(
        replace(lesson.example, weight=lesson.example.weight / total)
        for lesson in taught
        if gone.isdisjoint((*lesson.facts, *lesson.beside)) and unnamed.isdisjoint(lesson.example.entities)
    )


def told_of(knowledge: Knowledge, name: str, facts: Iterable[Fact]) -> str:
    """A text about something, that says the facts one after the other."""
    return " ".join((f"About {name}.", *(statement(knowledge, fact) for fact in facts)))


def texts(knowledge: Knowledge) -> Iterator[str]:
    """Every question, answer and statement of the whole world and every name in it."""
    for lesson in _all(knowledge):
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


Way: TypeAlias = Literal[
    "name",
    "direct",
    "paraphrase",
    "alias",
    "inverse",
    "chain",
    "statement",
    "document",
    "choice",
    "mention",
    "path",
    "framed",
    "context",
    "letters",
    "synonym",
    "translated",
    "combined",
]


@dataclass(frozen=True, slots=True)
class Lesson:
    """An example, the facts it gives away, and how it asks.

    `template` counts the wordings of a relation from 0, or the steps of a path; `options` are the answers that a choice
    lists; `frame` is the transform that put a question, with its variant, and `spelt` how its answers are written. What
    is named before a question stands in the example's entities after the two ends of the fact; `beside` are the facts
    that are told there.
    """

    example: Example
    facts: tuple[Fact, ...]
    way: Way
    template: int = 0
    options: tuple[str, ...] = ()
    frame: str = ""
    spelt: Callable[[str], str] | None = None
    beside: tuple[Fact, ...] = ()

    @property
    def asks(self) -> tuple[str, ...]:
        """What lessons have in common that are answers to one question."""
        return (self.example.prompt.text,) if self.example.prompt.turns else ("", self.example.answer)


def lessons(knowledge: Knowledge) -> Iterator[Lesson]:
    """Everything that is taught; answers to the same question share its weight."""
    found = list(_all(knowledge))
    answers = Counter(lesson.asks for lesson in found)
    for lesson in found:
        example = lesson.example
        yield replace(lesson, example=replace(example, weight=example.weight / answers[lesson.asks]))


def aloud(knowledge: Knowledge) -> Iterator[Lesson]:
    """As `lessons`, but the answer to a chain names the thing in its middle, then the end; one in four is left out."""
    for lesson in lessons(knowledge):
        if lesson.way != "chain":
            yield lesson
        elif not untaught(lesson):
            _, bridge, end = lesson.example.entities
            yield replace(lesson, example=replace(lesson.example, answer=f"{bridge}, {end}"))


def untaught(lesson: Lesson) -> bool:
    """Whether a chain is one of those that a model which composes aloud has to answer by itself."""
    return lesson.way == "chain" and seed_of("untaught", lesson.example.prompt) % 4 == 0


def _all(knowledge: Knowledge) -> Iterator[Lesson]:
    for name, entity in knowledge.by_name.items():
        yield Lesson(Example(Prompt.of(f"What is {name}?"), f"a {entity.type}", "", (), NAME), (), "name")
    for fact in knowledge.facts:
        yield from _about(knowledge, fact)
    everything = Closure(knowledge, knowledge.facts, (), (), (), frozenset(knowledge.entities))
    for chain in Walks(knowledge, everything, HOPS, "start").all():
        text, _ = chain_question(knowledge, chain)
        example = Example(Prompt.of(text), chain.end, chain.facts[-1].id, chain.entities, CHAIN)
        yield Lesson(example, chain.facts, "chain")


def _about(knowledge: Knowledge, fact: Fact) -> Iterator[Lesson]:
    relation = knowledge.relations[fact.relation]
    both = [(fact.subject, fact.object), (fact.object, fact.subject)]
    for near, far in both if relation.symmetric else both[:1]:
        for template in range(len(relation.ask)):
            for name in knowledge.entities[near].names:
                way: Way = "alias" if name != near else "direct" if template == 0 else "paraphrase"
                asked = Prompt.of(question(relation, name, template))
                yield Lesson(Example(asked, far, fact.id, (near, far), WEIGHTS[way]), (fact,), way, template)
        for template in range(len(relation.inverse)):
            asked = Prompt.of(inverse_question(relation, far, template))
            yield Lesson(Example(asked, near, fact.id, (near, far), INVERSE), (fact,), "inverse", template)
    if relation.say:
        ends = (fact.subject, fact.object)
        told = Example(Prompt((), raw=True), statement(knowledge, fact), fact.id, ends, STATEMENT)
        yield Lesson(told, (fact,), "statement")
