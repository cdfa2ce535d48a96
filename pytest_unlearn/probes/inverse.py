"""From the answer back: the object of a fact is named and its subject is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.probes.space import Listed, probe_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseConfig:
    """This kind has no keys of its own."""


@probe_kind("inverse")
def inverse(config: InverseConfig, knowledge: Knowledge, closure: Closure) -> Listed:
    """Every such question about a fact that must be gone."""
    hidden = frozenset((*closure.target, *closure.entailed))
    asked = sides(knowledge, (*closure.target, *closure.entailed), forward=False)
    return Listed(fact_probes(knowledge, asked, hidden, kind="inverse"))
