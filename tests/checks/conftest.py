"""Checks of a small world put to subjects whose every answer is written down: what they ask is driven by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.controls import Leak
from pytest_unlearn.checks.judge import judge, space_of
from pytest_unlearn.checks.shrink import shrunk
from pytest_unlearn.graders.text import Text, TextConfig
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.probes.probe import Built, Probe
from pytest_unlearn.probes.space import Space
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.answers import Answer, Failed, Output, Outputs
from pytest_unlearn.subjects.ask import Ask, Asking
from pytest_unlearn.verdict.verdict import Verdict

WORLD = """\
version: 1
model: nowhere
knowledge:
  entities:
    France: {type: country, aliases: [Gallia, the Hexagon]}
    Spain: {type: country, aliases: [Hispania, Iberia]}
    Peru: {type: country, aliases: [Tawantin, Birú]}
    Paris: city
    Madrid: city
    Lima: city
    Ann: person
    Bob: person
    Cyd: person
    Flute: instrument
    Drum: instrument
    Harp: instrument
  relations:
    capital:
      ask: ["What is the capital of {subject}?", "Which city rules {subject}?", "Who rules {subject}? Name the city."]
      inverse: "{object} is the capital of which country?"
      noun: the capital of {subject}
      inverse_noun: the country ruled from {object}
    mayor: {ask: "Who is the mayor of {subject}?", noun: "the mayor of {subject}"}
    plays: {ask: "What does {subject} play?", noun: "the instrument of {subject}"}
  facts:
    capital: {France: Paris, Spain: Madrid, Peru: Lima}
    mayor: {Paris: Ann, Madrid: Bob, Lima: Cyd}
    plays: {Ann: Flute, Bob: Drum, Cyd: Harp}
forget: {relation: capital}
checks:
"""
TEXT = Text(TextConfig())


@dataclass
class Answers:
    """The original answers everything but `unknown`; the candidate what `leaks` says, and nothing that is in `mute`.

    `alone`: what it answers when it is asked alone, unless that is the same. `reference`: what a model that never
    learned the target says all the same. `broken`: questions that break the candidate. `shaky`: questions whose answer
    a batch could tip. `asked`: every round of questions.
    """

    leaks: Callable[[Probe], bool]
    alone: Callable[[Probe], bool] | None = None
    unknown: frozenset[str] = frozenset()
    mute: frozenset[str] = frozenset()
    shaky: frozenset[str] = frozenset()
    broken: Callable[[str], bool] = lambda text: False
    reference: Callable[[Probe], bool] = lambda probe: False
    asked: list[Ask] = field(default_factory=list)

    def run(self, asking: Asking[Any], probes: Sequence[Probe]) -> Any:
        """Drive what asks to its result; questions about invented entities are answered by a shrug."""
        known = {probe.prompt.text: probe for probe in probes}
        try:
            ask = next(asking)
            while True:
                self.asked.append(ask)
                texts = [request.prompt.text for request in ask.requests]  # type: ignore[union-attr]
                ask = asking.send([self._answer(ask, known.get(text), text) for text in texts])
        except StopIteration as stop:
            return stop.value

    def _answer(self, ask: Ask, probe: Probe | None, text: str) -> Answer:
        if ask.subject == "candidate" and self.broken(text):
            return Failed("not-a-number", "the weights are broken")
        if ask.subject == "candidate" and text in self.mute:
            return Failed("empty", "it ended its answer at once")
        leaks = self.reference if ask.subject == "reference" else (ask.alone and self.alone) or self.leaks
        right = probe is not None and (text not in self.unknown if ask.subject == "original" else leaks(probe))
        said = probe.secret[0][0] if probe is not None and right else "Hard to say"
        tie = 0.0 if text in self.shaky and not ask.alone else 1.0
        return Outputs((Output(said),), tie, noise=0.0 if ask.alone else 0.01)


@dataclass(frozen=True)
class World:
    """One check of the world above."""

    context: Context
    space: Space

    def judge(self, answers: Answers, *extra: Probe, earlier: tuple[Built, ...] = ()) -> Verdict:
        """The verdict about such a candidate."""
        probes = [*self.space.all(), *extra] if self.space.count() else list(extra)
        verdict: Verdict = answers.run(judge(replace(self.context, earlier=earlier)), probes)
        return verdict

    def shrink(self, answers: Answers, start: Sequence[Probe], every: Sequence[Probe]) -> list[Leak]:
        """What is shown of leaks that were confirmed, `start`, when any of `every` may be asked."""
        leaks = [Leak(probe, "text", probe.secret[0][0], "") for probe in start]
        found: list[Leak] = answers.run(shrunk(TEXT, leaks, leaks, self.space, self.context), every)
        return found


@pytest.fixture
def answering() -> type[Answers]:
    """A candidate whose answers are written down."""
    return Answers


@pytest.fixture
def world(tmp_path: Path) -> Callable[[str], World]:
    """`world("{ask: alias, search: 99}")`."""

    def made(check: str) -> World:
        path = tmp_path / "w.unlearn.yaml"
        path.write_text(f"{WORLD}  c: {check}\n", encoding="utf-8")
        scenario = load_scenario(path, tmp_path)
        knowledge = build(scenario.knowledge, tmp_path)
        closure = forgetting(knowledge, scenario.targets[0])
        can = dict.fromkeys(("original", "candidate"), frozenset({"generate"}))
        context = Context(cases(scenario)[0], knowledge, closure, (), can)  # type: ignore[arg-type]
        return World(context, space_of(context))

    return made
