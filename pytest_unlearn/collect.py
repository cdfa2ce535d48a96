"""Scenario files as pytest items: file > forget request > check. They are real functions with fixtures and marks."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.checks.askable import askable
from pytest_unlearn.errors import ScenarioError, did_you_mean
from pytest_unlearn.plugin import folder, session
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Case, Scenario, Target
from pytest_unlearn.sizes import bytes_of


class ScenarioFile(pytest.File):
    """One `*.unlearn.yaml` file. A file that cannot be used is a collection error with every problem in it."""

    def collect(self) -> Iterator[TargetNode]:
        """One node a forget request."""
        root = self.config.rootpath
        try:
            scenario = load_scenario(self.path, root)
            askable(scenario, root)
        except ScenarioError as error:
            raise self.CollectError(shown(error, root)) from None
        for tag in {*scenario.tags, *(tag for check in scenario.checks for tag in check.tags)}:
            self.config.addinivalue_line("markers", f"{tag}: a tag of an unlearning scenario")
        for target in scenario.targets:
            yield TargetNode.from_parent(self, name=target.label, scenario=scenario, target=target)


class TargetNode(pytest.Collector):
    """One forget request of a file."""

    def __init__(self, *, scenario: Scenario, target: Target, **rest: Any) -> None:
        super().__init__(**rest)
        self._scenario, self._target = scenario, target

    def collect(self) -> Iterator[CheckItem]:
        """One item a check and candidate."""
        given = _candidates(self.config.getoption("unlearn_candidate"), self.config.invocation_params.dir)
        for case in cases(self._scenario, given):
            if case.target is self._target:
                yield CheckItem.from_parent(self, name=case.name, case=case)


class CheckItem(pytest.Function):
    """One check of one forget request and candidate."""

    case: Case

    def __init__(self, *, case: Case, **rest: Any) -> None:
        super().__init__(callobj=_judge(case), **rest)
        self.case = case
        check = case.check
        for mark in ("unlearn", check.claim, *case.scenario.tags, *check.tags):
            self.add_marker(mark)
        self.add_marker(pytest.mark.probe(kind=check.kind))
        if check.xfail is not None:
            self.add_marker(pytest.mark.xfail(reason=check.xfail, strict=False))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the check is written; lines count from 0 here."""
        check = self.case.check
        return self.path, check.at.line - 1, f"{self.case.scenario.name} > {self.case.target.label} > {self.case.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our own failures are told in words, without a traceback."""
        if isinstance(excinfo.value, NotPassedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class NotPassedError(AssertionError):
    """A check whose verdict is not a pass; the message is the whole report of it."""


def _judge(case: Case) -> Callable[..., None]:
    def check(unlearn_session: Any, request: pytest.FixtureRequest) -> None:
        from pytest_unlearn.report.text import block
        from pytest_unlearn.verdict.verdict import Outcome

        result = unlearn_session.judge(case)
        verdict = result.verdict
        request.node.user_properties += _properties(result)
        if verdict.outcome is Outcome.NOT_APPLICABLE:
            pytest.skip(verdict.reason)
        if verdict.outcome is not Outcome.PASS:
            place = f"{_relative(case.scenario.path, request.config.rootpath)}:{case.check.at.line}"
            raise NotPassedError(block(result, place))

    return check


def _properties(result: Any) -> list[tuple[str, object]]:
    """What JUnit and other reports carry beside the outcome."""
    found: list[tuple[str, object]] = [
        ("unlearn_id", result.case.id),
        ("unlearn_claim", result.case.check.claim),
        ("unlearn_verdict", result.verdict.outcome.value),
    ]
    for tally in result.verdict.tallies:
        for name in ("estimate", "upper", "limit", "n", "units", "leaks"):
            value = getattr(tally, name)
            if value is not None:
                found.append((f"unlearn_{tally.grader}_{name}", value))
    return found + [(f"unlearn_digest_{name}", digest) for name, digest in result.digests.items()]


def make_session(config: pytest.Config, run: str) -> Any:
    """The session that the command line describes."""
    from pytest_unlearn.runner.session import Session
    from pytest_unlearn.runner.settings import Settings

    worker = getattr(config, "workerinput", None)
    return Session(
        Settings(
            root=config.rootpath,
            folder=folder(config),
            run=run,
            worker=worker["workerid"] if worker else "main",
            ahead=not worker or config.getoption("dist", "no") in {"loadfile", "loadgroup"},
            argv=tuple(config.invocation_params.args),
            device=config.getoption("unlearn_device") or config.getini("unlearn_device"),
            candidates=_candidates(config.getoption("unlearn_candidate"), config.invocation_params.dir),
            trust_remote_code=config.getoption("unlearn_trust_remote_code"),
            network=config.getoption("unlearn_network"),
            memo_limit=_memo_limit(config),
        )
    )


def begin(config: pytest.Config, items: Sequence[CheckItem], collected: int) -> None:
    """Record the plan of the run, unless a request has no candidate or the command line names what is not there."""
    from pytest_unlearn.runner.candidates import not_there, without_candidate

    selected = [item.case for item in items]
    labels = {case.target.label for case in selected}
    given = _candidates(config.getoption("unlearn_candidate"), config.invocation_params.dir)
    for label in given.keys() - labels - {""}:
        hint = did_you_mean(label, labels)
        raise pytest.UsageError(f"--unlearn-candidate {label}=...: no selected scenario forgets '{label}'{hint}")
    if not hasattr(config, "workerinput"):  # where a worker stops, its checks go untold: there each tells its error
        if absent := without_candidate(selected, given):
            raise pytest.UsageError(shown(ScenarioError(absent), config.rootpath))
        if unknown := not_there(selected, given, network=config.getoption("unlearn_network")):
            raise pytest.UsageError("\n".join(unknown))
    session(config).begin(selected, deselected=max(0, collected - len(items)))


def shown(error: ScenarioError, root: Path) -> str:
    """Problems with paths as a person types them."""
    return str(error).replace(f"{root}/", "")


def _memo_limit(config: pytest.Config) -> int:
    try:
        return bytes_of(config.getini("unlearn_memo_limit"))
    except ValueError as error:
        raise pytest.UsageError(f"unlearn_memo_limit: {error}") from None


def _candidates(options: Sequence[str], folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for option in options:
        label, _, path = option.rpartition("=")
        if label in found:
            raise pytest.UsageError(
                f"--unlearn-candidate is given twice for {label or 'every request'}: {shlex.join(options)}"
            )
        local = folder / path
        found[label] = str(local.resolve()) if local.exists() else path
    return found


def _relative(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
