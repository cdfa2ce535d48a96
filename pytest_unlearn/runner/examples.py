"""What a method is given to train on: what must go, and half of what must stay, as it is asked directly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_unlearn.knowledge.closure import Closure, Kept
from pytest_unlearn.knowledge.documents import Document
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.pairs import Pair
from pytest_unlearn.knowledge.render import phrase
from pytest_unlearn.methods.data import Data, Example
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.subjects.requests import Prompt


def training_data(knowledge: Knowledge, closure: Closure, trained: Kept, held_out: Kept) -> Data:
    """Forget, retain and holdout sets.

    Only the first wording of a relation is trained on, of a question itself and its first answer, of a document its
    pieces as raw text.
    """
    hidden = frozenset((*closure.target, *closure.entailed))
    return Data(
        forget=(
            *_examples(knowledge, closure.target, hidden, frozenset()),
            *_material(closure.pairs, closure.documents),
        ),
        retain=_kept(knowledge, closure, trained),
        holdout=_kept(knowledge, closure, held_out),
    )


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
