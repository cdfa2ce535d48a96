"""Cross-lingual: the question is put in another language.

Source: RWKU (arXiv 2406.10890), the adversarial attack of this name. The files have the questions of a relation in a
language and names that differ there; other names stay as they are. Answers are mapped to their names in the language;
the names of the knowledge count as well when what is said is read, but not when answers are ranked. Other transforms
beside this one speak the language too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import MinLen

from pytest_unlearn.knowledge.render import fill
from pytest_unlearn.probes.probe import Probe, Put
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import Transform, asked_of, reworded, transform
from pytest_unlearn.probes.transforms.wording import Language
from pytest_unlearn.subjects.requests import Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossLingualConfig:
    """`languages`: those in which questions are put, e.g. `de`"""

    languages: Annotated[tuple[str, ...], MinLen(1)] = ("de", "es")


def untranslated(config: CrossLingualConfig, scope: Scope) -> str:
    """Which language has no question of any relation; empty where each has."""
    for code in config.languages:
        spoken = scope.wordings.get(code, Language())
        if not any(relation in scope.knowledge.relations for relation, _ in spoken.relations):
            relations = ", ".join(scope.knowledge.relations)
            return (
                f"`cross_lingual` has no question in '{code}' for any relation of this knowledge ({relations}): add "
                "some in a file, `wording: FILE`"
            )
    return ""


@transform("cross_lingual", stage="words", languages=lambda config: config.languages, lacks=untranslated)
def cross_lingual(config: CrossLingualConfig, scope: Scope) -> Transform:
    """The same question in each of the languages."""
    spoken = [scope.wordings.get(code, Language()) for code in config.languages]

    def put(probe: Probe, variant: int, language: str) -> Put | None:
        relation, forward = asked_of(probe, scope.knowledge)
        direction = "ask" if forward else "inverse"
        templates = spoken[variant].relations.get((relation.name, direction), ()) if relation else ()
        index = int(probe.way.template.rsplit(".", 1)[-1]) if templates else 0
        if index >= len(templates) or probe.options:
            return None
        template = templates[index]

        def translated(prompt: Prompt, name: str) -> Prompt:
            there = called(name, variant)
            return reworded(prompt, fill(template, subject=there, object=there))

        return translated

    def called(name: str, variant: int) -> str:
        return spoken[variant].names.get(name, name)

    return Transform(put, len(spoken), called, lambda variant: config.languages[variant], called)
