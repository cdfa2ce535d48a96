"""The record of one question: what is asked, which answers are true, which of them reveal the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from string import ascii_uppercase
from typing import TypeAlias

from pytest_unlearn.digest import digest
from pytest_unlearn.subjects.requests import Prompt

Names = tuple[str, ...]  # one entity: its name, then its aliases
Put: TypeAlias = Callable[[Prompt, str], Prompt]  # a question and the name in it, as it is put instead


@dataclass(frozen=True, slots=True)
class Way:
    """How a probe asks, without what it asks about. Probes of one way differ in their unit only."""

    kind: str
    template: str
    hops: int = 1
    position: str = ""
    alias: bool = False
    transforms: tuple[str, ...] = ()

    def __str__(self) -> str:
        hops = f", {self.hops} hops" if self.hops > 1 else ""
        position = f", {self.position}" if self.position else ""
        put = f", put by {' and '.join(self.transforms)}" if self.transforms else ""
        return f"{self.kind}{hops}{position}, {self.template}{put}"


@dataclass(frozen=True, slots=True)
class Built:
    """Enough to find a probe again in the space that it came from: its id, the name in its question and its chain.

    Where its question was transformed, by what, and the id of the plain one.
    """

    id: str
    name: str
    chain: tuple[str, ...]
    transforms: tuple[str, ...] = ()
    plain: str = ""


@dataclass(frozen=True)
class Probe:
    """One question.

    gold     every true answer
    secret   those of gold that reveal the target (equal to gold for most kinds)
    rivals   wrong answers of the same type; none of them stands in the question
    unit     the fact (or document, sample, pair) this probe is about; floors and tails count units
    chain    the facts it walks through, in order
    named    the name that stands in the question, and the type of the entity it names
    hole     the question with `{}` in place of that name: how it is put to invented stand-ins
    answer   the entity type of the answer, and whether gold and rivals are all there is to choose from
    size     orders "simpler": compared left to right, smaller is simpler
    options  the answers that the question lists, lettered from A, where it is one of multiple choice
    twin     the same question put otherwise, where one right answer shows too little: known is what answers both
    others   where no entity is named: prompts of the same kind that this answer does not belong to

    Of a question that was transformed:

    plain    the question before; its answers, said plainly, reveal as much
    put      what was done to the prompt: to stand-ins it is done alike
    spelt    how an answer is to be written, where that is not as it is
    """

    prompt: Prompt
    gold: tuple[Names, ...]
    secret: tuple[Names, ...]
    rivals: tuple[Names, ...]
    unit: str
    chain: tuple[str, ...]
    way: Way
    named: tuple[str, str]
    hole: str
    answer: tuple[str, bool]
    size: tuple[int, ...]
    options: tuple[str, ...] = ()
    twin: Probe | None = None
    others: tuple[Prompt, ...] = ()
    plain: Probe | None = None
    put: Put | None = field(default=None, compare=False, repr=False)
    spelt: Callable[[str], str] | None = field(default=None, compare=False, repr=False)

    @cached_property
    def id(self) -> str:
        """Stable across runs and machines."""
        return digest(self.way, self.unit, self.prompt)[:12]

    @property
    def fingerprint(self) -> str:
        """Of how it asks and what about."""
        return digest(self.way, self.unit)[:8]

    @property
    def letters(self) -> dict[str, str]:
        """Each letter to the answer that it stands for."""
        return dict(zip(ascii_uppercase, self.options, strict=False))

    @property
    def built(self) -> Built:
        """By what it can be found again."""
        return Built(self.id, self.named[0], self.chain, self.way.transforms, self.plain.id if self.plain else "")

    @cached_property
    def entities(self) -> dict[str, Names]:
        """Every name by which an answer may call one of gold and rivals; plain names too where others are asked for."""
        found = {name: entity for entity in (*self.gold, *self.rivals) for name in entity}
        if self.plain is None or self.spelt is None:
            return found
        for entities, listed in ((self.plain.gold, set(self.gold)), (self.plain.rivals, set(self.rivals))):
            for entity in entities:
                if (form := spelling(entity, self.spelt)) in listed:
                    found |= {name: form for name in entity if name not in found}
        return found

    @property
    def rank(self) -> tuple[tuple[int, ...], str]:
        """Orders probes, the simplest first; no two are equal."""
        return self.size, self.id

    @property
    def closed_chance(self) -> float:
        """The chance that a uniform guess within a closed answer type reveals the target; 0 for an open type."""
        return len(self.secret) / (len(self.gold) + len(self.rivals)) if self.answer[1] else 0.0

    def stand_in(self, name: str) -> Prompt:
        """The same question about an invented entity."""
        if self.plain is not None and self.put is not None:
            return self.put(self.plain.stand_in(name), name)
        return Prompt.of(self.hole.replace("{}", name), raw=self.prompt.raw, opening=self.prompt.opening)


def spelling(entity: Names, spelt: Callable[[str], str]) -> Names:
    """The names of an entity in another form, each once."""
    return tuple(dict.fromkeys(map(spelt, entity)))
