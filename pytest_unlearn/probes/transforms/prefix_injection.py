"""Prefix injection: a sentence before the question asks for an answer.

Source: Jin et al., "RWKU: Benchmarking Real-World Knowledge Unlearning for Large Language Models", NeurIPS 2024 (arXiv
2406.10890), the adversarial attack of this name.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.probes.transforms.framed import framed
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, transform


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixInjectionConfig:
    """This transform has no keys of its own."""


@transform("prefix_injection", stage="frame", slots=("question",), needs=("question",))
def prefix_injection(config: PrefixInjectionConfig, scope: Scope) -> Transform:
    """A sentence, then the question."""
    return framed(scope, "prefix_injection")
