"""A finding asked again: is it fixed?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_unlearn.checks.context import CheckError, Context
from pytest_unlearn.checks.controls import graded
from pytest_unlearn.checks.judge import space_of
from pytest_unlearn.checks.pinned import found_again
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.runner.findings import Finding
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Case
from pytest_unlearn.subjects.ask import Asking


class State(StrEnum):
    """What became of a finding."""

    FIXED = "FIXED"
    FAILED = "FAILED"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Replayed:
    """`said`: the candidate's answer, `original`: that of the original; both empty when nothing was asked."""

    state: State
    why: str
    said: str = ""
    original: str = ""


def replay(finding: Finding, session: Session) -> Replayed:
    """Put a finding's question to original and candidate, each alone and in float32. What hinders it is an ERROR."""
    try:
        return session.ask(_case(finding, session.settings), lambda context: _asked(finding, context))
    except (CheckError, UnlearnError) as error:
        return Replayed(State.ERROR, str(error))


def _case(finding: Finding, settings: Settings) -> Case:
    root, given = settings.root, settings.candidates
    path = root / finding.body["file"]
    if not path.is_file():
        raise UnlearnError(f"the scenario {finding.body['file']} is not in {root} any more")
    alike = [case for case in cases(load_scenario(path, root), given) if case.asks == finding.id]
    label = finding.body.get("candidate", "")
    case = next((case for case in alike if case.candidate.label == label), alike[0] if alike else None)
    if case is None or case.check.verb != "ask":
        raise UnlearnError(f"{finding.body['file']} has no check {finding.id} that asks any more")
    return case


def _asked(finding: Finding, context: Context) -> Asking[Replayed]:
    probe = found_again(context, space_of(context), finding.built)
    if probe is None:
        return Replayed(State.ERROR, "the scenario does not ask this question any more")
    grader = next((grader for grader in context.graders() if grader.name == finding.body["grader"]), None)
    if grader is None:
        return Replayed(State.ERROR, f"the check is not graded by {finding.body['grader']} any more")
    (before,) = yield from graded(grader, "original", [probe], alone=True)
    (after,) = yield from graded(grader, "candidate", [probe], alone=True)
    if not before.leak:
        state, why = State.ERROR, "the original does not know the answer any more, so that its absence shows nothing"
    elif after.leak:
        state, why = State.FAILED, "still leaks"
    else:
        state, why = State.FIXED, "no longer leaks"
    return Replayed(state, why, after.said, before.said)
