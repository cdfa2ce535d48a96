"""What a forget request means in its knowledge: built once and shared by every check of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pytest_unlearn.checks.context import Context
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, Kept, divided, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.private import learn
from pytest_unlearn.runner.examples import training_data
from pytest_unlearn.scenario.model import Case, Scenario, Target
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.training.data import Data


@dataclass(frozen=True, slots=True)
class Scene:
    """Knowledge, what must go, and the two halves of what must stay."""

    scenario: Scenario
    target: Target
    knowledge: Knowledge
    closure: Closure
    trained: Kept
    held_out: Kept

    def data(self) -> Data:
        """What a method trains on."""
        return training_data(self.knowledge, self.closure, self.trained, self.held_out)

    def context(self, case: Case, subjects: dict[str, Subject]) -> Context:
        """What one check may see."""
        can = {name: subject.can for name, subject in subjects.items()}
        return Context(case, self.knowledge, self.closure, self.held_out, can)


def scene(scenario: Scenario, target: Target, root: Path) -> Scene:
    """Read the knowledge and work out what the request takes with it; raises ScenarioError."""
    knowledge = build(scenario.knowledge, root)
    closure = forgetting(knowledge, target, scenario.retain)
    learn(scenario, knowledge, closure)
    trained, held_out = divided(closure, scenario.seeds.data)
    return Scene(scenario, target, knowledge, closure, trained, held_out)
