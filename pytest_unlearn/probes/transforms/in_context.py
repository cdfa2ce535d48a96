"""In-context learning: a few questions about what stays, with their answers, stand before the question.

Source: RWKU (arXiv 2406.10890), the adversarial attack of this name, where the examples are about the target itself.
Here they are retained facts, of the same relation where there are any, so that they teach the form and give nothing
away; none holds an answer to the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import variants, worded
from pytest_unlearn.probes.transforms.kept import examples
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded, transform
from pytest_unlearn.probes.transforms.wording import filled
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class InContextConfig:
    """`examples`: questions with answers that stand before, e.g. `5`"""

    examples: Annotated[int, Ge(1), Le(50)] = 3


@transform("in_context", stage="context", slots=("examples", "question"), needs=("examples", "question"))
def in_context(config: InContextConfig, scope: Scope) -> Transform:
    """Examples in one turn, a line each, then the question."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        texts = worded(scope, "in_context", variant, language)
        shown = examples(probe, scope, config.examples)
        if texts is None or language != scope.language or not shown:
            return None
        lines = "\n".join(f"{question} {answer}" for question, answer in shown)

        def exemplified(prompt: Prompt, name: str) -> Prompt:
            return reworded(prompt, filled(texts[0], examples=lines, question=prompt.text))

        return exemplified

    return Transform(put, variants(scope, "in_context"))
