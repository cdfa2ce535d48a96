"""The record of one question: what is asked, which answers are true, which of them reveal the target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pytest_unlearn.digest import digest
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True)
class Way:
    """How a probe asks, without what it asks about. Probes of one way differ in their unit only."""

    kind: str
    template: str
    hops: int = 1
    position: str = ""
    alias: bool = False
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe:
    """One question.

    gold    every true answer, as sets of names: each inner tuple is one entity with its aliases
    secret  those of gold that reveal the target (equal to gold for most kinds)
    rivals  wrong answers of the same type, one name each
    unit    the fact (or document, sample, pair) this probe is about; floors and tails count units
    chain   the facts it walks through, in order
    hole    the question with `{}` in place of `name`, the entity it names: how it is put to invented stand-ins
    type    the entity type of the answer
    size    orders "simpler": compared left to right, smaller is simpler
    """

    prompt: Prompt
    gold: tuple[tuple[str, ...], ...]
    secret: tuple[tuple[str, ...], ...]
    rivals: tuple[tuple[str, ...], ...]
    unit: str
    chain: tuple[str, ...]
    way: Way
    hole: str
    name: str
    type: str
    size: tuple[int, ...]

    @cached_property
    def id(self) -> str:
        """Stable across runs and machines."""
        return digest(self.way, self.unit, self.prompt)[:12]

    def stand_in(self, name: str) -> Prompt:
        """The same question about an invented entity."""
        return Prompt.of(self.hole.replace("{}", name), raw=self.prompt.raw, opening=self.prompt.opening)
