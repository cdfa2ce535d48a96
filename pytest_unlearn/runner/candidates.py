"""What shows of a run's candidates before anything is judged: that one is not given, or is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_unlearn.errors import Problem
from pytest_unlearn.knowledge.places import problem
from pytest_unlearn.runner.make import FIXTURE, RETRAINED, not_given
from pytest_unlearn.scenario.model import PLANTED, Case, ModelName, Scenario
from pytest_unlearn.subjects.load import missing


def without_candidate(cases: Iterable[Case], given: Mapping[str, str]) -> list[Problem]:
    """The forget requests that neither their scenario nor the command line gives a candidate, each told once."""
    found: dict[Problem, None] = {}
    for case in cases:
        models = case.scenario.models
        if case.candidate.made is None and not {case.target.label, ""} & given.keys():
            found[problem(models.at, not_given(case.target))] = None
    return list(found)


def not_there(cases: Iterable[Case], given: Mapping[str, str], *, network: bool) -> list[str]:
    """The checkpoints of the command line that name no model, with what to do."""
    found: dict[str, None] = {}
    for case in cases:
        label = case.target.label if case.target.label in given else ""
        text = given.get(label, FIXTURE)
        if not text.startswith(FIXTURE):
            why = missing(text, case.scenario.path.parent, allow_network=network)
            if why:
                found[f"--unlearn-candidate {f'{label}=' if label else ''}{text}: {why}"] = None
    return list(found)


def absent(scenario: Scenario) -> list[str]:
    """The models that a scenario names and that are not there, each told with its place; hub ids may be elsewhere."""
    models = scenario.models
    made = [candidate.made for candidate in models.candidates]
    named = [models.original, models.reference, *(name for name in made if isinstance(name, ModelName))]
    found = []
    for name in named:
        if name is not None and name.text != RETRAINED and not name.text.startswith((FIXTURE, PLANTED)):
            why = missing(name.text, scenario.path.parent, allow_network=True)
            found += [f"{name.at}: note: {why}"] if why else []
    return found
