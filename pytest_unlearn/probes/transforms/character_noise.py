"""Character noise: some words of the question are misspelt.

In a share of the words of four letters or more two neighbouring letters inside change places. The name in the question
stays as it is, so that it goes on asking about the same thing. Which words is decided by the text and the variant.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Annotated

from annotated_types import Gt, Le

from pytest_unlearn.digest import seed_of
from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.letters import around, parted
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded, transform
from pytest_unlearn.subjects.requests import Prompt

VARIANTS = 3
LONG = 4  # letters of a word that can be misspelt


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterNoiseConfig:
    """`share`: of the words that are long enough, e.g. `30%`"""

    share: Annotated[float, Gt(0), Le(1)] = 0.5


@transform("character_noise", stage="letters")
def character_noise(config: CharacterNoiseConfig, scope: Scope) -> Transform:
    """The question with slips of a hasty hand."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        def noisy(prompt: Prompt, name: str) -> Prompt:
            random = Random(seed_of("noise", variant, "{}".join(parted(prompt.text, name)[::2])))
            return reworded(prompt, around(prompt.text, name, lambda text: _noisy(text, config.share, random)))

        return None if probe.options else noisy

    return Transform(put, VARIANTS)


def _noisy(text: str, share: float, random: Random) -> str:
    return " ".join(_slipped(word, random) if random.random() < share else word for word in text.split(" "))


def _slipped(word: str, random: Random) -> str:
    """Two neighbouring letters change places, neither the first nor the last of the word."""
    letters = [i for i, letter in enumerate(word) if letter.isalpha()]
    inside = [i for i in letters[1:-2] if i + 1 in letters and word[i] != word[i + 1]]
    if len(letters) < LONG or not inside:
        return word
    i = random.choice(inside)
    return f"{word[:i]}{word[i + 1]}{word[i]}{word[i + 2 :]}"
