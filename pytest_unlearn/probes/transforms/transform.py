"""What is done to a question before it is put: the contract of a transform, and how several are applied together.

A transform changes how a question is put, never what it is about. It works on a prompt and the name in it, so that the
stand-ins of a question, which show how often guessing hits, are put in exactly the same way. Where it asks for another
form of the answer it says which, and every answer is mapped alike: true ones, revealing ones and wrong ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pytest_unlearn.knowledge.graph import Knowledge, Relation
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Names, Probe, Put, spelling
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.registry import TRANSFORMS
from pytest_unlearn.subjects.requests import Part, Prompt, Role, Text

Stage = Literal["words", "letters", "frame", "context", "system", "opening"]
STAGES: tuple[Stage, ...] = get_args(Stage)
ALONE: frozenset[Stage] = frozenset({"words", "letters"})  # at most one of these is applied to a question


@dataclass(frozen=True)
class Transform:
    """One way of changing how a question is put.

    put       of a probe, a variant from 0 and a language: what it does to a prompt and the name in it; None where the
              probe cannot be put so. It may look at the probe to choose what to put beside the question
    variants  how many there are; the first is the simplest
    answer    how an answer is to be written, by a name and the variant; None where it is written as it is
    speaks    the language that a variant puts the question in, where that is another
    called    what a variant calls the thing that a name stands for, where the question names it otherwise afterwards
    """

    put: Callable[[Probe, int, str], Put | None]
    variants: int = 1
    answer: Callable[[str, int], str] | None = None
    speaks: Callable[[int], str] | None = None
    called: Callable[[str, int], str] | None = None


def transform(
    name: str,
    *,
    stage: Stage,
    slots: tuple[str, ...] | None = None,
    needs: tuple[str, ...] = (),
    several: bool = False,
    languages: Callable[[Any], tuple[str, ...]] | None = None,
    lacks: Callable[[Any, Scope], str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a transform: `(config, scope) -> Transform`.

    stage      when it is applied: to the `words` of a question, to its `letters`, as a `frame` around it, as `context`
               before it, as `system` turn, as `opening` of the answer; of words and letters at most one to a question
    slots      what its wordings may hold in braces; None where it has no wordings. `needs`: those that they must hold
    several    whether a wording is a list of texts
    languages  those that its config makes it speak, beside that of the questions
    lacks      says at collection why it can put nothing, and what to do; empty where it can
    """
    return TRANSFORMS.register(
        name, stage=stage, slots=slots, needs=needs, several=several, languages=languages, lacks=lacks
    )


@dataclass(frozen=True)
class Chosen:
    """A transform in one of its variants, by its registered name. Listed so, `role_play.1`, in the way of a probe."""

    name: str
    transform: Transform
    variant: int = 0

    def __str__(self) -> str:
        return f"{self.name}.{self.variant}" if self.transform.variants > 1 else self.name

    @property
    def stage(self) -> Stage:
        """When it is applied."""
        stage: Stage = TRANSFORMS.get(self.name).facts["stage"]
        return stage


def in_order(parts: Sequence[Chosen]) -> tuple[Chosen, ...]:
    """As they are applied: by stage, within one by name."""
    return tuple(sorted(parts, key=lambda part: (STAGES.index(part.stage), part.name)))


def compatible(parts: Sequence[Chosen]) -> bool:
    """Whether no two rewrite the same words or letters, or are the same transform."""
    alone = [part.stage for part in parts if part.stage in ALONE]
    return len(set(alone)) == len(alone) and len({part.name for part in parts}) == len(parts)


def put_by(probe: Probe, parts: Sequence[Chosen], language: str) -> Probe | None:
    """A question put by some transforms, in their order; None where one of them does not fit it.

    The answers are mapped as the transforms say. Wrong answers that now stand in the question, or are now written as a
    right one is, are none any more.
    """
    spelt = _spelling(parts)
    if probe.prompt.raw or (spelt and probe.options):  # a text is no question, and a letter is written as it is
        return None
    spoken = next((part.transform.speaks(part.variant) for part in parts if part.transform.speaks), language)
    puts = [part.transform.put(probe, part.variant, spoken) for part in parts]
    sound = [put for put in puts if put is not None]
    if len(sound) < len(puts):
        return None

    def put(prompt: Prompt, name: str) -> Prompt:
        for part, one in zip(parts, sound, strict=True):
            prompt = one(prompt, name)
            name = part.transform.called(name, part.variant) if part.transform.called else name
        return prompt

    prompt = put(probe.prompt, probe.named[0])
    said, right = words(prompt), {name for names in _mapped(probe.gold, spelt) for name in names}
    return replace(
        probe,
        prompt=prompt,
        gold=_mapped(probe.gold, spelt),
        secret=_mapped(probe.secret, spelt),
        rivals=tuple(
            names
            for plain, names in zip(probe.rivals, _mapped(probe.rivals, spelt), strict=True)
            if probe.options or (right.isdisjoint(names) and not mentions(said, (*plain, *names)))
        ),
        way=replace(probe.way, transforms=tuple(map(str, parts))),
        size=(len(parts), sum(part.variant for part in parts), *probe.size),
        twin=probe.twin and put_by(probe.twin, parts, language),
        others=tuple(put(other, "") for other in probe.others),
        plain=probe,
        put=put,
        spelt=spelt,
    )


def gives_away(probe: Probe) -> bool:
    """Whether a transformed question, or what stands around it, contains an answer that the plain one does not."""
    if probe.plain is None or probe.options:
        return False
    names = {name for entity in (*probe.gold, *probe.plain.gold) for name in entity}
    return mentions(words(probe.prompt), names)


def words(prompt: Prompt) -> str:
    """Everything that a prompt says, in order."""
    said = ["".join(part.text for part in parts if isinstance(part, Text)) for _, parts in prompt.turns]
    return "\n".join([*said, prompt.opening])


def reworded(prompt: Prompt, text: str) -> Prompt:
    """A prompt whose last turn says `text`."""
    role: Role = prompt.turns[-1][0] if prompt.turns else "user"
    return replace(prompt, turns=(*prompt.turns[:-1], (role, (Text(text),))))


def dialogue(texts: Iterable[str]) -> tuple[tuple[Role, tuple[Part, ...]], ...]:
    """Texts as turns of user and assistant, by turns."""
    roles: tuple[Role, Role] = ("user", "assistant")
    return tuple((roles[i % 2], (Text(text),)) for i, text in enumerate(texts))


def asked_of(probe: Probe, knowledge: Knowledge) -> tuple[Relation | None, bool]:
    """The relation that a probe about a single fact asks for, and whether forwards; None of a chain or a free text."""
    name, direction, _ = [*probe.way.template.rsplit(".", 2), "", ""][:3]
    plain = direction in ("ask", "inverse") and probe.way.hops == 1
    return (knowledge.relations.get(name) if plain else None), direction == "ask"


def _spelling(parts: Sequence[Chosen]) -> Callable[[str], str] | None:
    """How answers are to be written after all transforms; None where as they are."""
    mapping = [part for part in parts if part.transform.answer]
    if not mapping:
        return None

    def spelt(name: str) -> str:
        for part in mapping:
            assert part.transform.answer is not None
            name = part.transform.answer(name, part.variant)
        return name

    return spelt


def _mapped(entities: tuple[Names, ...], spelt: Callable[[str], str] | None) -> tuple[Names, ...]:
    return entities if spelt is None else tuple(spelling(names, spelt) for names in entities)
