"""Synonym manipulation: words of the question give way to words that mean the same, never the name in it.

Source: RWKU (arXiv 2406.10890), the adversarial attack of this name, which renames things too; the kind `alias` does.
A wording lists words that mean the same; where a question has its first, the next takes its place. A question without
any such word is not put, nor is one that lists an answer with one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import said
from pytest_unlearn.probes.transforms.letters import around
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded, transform
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class SynonymsConfig:
    """This transform has no keys of its own."""


@transform("synonyms", stage="words", slots=(), several=True)
def synonyms(config: SynonymsConfig, scope: Scope) -> Transform:
    """The question in other words of the same meaning."""
    lists = said(scope, "synonyms", scope.language)

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        def changed(text: str) -> str:
            for first, *others in lists:
                if others:
                    new = others[variant % len(others)]
                    text = new.join(re.split(rf"(?<!\w){re.escape(first)}(?!\w)", text))
            return text

        def meant(prompt: Prompt, name: str) -> Prompt:
            return reworded(prompt, around(prompt.text, name, changed))

        listed = all(changed(option) == option for option in probe.options)
        return meant if listed and around(probe.prompt.text, probe.named[0], changed) != probe.prompt.text else None

    return Transform(put, max((len(texts) - 1 for texts in lists), default=1))
