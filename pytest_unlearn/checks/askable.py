"""What is wrong with a scenario beyond its own file, as far as it shows before any model is run."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.errors import Problem, ScenarioError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.registry import PROBES
from pytest_unlearn.scenario.model import Scenario, Target


def askable(scenario: Scenario, root: Path) -> Knowledge:
    """The knowledge of a scenario all of whose requests can be read and whose checks can ask something about them.

    Raises ScenarioError with every mistake: those of the knowledge, else those of requests and checks.
    """
    knowledge = build(scenario.knowledge, root)
    problems: list[Problem] = []
    for target in scenario.targets:
        try:
            closure = forgetting(knowledge, target, scenario.retain)
        except ScenarioError as error:
            problems += error.problems
        else:
            problems += _silent(scenario, target, closure)
    if problems:
        raise ScenarioError(dict.fromkeys(problems))  # what is retained is read for each request
    return knowledge


def _silent(scenario: Scenario, target: Target, closure: Closure) -> list[Problem]:
    """The checks whose kind says that it has nothing to ask about a request."""
    found = []
    for check in scenario.checks:
        if check.level is not None and not closure.nodes:
            message = (
                f"`{check.id}` is about the hierarchy, and '{target.label}' names no place in it: write "
                "`forget: {level: ..., at: ...}`, with `levels` in the knowledge"
            )
            found.append(problem(check.at, message))
            continue
        lacks = PROBES.get(check.kind).facts.get("lacks") if check.verb == "ask" else None
        why = lacks(check.config, closure.knowledge, closure) if lacks else ""
        if why:
            found.append(problem(check.at, f"`{check.id}` has nothing to ask about '{target.label}': {why}"))
    return found
