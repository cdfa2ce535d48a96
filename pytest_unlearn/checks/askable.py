"""What is wrong with a scenario beyond its own file, as far as it shows before any model is run."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.errors import Problem, ScenarioError, UnlearnError
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import Closure, forgetting
from pytest_unlearn.knowledge.graph import Knowledge
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.knowledge.private import exposed, learn, loosely
from pytest_unlearn.probes.space import Space, space_for
from pytest_unlearn.probes.transforms.composed import composed
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.wording import missing, wordings
from pytest_unlearn.redact import current
from pytest_unlearn.registry import PROBES, TRANSFORMS
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Check, Scenario, Target


def askable(scenario: Scenario, root: Path) -> Knowledge:
    """The knowledge of a scenario all of whose requests can be read and whose checks can ask something about them.

    Raises ScenarioError with every mistake: those of the knowledge, else those of requests and checks.
    """
    knowledge = build(scenario.knowledge, root)
    learn(scenario, knowledge)
    problems: list[Problem] = [one for check in scenario.checks for one in _unworded(check, knowledge)]
    for target in scenario.targets:
        try:
            closure = forgetting(knowledge, target, scenario.retain)
        except ScenarioError as error:
            problems += error.problems
        else:
            learn(scenario, knowledge, closure)
            problems += _silent(scenario, target, closure)
    problems += exposed(scenario, root)
    if problems:
        raise ScenarioError(dict.fromkeys(problems))  # what is retained is read for each request
    return knowledge


def look_for_names(path: Path, root: Path) -> None:
    """Let the output mask what a scenario's file must not say, also where it cannot be read to its end."""
    try:
        askable(load_scenario(path, root), root)
    except UnlearnError:
        current().learn((loosely(path) or ((), ()))[0])


def asked_by(check: Check, knowledge: Knowledge, closure: Closure) -> Space:
    """Everything that a check can ask: what its kind asks, put by its transforms where it has any."""
    space = space_for(check, knowledge, closure)
    if check.transforms is None:
        return space
    said = wordings(check.transforms.wording)
    return composed(space, check.transforms, Scope(knowledge, closure, said, check.transforms.language))


def _unworded(check: Check, knowledge: Knowledge) -> list[Problem]:
    """What the wordings of a check's transforms lack."""
    used = check.transforms
    if used is None:
        return []
    try:
        said = wordings(used.wording)
    except ScenarioError as error:
        return list(error.problems)
    scope = Scope(knowledge, Closure(knowledge, (), (), (), (), frozenset()), said, used.language)
    spoken = {used.language: used.at}
    for use in used.uses:
        languages = TRANSFORMS.get(use.name).facts["languages"]
        spoken |= dict.fromkeys(languages(use.config) if languages else (), use.at)
    found = [problem(use.at, why) for use in used.uses for code in spoken if (why := missing(use.name, said, code))]
    for use in used.uses:
        lacks = TRANSFORMS.get(use.name).facts["lacks"]
        if lacks and (why := lacks(use.config, scope)):
            found.append(problem(use.at, why))
    return found


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
