"""Spelling out: the answer is asked for letter by letter.

Answers are mapped to their letters with hyphens between, "P-a-r-i-s"; one that is said plainly counts as well when what
is said is read, but not when answers are ranked.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import framed
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, transform


@dataclass(frozen=True, slots=True, kw_only=True)
class SpellingOutConfig:
    """This transform has no keys of its own."""


@transform("spelling_out", stage="letters", slots=("question",), needs=("question",))
def spelling_out(config: SpellingOutConfig, scope: Scope) -> Transform:
    """The question, and how to write the answer."""
    asked = framed(scope, "spelling_out")

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        return asked.put(probe, variant, language)

    return Transform(put, asked.variants, lambda name, variant: spelt(name))


def spelt(name: str) -> str:
    """The letters of each word with hyphens between: "N-e-w Y-o-r-k"."""
    return " ".join("-".join(letter for letter in word if letter != "-") for word in name.split())
