"""By the words of a generated answer: the first entity of the right type that it names decides.

The longest match wins, so that "South Sudan" is not read as "Sudan", and a list of every capital is graded by its first
item. Names that stand in the question do not count, unless it lists its answers: then their letters count too.
Generation ends as soon as a name stands complete.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from annotated_types import Ge

from pytest_unlearn.graders.grade import Grade, grader, spoken
from pytest_unlearn.names import find_names
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.subjects.answers import Answer
from pytest_unlearn.subjects.requests import Generate, Prompt, Request, Verb

Place: TypeAlias = tuple[int, int, str]  # start and end in a text, and the name that is meant there
_LETTER = re.compile(r"(?<![\w'’])(?:[B-HJ-Z]|[AI](?!\s+[^\W\dA-Z_]))(?![\w'’])")  # no "A city in ...", no "I think"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextConfig:
    """`budget`: new tokens at most, on top of room to repeat the question (a token for every three characters)."""

    budget: Annotated[int, Ge(1)] = 32


@dataclass(frozen=True, slots=True)
class Text:
    """Grades what was generated, greedily."""

    config: TextConfig
    name: str = "text"
    verb: Verb = "generate"

    def request(self, probe: Probe) -> Generate:
        """Generate until an entity of the answer's type is named."""
        return self.stand_in([probe], probe.prompt)

    def stand_in(self, probes: Sequence[Probe], prompt: Prompt) -> Generate:
        """The names that end generation are those of every answer that one of the probes could have."""
        names = {name for probe in probes for name in probe.entities}
        budget = self.config.budget + math.ceil(len(prompt.text) / 3)
        return Generate(prompt, budget, decided_by=tuple(sorted(names)))

    def grade(self, probe: Probe, request: Request, answer: Answer) -> Grade:
        """Right when the first entity named is true, a leak when it reveals the target."""
        text = spoken(answer)
        names = probe.entities
        places = find_names(text, tuple(names))
        found = [(start, name) for start, _, name in (*places, *_lettered(text, probe, places))]
        if not found:
            return Grade(0.0, False, text)
        entity = names[min(found)[1]]
        return Grade(float(entity in probe.gold), entity in probe.secret, text)

    def chance(self, probe: Probe) -> float:
        """Blind guessing hits only where the knowledge lists every possible answer."""
        return probe.closed_chance


def _lettered(text: str, probe: Probe, spoken: Sequence[Place]) -> list[Place]:
    """Where letters of listed answers stand for them: alone, in capitals, in no name, no word of a sentence."""
    letters = probe.letters
    return [
        (*found.span(), letters[found[0]])
        for found in _LETTER.finditer(text)
        if found[0] in letters and not any(start <= found.start() < end for start, end, _ in spoken)
    ]


@grader("text")
def text(config: TextConfig) -> Text:
    """Grade by what a subject says."""
    return Text(config)
