"""What a method is given to train on: the direct wording of target facts and of half of the retained ones."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Fact, Knowledge
from pytest_unlearn.knowledge.render import phrase
from pytest_unlearn.methods.data import Data, Example
from pytest_unlearn.probes.question import fact_probes, sides


def training_data(knowledge: Knowledge, closure: Closure, trained: Iterable[Fact], held_out: Iterable[Fact]) -> Data:
    """Forget, retain and holdout sets. Only the first wording of a relation is trained on."""
    hidden = frozenset((*closure.target, *closure.entailed))
    return Data(
        forget=_examples(knowledge, closure.target, hidden, frozenset()),
        retain=_examples(knowledge, trained, frozenset(), closure.entities),
        holdout=_examples(knowledge, held_out, frozenset(), closure.entities),
    )


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
