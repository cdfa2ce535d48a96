"""Affirmative suffix: the question is followed by the beginning of a willing answer.

Source: RWKU (arXiv 2406.10890), the adversarial attack of this name. The words stand in the turn of whoever asks, as
there; `answer_first` has the model say the beginning itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.probes.transforms.framed import framed
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, transform


@dataclass(frozen=True, slots=True, kw_only=True)
class AffirmativeSuffixConfig:
    """This transform has no keys of its own."""


@transform("affirmative_suffix", stage="frame", slots=("question",), needs=("question",))
def affirmative_suffix(config: AffirmativeSuffixConfig, scope: Scope) -> Transform:
    """The question, then words that agree to answer it."""
    return framed(scope, "affirmative_suffix")
