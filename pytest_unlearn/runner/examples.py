"""What a method is given to train on: what must go, half of what must stay, and what to say in place of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pytest_unlearn.digest import digest
from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.documents import Document
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.pairs import Pair
from pytest_unlearn.knowledge.render import phrase
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.subjects.requests import Prompt, Score
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.refusals import refusals
from pytest_unlearn.training.watch import questions

ALTERNATES = 5  # wrong answers to a forgotten question
RIVALS = 20  # that a watched answer is ranked among


def training_data(knowledge: Knowledge, closure: Closure, trained: Kept, held_out: Kept) -> Data:
    """Forget, retain and holdout sets, refusals, and alternates: wrong answers to the questions that are forgotten.

    Only the first wording of a relation is trained on, of a question itself and its first answer, of a document its
    pieces as raw text.
    """
    hidden = frozenset((*closure.target, *closure.entailed))
    facts = _examples(knowledge, closure.target, hidden, frozenset())
    material = tuple(_material(closure.pairs, closure.documents))
    others = tuple(_told(closure.pairs))
    return Data(
        forget=(*facts, *material),
        retain=_kept(knowledge, closure, trained),
        holdout=_kept(knowledge, closure, held_out),
        refusals=refusals(),
        alternates=(*_wrong(knowledge, closure, hidden, ALTERNATES), *others),
        watch=(
            *_ranked(facts, _wrong(knowledge, closure, hidden, RIVALS)),
            *_ranked(material, others),
        ),
    )


def _ranked(examples: Iterable[Example], others: Iterable[Example]) -> Iterator[Score]:
    """Examples as what is asked of a model, each answer with those that others give to its question."""
    rivals: dict[Prompt, list[str]] = {}
    for other in others:
        rivals.setdefault(other.prompt, []).append(other.answer)
    for asked in questions(examples):
        yield replace(asked, targets=(*asked.targets, *rivals.get(asked.prompt, ())))


def _kept(knowledge: Knowledge, closure: Closure, part: Kept) -> tuple[Example, ...]:
    facts = _examples(knowledge, part.facts, frozenset(), closure.entities)
    return (*facts, *_material(part.pairs, part.documents))


def _material(pairs: Iterable[Pair], documents: Iterable[Document]) -> Iterator[Example]:
    for pair in pairs:
        yield Example(Prompt.of(pair.question), pair.answers[0], pair.id, pair.entities)
    for document in documents:
        for piece in document.pieces():
            yield Example(Prompt((), raw=True), piece, document.id)


def _examples(
    knowledge: Knowledge, facts: Iterable[Fact], hidden: frozenset[Fact], gone: frozenset[str]
) -> tuple[Example, ...]:
    found = []
    for side in sides(knowledge, facts, forward=True):
        for probe in fact_probes(knowledge, [side], hidden, kind="direct", wordings=slice(1)):
            if probe is None or side.named in gone:
                continue
            for answer in (names[0] for names in probe.secret if names[0] not in gone):
                worded = phrase(side.relation.answer, subject=side.named, object=answer)
                found.append(Example(probe.prompt, worded, probe.unit, (side.named, answer)))
    return tuple(found)


def _told(pairs: Iterable[Pair]) -> Iterator[Example]:
    """The alternates that a file of questions gives."""
    for pair in pairs:
        for answer in pair.alternates:
            yield Example(Prompt.of(pair.question), answer, pair.id, pair.entities)


def _wrong(knowledge: Knowledge, closure: Closure, hidden: frozenset[Fact], most: int) -> Iterator[Example]:
    """Up to `most` wrong answers to each question about a target fact, of the type of the right one.

    None of them is a true answer to it, stands in it, is at either end of a fact that must be gone, or is forgotten
    itself. Which ones is decided by a hash, the same on every machine.
    """
    gone = {name for fact in hidden for name in (fact.subject, fact.object)} | closure.entities
    for side in sides(knowledge, closure.target, forward=True):
        for probe in fact_probes(knowledge, [side], hidden, kind="direct", wordings=slice(1)):
            if probe is None:
                continue
            names = [rival[0] for rival in probe.rivals if rival[0] not in gone]
            for answer in sorted(names, key=lambda name: digest(probe.prompt.text, name))[:most]:
                worded = phrase(side.relation.answer, subject=side.named, object=answer)
                yield Example(probe.prompt, worded, probe.unit, (side.named, answer))
