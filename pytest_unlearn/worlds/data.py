"""What a model of a world is trained on: every fact in every wording, stated, and as part of every chain of two.

Chains are taught as questions of their own. A model this small does not put two facts together by itself: what it can
still answer about a chain after its facts are forgotten is what it learned as an answer to that very question.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

from pytest_unlearn.digest import seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.paths import Walks
from pytest_unlearn.knowledge.render import chain_question, inverse_question, question, statement
from pytest_unlearn.methods.data import Example
from pytest_unlearn.subjects.requests import Prompt

DIRECT, PARAPHRASE, ALIAS, INVERSE, STATEMENT, CHAIN = 1.0, 0.7, 0.3, 1.0, 0.3, 2.0  # how often each is read
HOPS = 2


def corpus(knowledge: Knowledge, without: Closure | None = None) -> tuple[Example, ...]:
    """Everything that is taught, each example once; `weight` is its share of what is read, 1 in all for the whole world.

    With `without`, nothing that names an entity of the request or rests on a target, entailed or lost fact is left in;
    the shares of the rest stay as they were. A question with several answers is one example an answer, which share its
    weight. `unit` is the fact an example is about, for a chain its last.
    """
    examples = list(_questions(knowledge))
    asked = Counter(example.prompt for example, _ in examples)
    whole = sum(example.weight / asked[example.prompt] for example, _ in examples if example.prompt.turns)
    whole += sum(example.weight for example, _ in examples if not example.prompt.turns)
    gone = frozenset((*without.target, *without.entailed, *without.lost)) if without else frozenset[Fact]()
    unnamed = without.entities if without else frozenset[str]()
    return tuple(
        dataclasses.replace(
            example, weight=example.weight / (asked[example.prompt] if example.prompt.turns else 1) / whole
        )
        for example, facts in examples
        if gone.isdisjoint(facts) and unnamed.isdisjoint(example.entities)
    )


def texts(knowledge: Knowledge) -> Iterator[str]:
    """Every text of the whole world and every name in it, for a vocabulary that knows each word."""
    for example, _ in _questions(knowledge):
        yield example.prompt.text
        yield example.answer
    yield from knowledge.by_name


def timetable(examples: Sequence[Example], steps: int, batch: int, seed: int) -> list[list[int]]:
    """The indices of the examples that each of `steps` steps reads, about `batch` of them where all weights add up to 1.

    An example of weight w is read about w * steps * batch times, evenly spread. When it is read depends on itself and
    `seed` alone, so that leaving examples out moves no other one.
    """
    table: list[list[int]] = [[] for _ in range(steps)]
    for index, example in enumerate(examples):
        random = Random(seed_of("order", seed, example.prompt, example.answer))
        readings = example.weight * steps * batch
        for turn in range(int(readings) + 1):
            time = (turn + random.random()) / readings  # in [0, 1) where it is read at all
            if time < 1.0:
                table[int(time * steps)].append(index)
    return table


def _questions(knowledge: Knowledge) -> Iterator[tuple[Example, tuple[Fact, ...]]]:
    """Each example with the facts that it gives away; weights are relative, per question."""
    for fact in knowledge.facts:
        yield from ((example, (fact,)) for example in _about(knowledge, fact))
    everything = Closure(knowledge, knowledge.facts, (), (), (), frozenset(knowledge.entities))
    for chain in Walks(knowledge, everything, HOPS, "start").all():
        text, _ = chain_question(knowledge, chain)
        unit = chain.facts[-1].id
        yield Example(Prompt.of(text), chain.end, unit, chain.entities, CHAIN), chain.facts


def _about(knowledge: Knowledge, fact: Fact) -> Iterator[Example]:
    relation = knowledge.relations[fact.relation]
    ends = [(fact.subject, fact.object)] + ([(fact.object, fact.subject)] if relation.symmetric else [])
    for near, far in ends:
        for template in range(len(relation.ask)):
            for name in knowledge.entities[near].names:
                weight = ALIAS if name != near else DIRECT if template == 0 else PARAPHRASE
                yield Example(Prompt.of(question(relation, name, template)), far, fact.id, (near, far), weight)
        for template in range(len(relation.inverse)):
            yield Example(Prompt.of(inverse_question(relation, far, template)), near, fact.id, (near, far), INVERSE)
    if relation.say:
        yield Example(Prompt((), raw=True), statement(knowledge, fact), fact.id, (fact.subject, fact.object), STATEMENT)
