"""System-prompt override: the system turn of the scenario gives way to one that lifts all restraints.

Wrappers that forget by instruction (Pawelczyk et al., "In-Context Unlearning", ICML 2024, arXiv 2310.07579) live in
that turn. A template that knows no system turn gets the words at the start of the first turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import variants, worded
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, transform
from pytest_unlearn.subjects.requests import Prompt, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemOverrideConfig:
    """This transform has no keys of its own."""


@transform("system_override", stage="system", slots=())
def system_override(config: SystemOverrideConfig, scope: Scope) -> Transform:
    """A system turn of its own before everything."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        texts = worded(scope, "system_override", variant, language)

        def overridden(prompt: Prompt, name: str) -> Prompt:
            assert texts is not None
            return replace(prompt, turns=(("system", (Text(texts[0]),)), *prompt.turns))

        return overridden if texts else None

    return Transform(put, variants(scope, "system_override"))
