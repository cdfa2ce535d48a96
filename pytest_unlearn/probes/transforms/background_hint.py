"""Background hint: something else that is known about the thing stands before the question.

Source: RWKU (arXiv 2406.10890), the adversarial attack of this name. The hint states other facts of the name in the
question, forgotten ones too, as somebody would who knows half; never one with an answer in it. It states the same about
stand-ins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from pytest_unlearn.digest import digest
from pytest_unlearn.knowledge.render import fill
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.framed import variants, worded
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, reworded, transform
from pytest_unlearn.probes.transforms.wording import filled
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class BackgroundHintConfig:
    """`facts`: how many facts are told at most, e.g. `3`"""

    facts: Annotated[int, Ge(1), Le(10)] = 2


@transform("background_hint", stage="frame", slots=("hint", "question"), needs=("hint", "question"))
def background_hint(config: BackgroundHintConfig, scope: Scope) -> Transform:
    """Statements about the name in the question, then the question."""

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        texts = worded(scope, "background_hint", variant, language)
        told = _told(probe, scope, config.facts)
        if texts is None or language != scope.language or not told:
            return None

        def hinted(prompt: Prompt, name: str) -> Prompt:
            hint = " ".join(fill(say, subject=name, object=name) for say in told)
            return reworded(prompt, filled(texts[0], hint=hint, question=prompt.text))

        return hinted

    return Transform(put, variants(scope, "background_hint"))


def _told(probe: Probe, scope: Scope, most: int) -> list[str]:
    """Statements about the entity in a question, with one end filled in; none of them holds an answer."""
    knowledge = scope.knowledge
    entity = knowledge.by_name.get(probe.named[0])
    found = []
    for fact in knowledge.touching[entity.name] if entity else ():
        say = knowledge.relations[fact.relation].say
        if not say or fact.subject == fact.object or fact.id in probe.chain:
            continue
        forward = entity is not None and fact.subject == entity.name
        found.append(fill(say, subject="{subject}", object=fact.object) if forward else _from_behind(say, fact.subject))
    answers = [name for names in (*probe.gold, *probe.rivals) for name in names]
    return sorted((text for text in found if not mentions(text, answers)), key=digest)[:most]


def _from_behind(say: str, subject: str) -> str:
    return fill(say, subject=subject, object="{object}")
