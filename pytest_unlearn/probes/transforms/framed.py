"""Transforms that are a sentence around the question, in the words of the files."""

from __future__ import annotations

from collections.abc import Callable

from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded
from pytest_unlearn.probes.transforms.wording import Texts, filled
from pytest_unlearn.subjects.requests import Prompt


def said(scope: Scope, name: str, language: str) -> Texts:
    """The wordings of a transform in a language; none where there are none."""
    spoken = scope.wordings.get(language)
    return spoken.transforms.get(name, ()) if spoken else ()


def variants(scope: Scope, name: str) -> int:
    """How many wordings a transform has in the language of the questions."""
    return max(1, len(said(scope, name, scope.language)))


def worded(scope: Scope, name: str, variant: int, language: str) -> tuple[str, ...] | None:
    """One wording of a transform; None where the language has none."""
    texts = said(scope, name, language)
    return texts[variant % len(texts)] if texts else None


def framed(scope: Scope, name: str, slots: Callable[[Probe], dict[str, str] | None] | None = None) -> Transform:
    """Puts a question into the wordings of `name`.

    `slots`: what else goes into them, in the language of the questions alone; None for a probe without.
    """

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        texts, more = worded(scope, name, variant, language), slots(probe) if slots else {}
        if texts is None or more is None or (slots and language != scope.language):
            return None

        def framing(prompt: Prompt, called: str) -> Prompt:
            return reworded(prompt, filled(texts[0], question=prompt.text, **more))

        return framing

    return Transform(put, variants(scope, name))
