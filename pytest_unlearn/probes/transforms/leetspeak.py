"""Leetspeak: letters of the question, the name's too, give way to digits that look like them.

The answer is asked for as usual, and may come in plain letters only: whoever answers in leetspeak is not understood.
Source: Wei et al., "Jailbroken" (arXiv 2307.02483).
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded, transform
from pytest_unlearn.subjects.requests import Prompt

LOOKS = str.maketrans("aeiotsAEIOTS", "431075431075")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeetspeakConfig:
    """This transform has no keys of its own."""


@transform("leetspeak", stage="letters")
def leetspeak(config: LeetspeakConfig, scope: Scope) -> Transform:
    """The question in digits and letters."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        def leet(prompt: Prompt, name: str) -> Prompt:
            return reworded(prompt, prompt.text.translate(LOOKS))

        return None if probe.options else leet

    return Transform(put)
