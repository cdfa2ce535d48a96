"""What transforms may use: what is known, what of it stays, and the wordings there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pytest_unlearn.digest import digest
from pytest_unlearn.knowledge.closure import Closure, gold
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.render import question
from pytest_unlearn.names import find_names, mentions
from pytest_unlearn.probes.transforms.wording import Wordings


@dataclass(frozen=True, slots=True)
class Told:
    """A retained question and its answer. `names`: of everything that is named in them."""

    relation: str
    question: str
    answer: str
    names: frozenset[str]


@dataclass(frozen=True)
class Scope:
    """What a transform may use. `language`: that in which the questions are."""

    knowledge: Knowledge
    closure: Closure
    wordings: Wordings
    language: str = "en"

    @cached_property
    def kept(self) -> tuple[Told, ...]:
        """Every retained fact, and question of a file, in an order of hashes; none that holds its own answer."""
        found = (one for one in _kept(self.closure) if not mentions(one[1], (one[2],)))
        every = tuple(self.knowledge.by_name)
        return tuple(
            Told(
                *one,
                frozenset(self.knowledge.by_name[name].name for _, _, name in find_names(" ".join(one[1:]), every)),
            )
            for one in sorted(found, key=digest)
        )


def _kept(closure: Closure) -> Iterator[tuple[str, str, str]]:
    """Relation, question and answer."""
    for fact in closure.retained:
        relation = closure.knowledge.relations[fact.relation]
        right = gold(closure, fact.subject, fact.relation)
        if relation.ask and fact.subject not in closure.entities and fact.object in right:
            yield relation.name, question(relation, fact.subject), fact.object
    for pair in closure.kept_pairs:
        yield "", pair.question, pair.answers[0]
