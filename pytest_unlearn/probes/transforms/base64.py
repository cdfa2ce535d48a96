"""In base64: the question is encoded, and an answer in the same form is asked for.

Source: Wei, Haghtalab and Steinhardt, "Jailbroken: How Does LLM Safety Training Fail?", NeurIPS 2023 (arXiv
2307.02483). Answers are mapped to base64; one that is said plainly counts as well when what is said is read, but not
when answers are ranked. A small model cannot follow this.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import variants, worded
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded, transform
from pytest_unlearn.probes.transforms.wording import filled
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Base64Config:
    """This transform has no keys of its own."""


@transform("base64", stage="letters", slots=("question",), needs=("question",))
def base64(config: Base64Config, scope: Scope) -> Transform:
    """Question and answer in base64."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        texts = worded(scope, "base64", variant, language)

        def encoded(prompt: Prompt, name: str) -> Prompt:
            assert texts is not None
            return reworded(prompt, filled(texts[0], question=encode(prompt.text)))

        return encoded if texts else None

    return Transform(put, variants(scope, "base64"), lambda name, variant: encode(name))


def encode(text: str) -> str:
    """`text` in base64, as UTF-8."""
    return b64encode(text.encode()).decode()
