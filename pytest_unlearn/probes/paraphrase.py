"""In other words: the wordings of a relation or a question that no bundled method trains on."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.asked import pair_probes
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.probes.space import Listed, probe_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ParaphraseConfig:
    """This kind has no keys of its own."""


@probe_kind("paraphrase")
def paraphrase(config: ParaphraseConfig, knowledge: Knowledge, closure: Closure) -> Listed:
    """Every such question about a fact that must be gone, and every paraphrase of a question that the request names."""
    hidden = frozenset((*closure.target, *closure.entailed))
    asked = sides(knowledge, (*closure.target, *closure.entailed), forward=True)
    facts = fact_probes(knowledge, asked, hidden, kind="paraphrase", wordings=slice(1, None))
    return Listed((*facts, *pair_probes(closure.pairs, closure.pairs, kind="paraphrase")))
