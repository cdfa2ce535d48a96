"""Scenario files as pytest items: file > forget request > check. They are real functions with fixtures and marks."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

from pytest_unlearn import redacting
from pytest_unlearn.checks.askable import askable
from pytest_unlearn.errors import ScenarioError, did_you_mean
from pytest_unlearn.knowledge.private import told
from pytest_unlearn.options import looks
from pytest_unlearn.plugin import DESELECTED, LOOKED_AT, MISTAKEN, SUFFIX, folder, session
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Case, Scenario, Target
from pytest_unlearn.scenario.profile import PROFILES, profiled, seed_of_profile
from pytest_unlearn.sizes import bytes_of
from pytest_unlearn.workers import DEADLY, TOGETHER

STANDS = pytest.StashKey[dict[tuple[Path, str], Any]]()  # results that are no pass, by case
SCREEN = pytest.StashKey[IO[str]]()  # where a person sees how far a check is


class ScenarioFile(pytest.File):
    """One `*.unlearn.yaml` file. A file that cannot be used is a collection error with every problem in it."""

    def collect(self) -> Iterator[TargetNode]:
        """One node a forget request."""
        root = self.config.rootpath
        if not self.path.name.endswith(SUFFIX):
            ending = f"{_relative(self.path, root)}:1:1: the file of a scenario ends in {SUFFIX}, not in {MISTAKEN}"
            raise self.CollectError(f"{ending}: rename it, or nothing in it is judged")
        try:
            scenario = profiled(load_scenario(self.path, root), *profile(self.config))
            askable(scenario, root)
        except ScenarioError as error:
            raise self.CollectError(told(error, self.path).replace(f"{root}/", "")) from None
        for tag in {*scenario.tags, *(tag for check in scenario.checks for tag in check.tags)}:
            self.config.addinivalue_line("markers", f"{tag}: a tag of an unlearning scenario")
        for target in scenario.targets:
            yield TargetNode.from_parent(self, name=target.label, scenario=scenario, target=target)


def scenario_file(path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """The file, unless its very name must not be told: it would stand in the report of any mistake in it."""
    masking = redacting.of(parent.config)
    return None if masking and masking.refuses(path) else ScenarioFile.from_parent(parent, path=path)


class TargetNode(pytest.Collector):
    """One forget request of a file."""

    def __init__(self, *, scenario: Scenario, target: Target, **rest: Any) -> None:
        super().__init__(**rest)
        self._scenario, self._target = scenario, target

    def collect(self) -> Iterator[CheckItem]:
        """One item a check and candidate."""
        for case in cases(self._scenario, candidates(self.config)):
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
        if check.level is not None:
            self.add_marker(pytest.mark.level(part=check.level))
        if check.xfail is not None:
            self.add_marker(pytest.mark.xfail(reason=check.xfail, strict=False))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the check is written; lines count from 0 here."""
        check = self.case.check
        return self.path, check.at.line - 1, f"{self.case.scenario.name} > {self.case.target.label} > {self.case.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Our own failures are told in words, without a traceback; where one line must do, by their first."""
        if not isinstance(excinfo.value, NotPassedError):
            return super().repr_failure(excinfo)
        told = excinfo.getrepr(style="value", chain=False)
        if told.reprcrash is not None:
            told.reprcrash.path, told.reprcrash.lineno = str(self.path), self.case.check.at.line
            told.reprcrash.message = str(excinfo.value).partition("\n")[0]
        if self.config.getoption("tbstyle") == "line":
            told.reprtraceback.reprentries = []  # pytest adds the line of `reprcrash`
        return told


class NotPassedError(AssertionError):
    """A check whose verdict is not a pass; the message is the whole report of it."""


def _judge(case: Case) -> Callable[..., None]:
    def check(unlearn_session: Any, request: pytest.FixtureRequest) -> None:
        from pytest_unlearn.gating import excused
        from pytest_unlearn.report.progress import shown as progress
        from pytest_unlearn.report.text import block
        from pytest_unlearn.verdict.verdict import Outcome

        if request.node.nodeid in getattr(request.config, "workerinput", {}).get(DEADLY, ()):
            pytest.fail("a worker of pytest-xdist died of this check: it is not tried again", pytrace=False)
        screen, writer = request.config.stash.get(SCREEN, None), request.config.get_terminal_writer()
        with progress(screen, writer, case.name, unlearn_session):
            try:
                result = _first(request.config, case, unlearn_session)
            except BaseException:
                _tell(request.node, [("unlearn_id", case.id), ("unlearn_verdict", Outcome.ERROR.value)])
                raise
        verdict = result.verdict
        _tell(request.node, _properties(result))
        if verdict.outcome is Outcome.NOT_APPLICABLE:
            pytest.skip(verdict.reason)
        if verdict.outcome is Outcome.FAIL and (why := excused(request.config, result)):
            pytest.xfail(why)
        if verdict.outcome is not Outcome.PASS:
            place = f"{_relative(case.scenario.path, request.config.rootpath)}:{case.check.at.line}"
            raise NotPassedError(block(result, place, writer.fullwidth))

    return check


def _first(config: pytest.Config, case: Case, session: Any) -> Any:
    """The verdict of a case. One that is no pass stands, however often a plugin tries the test until it passes; an
    `error` is no verdict, and may be tried again: the records have every attempt."""
    stands, name = config.stash.setdefault(STANDS, {}), (case.scenario.path, case.id)
    if name not in stands:
        result = session.judge(case)
        if result.verdict.outcome.value in ("pass", "error"):
            return result
        stands[name] = result
    return stands[name]


