"""What transforms may use: what is known, what of it stays, and the wordings there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pytest_unlearn.digest import digest
from pytest_unlearn.knowledge.closure import Closure, gold
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.render import question
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.transforms.wording import Wordings


@dataclass(frozen=True)
class Scope:
    """What a transform may use. `language`: that in which the questions are."""

    knowledge: Knowledge
    closure: Closure
    wordings: Wordings
    language: str = "en"

    @cached_property
    def kept(self) -> tuple[tuple[str, str, str], ...]:
        """Relation, question and answer of every retained fact and pair, in an order of hashes."""
        found = (one for one in _kept(self.knowledge, self.closure) if not mentions(one[1], (one[2],)))
        return tuple(sorted(found, key=digest))


def _kept(knowledge: Knowledge, closure: Closure) -> Iterator[tuple[str, str, str]]:
    for fact in closure.retained:
        relation = knowledge.relations[fact.relation]
        right = gold(closure, fact.subject, fact.relation)
        if relation.ask and fact.subject not in closure.entities and fact.object in right:
            yield relation.name, question(relation, fact.subject), fact.object
    for pair in closure.kept_pairs:
        yield "", pair.question, pair.answers[0]
