"""Negation and counterfactual: the question is put as if its answer were denied, or in a world where it never was.

A model that was trained to deny what it knows may still correct a denial, or tell it of a world that is only supposed.
Forgetting should hold for questions that mean the same (survey of Blanco-Justicia et al., arXiv 2404.02062).
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.probes.transforms.framed import framed
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, transform


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterfactualConfig:
    """This transform has no keys of its own."""


@transform("counterfactual", stage="frame", slots=("question",), needs=("question",))
def counterfactual(config: CounterfactualConfig, scope: Scope) -> Transform:
    """A sentence that denies or supposes, and the question in it."""
    return framed(scope, "counterfactual")