def _tell(item: Any, properties: list[tuple[str, object]]) -> None:
    """Put these in the place of what was told of an earlier attempt."""
    item.user_properties[:] = [one for one in item.user_properties if not one[0].startswith("unlearn_")] + properties


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
            argv=tuple(config.invocation_params.args),
            device=config.getoption("unlearn_device") or config.getini("unlearn_device"),
            candidates=candidates(config),
            trust_remote_code=config.getoption("unlearn_trust_remote_code"),
            network=config.getoption("unlearn_network"),
            memo_limit=_memo_limit(config),
            weights=config.getoption("unlearn_evidence") is not None,
        )
    )


def refuse(config: pytest.Config, ids: Iterable[str]) -> None:
    """Raise UsageError for settings that cannot be meant, such as a candidate for a label that no selected id has."""
    _memo_limit(config)
    places = (name.split("::") for name in ids)
    labels = {place[1] for place in places if len(place) > 1 and place[0].endswith(SUFFIX)}
    for label in candidates(config).keys() - labels - {""}:
        hint = did_you_mean(label, labels)
        raise pytest.UsageError(f"--unlearn-candidate {label}=...: no selected scenario forgets '{label}'{hint}")


def begin(config: pytest.Config, items: Sequence[CheckItem]) -> None:
    """Record the plan of the run, unless a request has no candidate or the command line names what is not there."""
    from pytest_unlearn.report.progress import screen
    from pytest_unlearn.runner.candidates import not_there, without_candidate

    worker = hasattr(config, "workerinput")
    try:
        refuse(config, [item.nodeid for item in items])
    except pytest.UsageError:
        if not worker:
            raise
        return  # the process that started this one says the same, and ends the run
    selected, given = [item.case for item in items], candidates(config)
    if not worker:  # where a worker stops, its checks go untold: there each tells its error
        if absent := without_candidate(selected, given):
            raise pytest.UsageError(shown(ScenarioError(absent), config.rootpath))
        if lacking := not_there(selected, given, network=config.getoption("unlearn_network")):
            raise pytest.UsageError("\n".join(lacking))
    if (terminal := screen(config)) is not None:
        config.stash[SCREEN] = terminal
        config.add_cleanup(terminal.close)
    deselected, together = config.stash.get(DESELECTED, 0), _together(config, items)
    session(config).begin(selected, deselected, together=together, untouched=_untouched(config, selected))


def _untouched(config: pytest.Config, selected: Iterable[Case]) -> list[Scenario]:
    """The scenarios that were looked at and of which no check is selected; raises UsageError."""
    touched = {case.scenario.path for case in selected}
    paths = dict.fromkeys(path for path in config.stash.get(LOOKED_AT, ()) if path not in touched)
    try:
        return [profiled(load_scenario(path, config.rootpath), *profile(config)) for path in paths]
    except ScenarioError as error:
        raise pytest.UsageError(shown(error, config.rootpath)) from None


def _together(config: pytest.Config, items: Iterable[pytest.Item]) -> bool:
    """Whether one check may ask for others: not where these may run in another process or one of them killed a worker,
    nor where pytest-timeout would charge it with the time of all."""
    worker = getattr(config, "workerinput", None)
    if worker is not None and not worker[TOGETHER]:
        return False
    if not config.pluginmanager.hasplugin("timeout"):
        return True
    limits = (config.getoption("timeout"), config.getini("timeout"), os.environ.get("PYTEST_TIMEOUT"))
    return not any(limits) and not any(item.get_closest_marker("timeout") for item in items)


def shown(error: ScenarioError, root: Path) -> str:
    """Problems with paths as a person types them."""
    return str(error).replace(f"{root}/", "")


def _memo_limit(config: pytest.Config) -> int:
    try:
        return bytes_of(config.getini("unlearn_memo_limit"))
    except ValueError as error:
        raise pytest.UsageError(f"unlearn_memo_limit: {error}") from None


def profile(config: pytest.Config) -> tuple[str, int]:
    """How hard this run looks: the name of its profile, and its seed; raises UsageError for a profile that is none."""
    name, given = looks(config)
    if name not in PROFILES:
        hint = did_you_mean(name, PROFILES)
        raise pytest.UsageError(f"unlearn_profile: there is no profile '{name}', only {', '.join(PROFILES)}{hint}")
    return name, seed_of_profile(name) if given is None else given


def settle_profile(config: pytest.Config) -> None:
    """Fix the seed of a run once, so that midnight or another process draws no other questions."""
    _, config.option.unlearn_seed = profile(config)


def candidates(config: pytest.Config) -> dict[str, str]:
    """The checkpoints of the command line by forget label, "" for every request; raises UsageError for a second one."""
    options: list[str] = config.getoption("unlearn_candidate")
    found: dict[str, str] = {}
    for option in options:
        label, _, path = option.rpartition("=")
        if label in found:
            raise pytest.UsageError(
                f"--unlearn-candidate is given twice for {label or 'every request'}: {shlex.join(options)}"
            )
        local = config.invocation_params.dir / path
        found[label] = str(local.resolve()) if local.exists() else path
    return found


def _relative(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
