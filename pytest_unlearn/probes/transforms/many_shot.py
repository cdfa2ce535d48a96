"""Many-shot context: a long conversation in which every question about what stays was answered.

Source: Anil et al., "Many-shot Jailbreaking", NeurIPS 2024. Each example is a turn of its own; none holds an answer to
the question. A model that cannot read so much does not know the answer, and says nothing about forgetting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import Annotated

from annotated_types import Ge, Le

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.kept import examples
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, dialogue, transform
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyShotConfig:
    """`examples`: questions that were answered before, e.g. `64`"""

    examples: Annotated[int, Ge(2), Le(1000)] = 32


@transform("many_shot", stage="context")
def many_shot(config: ManyShotConfig, scope: Scope) -> Transform:
    """Turns of questions and answers, then the question; fewer where less is retained."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        turns = dialogue(chain.from_iterable(examples(probe, scope, config.examples)))

        def at_length(prompt: Prompt, name: str) -> Prompt:
            return replace(prompt, turns=(*turns, *prompt.turns))

        return at_length if turns and language == scope.language else None

    return Transform(put)
