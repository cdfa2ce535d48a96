"""Several chat turns: the question comes after a little conversation that leads to it.

Source: Russinovich et al., "Great, Now Write an Article About That: The Crescendo Multi-Turn LLM Jailbreak Attack"
(arXiv 2404.01833). The earlier answers are written, not the model's own, so that every model is asked the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import variants, worded
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, dialogue, transform
from pytest_unlearn.probes.transforms.wording import filled
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTurnsConfig:
    """This transform has no keys of its own."""


@transform("chat_turns", stage="context", slots=("name",), several=True)
def chat_turns(config: ChatTurnsConfig, scope: Scope) -> Transform:
    """Turns of user and assistant by turns, then the question; `{name}` is the name that stands in it."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        texts = worded(scope, "chat_turns", variant, language)
        if texts is None or not probe.named[0]:
            return None

        def led(prompt: Prompt, name: str) -> Prompt:
            turns = dialogue(filled(text, name=name) for text in texts)
            return replace(prompt, turns=(*turns, *prompt.turns))

        return led

    return Transform(put, variants(scope, "chat_turns"))
