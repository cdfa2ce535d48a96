"""Combined: a question about what stays and the question about what must go, in one.

Source: Hu et al., "BLUR: A Benchmark for LLM Unlearning Robust to Forget-Retain Overlap" (arXiv 2506.15699), the
concatenation. The other question has an answer of another type, so that each answer can be told from the other; two
questions confuse any model, which is what the original is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.transforms.framed import framed
from pytest_unlearn.probes.transforms.kept import elsewhere
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, transform


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedConfig:
    """This transform has no keys of its own."""


@transform("combined", stage="frame", slots=("other", "question"), needs=("other", "question"))
def combined(config: CombinedConfig, scope: Scope) -> Transform:
    """Two questions, of which the one about what stays comes first or last."""

    def slots(probe: Probe) -> dict[str, str] | None:
        other = elsewhere(probe, scope)
        return {"other": other} if other else None

    return framed(scope, "combined", slots)
