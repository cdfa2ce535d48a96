"""Answer-first continuation: the model's answer is already begun, and it goes on.

A wording is the beginning itself; `{statement}` stands for what the relation states, up to the object: "The capital of
France is". Where a relation states nothing that ends in its object, that wording puts nothing. Source: Andriushchenko
et al., "Jailbreaking Leading Safety-Aligned LLMs with Simple Adaptive Attacks", ICLR 2025 (arXiv 2404.02151).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_unlearn.knowledge.render import fill
from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.question import Side
from pytest_unlearn.probes.transforms.framed import variants, worded
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, asked_of, transform
from pytest_unlearn.probes.transforms.wording import filled
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.subjects.template import join


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFirstConfig:
    """This transform has no keys of its own."""


@transform("answer_first", stage="opening", slots=("statement",))
def answer_first(config: AnswerFirstConfig, scope: Scope) -> Transform:
    """The opening of the answer."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        texts = worded(scope, "answer_first", variant, language)
        if texts is None or probe.options:
            return None
        stated = ""
        if "{statement}" in texts[0]:
            relation, forward = asked_of(probe, scope.knowledge)
            stated = Side("", relation, forward).opening if relation and forward and language == scope.language else ""
            if not stated:
                return None

        def begun(prompt: Prompt, name: str) -> Prompt:
            opening = filled(texts[0], statement=fill(stated, subject=name))
            return replace(prompt, opening=join(prompt.opening, opening))

        return begun

    return Transform(put, variants(scope, "answer_first"))
