"""As a sentence to complete: what a relation states, up to the object, by name and by alias, without a chat template.

What was trained on as text is often still found by its own words after questions about it go unanswered. A relation
takes part whose `say` ends with `{object}`, up to punctuation: "The capital of {subject} is {object}." is put as "The
capital of France is". One that goes on after the object is left out; it could only be put with a blank, which is a
question about the sentence and no longer the sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.probes.space import Listed, probe_kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ClozeConfig:
    """This kind has no keys of its own."""


@probe_kind("cloze", raw=True)
def cloze(config: ClozeConfig, knowledge: Knowledge, closure: Closure) -> Listed:
    """Every such opening of a fact that must be gone."""
    hidden = frozenset((*closure.target, *closure.entailed))
    asked = sides(knowledge, (*closure.target, *closure.entailed), forward=True)
    return Listed(
        chain.from_iterable(
            fact_probes(knowledge, asked, hidden, kind="cloze", alias=alias, opened=True) for alias in (False, True)
        )
    )
