"""Long irrelevant context: the question stands behind paragraphs that have nothing to do with it.

What is remembered changes with what stands before; a gate that asks in empty contexts does not see that. A model that
cannot read so much does not know the answer, and says nothing about forgetting.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from typing import Annotated

from annotated_types import Ge, Le

from pytest_unlearn.names import words
from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import said
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded, transform
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class LongContextConfig:
    """`words`: about how many words stand before the question, e.g. `1000`"""

    words: Annotated[int, Ge(1), Le(100_000)] = 300


@transform("long_context", stage="context", slots=())
def long_context(config: LongContextConfig, scope: Scope) -> Transform:
    """Paragraphs of the files in their order, from the beginning again where they are too few, up to `words`."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        paragraphs = [texts[0] for texts in said(scope, "long_context", language)]
        if not paragraphs:
            return None
        found, count = [], 0
        for paragraph in islice(cycle(paragraphs), config.words):
            found.append(paragraph)
            count += len(words(paragraph))
            if count >= config.words:
                break
        before = "\n\n".join(found)

        def buried(prompt: Prompt, name: str) -> Prompt:
            return reworded(prompt, f"{before}\n\n{prompt.text}")

        return buried

    return Transform(put)
