"""As a choice: the true answer among wrong ones of its type, lettered; letter and name are both right answers.

This is the one kind whose question contains its answer. Elsewhere a model would then seem to know what it only repeats;
here every option can be repeated alike, and choosing is what tells. The question above the list keeps the rule and
names no answer, and the chance of a blind choice is counted: one in as many as are listed.

A model may choose by place. The true answer stands at each place about as often, in every way of asking. Whether a fact
is known is asked twice, with the true answer at two places, so that a model that always says A knows nothing. And the
stand-ins of a probe are put with its own options: what is chosen about invented things too, by its letter or because it
is the best known of those listed, is chosen by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import Annotated

from annotated_types import Ge, Le

from pytest_unlearn.digest import digest, seed_of
from pytest_unlearn.knowledge.closure import Closure
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.probes.probe import Names, Probe, Way
from pytest_unlearn.probes.question import fact_probes, sides
from pytest_unlearn.probes.space import Listed, probe_kind
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipleChoiceConfig:
    """`options`: answers that a question lists, the true one among them; fewer where the type has fewer entities."""

    options: Annotated[int, Ge(2), Le(len(ascii_uppercase))] = 10


@probe_kind("multiple_choice")
def multiple_choice(config: MultipleChoiceConfig, knowledge: Knowledge, closure: Closure) -> Listed:
    """The first wording about every fact that must be gone, with options; none where no wrong answer is known."""
    hidden = frozenset((*closure.target, *closure.entailed))
    asked = sides(knowledge, (*closure.target, *closure.entailed), forward=True)
    plain = fact_probes(knowledge, asked, hidden, kind="multiple_choice", wordings=slice(1))
    return Listed(_listing(list(plain), config.options))


def _listing(plain: Sequence[Probe | None], most: int) -> Iterator[Probe | None]:
    """Each question with options. The true answers of one way of asking take the places in turn, in a seeded order."""
    ways: dict[Way, list[Probe]] = defaultdict(list)
    for probe in plain:
        if probe is None:
            yield None
        elif probe.rivals:
            ways[probe.way].append(probe)
    for way, probes in ways.items():
        begin = seed_of("place", str(way))
        for turn, probe in enumerate(sorted(probes, key=lambda probe: digest("place", probe.id))):
            wrong = sorted(probe.rivals, key=lambda names: digest(probe.id, names[0]))[: most - 1]
            size = len(wrong) + 1
            place = (begin + turn) % size
            yield replace(_listed(probe, wrong, place), twin=_listed(probe, wrong, (place + size // 2) % size))


def _listed(probe: Probe, wrong: Sequence[Names], place: int) -> Probe:
    """The question with the true answer at a place among wrong ones."""
    right = probe.secret[0]
    names = [*wrong[:place], right, *wrong[place:]]
    options = tuple(entity[0] for entity in names)
    listing = "".join(f"\n{letter}. {name}" for letter, name in zip(ascii_uppercase, options, strict=False))
    return replace(
        probe,
        prompt=Prompt.of(probe.prompt.text + listing),
        hole=probe.hole + listing,
        gold=(right,),
        secret=(right,),
        rivals=tuple(wrong),
        answer=(probe.answer[0], True),
        options=options,
    )
