"""What a run as a gate adds to pytest: one verdict at the end, which is the exit code. Registered by the plugin."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_unlearn import redacting
from pytest_unlearn.options import OUTPUTS
from pytest_unlearn.plugin import LEFT, folder
from pytest_unlearn.records import private_folder

if TYPE_CHECKING:
    from pytest_unlearn.gate.verdict import GateVerdict, Reason
    from pytest_unlearn.gate.waivers import Excuses
    from pytest_unlearn.runner.session import Result

MAX_WARNINGS = 6  # the exit code of pytest, where that knows of it
ASKED = ("unlearn_gate", "unlearn_baseline_update", "unlearn_baseline_update_new")
NAME, OTHERS = "unlearn-gate", "unlearn-others"  # of the plugins below
UNDECIDED = frozenset({"fail", "inconclusive", "vacuous", "error"})  # verdicts that a failed item is told by


class Others:
    """Counts what fails in a run beside verdicts: other tests, fixtures, checks that died before they had one."""

    def __init__(self) -> None:
        self.failed = self.by_verdict = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Look at one report; those of workers arrive here too."""
        verdicts = {value for name, value in report.user_properties if name == "unlearn_verdict"}
        by_verdict = report.when == "call" and bool(verdicts & UNDECIDED)
        self.failed += report.failed and not by_verdict
        self.by_verdict += report.failed and by_verdict

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected."""
        self.failed += report.failed


class Gate:
    """Lets waived checks fail, writes baselines, judges the records of the run, and puts the exit code in place."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._verdict: GateVerdict | None = None
        self._updated: list[str] = []
        self._commands: list[str] = []
        self._unwritten: list[str] = []
        self._excuses: Excuses | None = None

    @property
    def excuses(self) -> Excuses:
        """What may fail for now; raises UsageError where the file of waivers cannot be used."""
        if self._excuses is None:
            from pytest_unlearn.collect import shown
            from pytest_unlearn.errors import ScenarioError, UnlearnError
            from pytest_unlearn.gate.gate import excuses
            from pytest_unlearn.gate.waivers import today

            try:
                self._excuses = excuses(self._config.rootpath, self._file, today())
            except ScenarioError as error:
                raise pytest.UsageError(shown(error, self._config.rootpath)) from None
            except UnlearnError as error:
                raise pytest.UsageError(str(error)) from None
        return self._excuses

    @property
    def _wanted(self) -> dict[str, Path]:
        """The files that were asked for, by kind of output."""
        given = {kind: self._config.getoption(f"unlearn_{kind}") for kind in OUTPUTS}
        return {kind: self._config.invocation_params.dir / file for kind, file in given.items() if file}

    @property
    def _file(self) -> Path | None:
        given = self._config.getoption("unlearn_waivers")
        return self._config.invocation_params.dir / given if given else None

    def excused(self, result: Result) -> str | None:
        """Why a failed check may fail, for now; None where it may not."""
        from pytest_unlearn.gate.waivers import leaked, today

        tallies = [{"outcome": tally.outcome.value, "leaked": tally.leaked} for tally in result.verdict.tallies]
        found = leaked({"findings": [one.fingerprint for one in result.findings], "tallies": tallies})
        waiver = self.excuses.covers(result.case.id, found, today())
        return f"waived: {waiver.told(today())}" if waiver else None

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Nothing that an earlier run has written is to be taken for the verdict of this one."""
        if hasattr(self._config, "workerinput") or session.config.option.collectonly:
            return
        from pytest_unlearn.errors import UnlearnError
        from pytest_unlearn.report.files import SUMMARY, clear

        if self._config.getoption("unlearn_gate"):
            with contextlib.suppress(UnlearnError):  # where the folder cannot be written, a run loses files only
                clear({"summary": folder(self._config) / SUMMARY})
            try:
                clear(self._wanted)
            except UnlearnError as error:
                raise pytest.UsageError(str(error)) from None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """After the records are put together and before anything is told of the run."""
        try:
            done = yield
        except BaseException:  # of another plugin: nobody has judged, which must not look like a pass
            if self._config.getoption("unlearn_gate"):
                session.exitstatus = session.exitstatus or pytest.ExitCode.INTERNAL_ERROR
            raise
        if hasattr(self._config, "workerinput") or session.config.option.collectonly:
            return done
        replaced: list[Reason] = []
        if self._config.getoption("unlearn_baseline_update") or self._config.getoption("unlearn_baseline_update_new"):
            replaced = self._update()
        if self._config.getoption("unlearn_gate"):
            if (masking := redacting.of(self._config)) is not None:
                masking.look()
            self._verdict = self._judge(replaced).masked()
            session.exitstatus = self._verdict.exit
            self._write(self._verdict)
        return done

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Baselines and verdict, below what the run says about each check."""
        if self._updated:
            terminalreporter.section("unlearning baselines")
            for line in self._updated:
                terminalreporter.write_line(line)
        if self._verdict is not None:
            first, *more = self._verdict.terminal(self._config.get_terminal_writer().fullwidth)
            quiet = self._config.option.verbose < 0
            if not quiet:
                terminalreporter.section("unlearning gate")
            terminalreporter.write_line(first, bold=True, green=self._verdict.is_open, red=not self._verdict.is_open)
            for line in () if quiet else more:
                terminalreporter.write_line(line)
            for line in (*self._unwritten, *self._commands):
                terminalreporter.write_line(line)

    def _write(self, verdict: GateVerdict) -> None:
        from pytest_unlearn.report import github
        from pytest_unlearn.report.files import SUMMARY, write
        from pytest_unlearn.report.lines import Lines

        lines, place = Lines(verdict, of_run(self._config)), folder(self._config)
        with contextlib.suppress(OSError):
            private_folder(place)
        self._unwritten = list(write(lines, {"summary": place / SUMMARY, **self._wanted}))
        if github.wanted():
            self._commands = list(github.commands(lines, self._config.rootpath))

    def _update(self) -> list[Reason]:
        """Write baselines; gives what is worse than those that they replace."""
        from pytest_unlearn.errors import GateError
        from pytest_unlearn.gate.baseline import compared, update
        from pytest_unlearn.gate.verdict import CLOSED

        records, root = of_run(self._config), self._config.rootpath
        worse: list[Reason] = []
        try:
            worse = [reason for reason in compared(records, root) if reason.code == CLOSED]
            written = update(records, root, new_only=not self._config.getoption("unlearn_baseline_update"))
            self._updated = [str(one) for one in written]
        except GateError as error:
            self._updated = [f"not written: {error}"]
        return worse

    def _judge(self, replaced: Iterable[Reason]) -> GateVerdict:
        """The verdict on this run. `replaced`: what there is to say by baselines that are no more."""
        from pytest_unlearn.errors import UnlearnError
        from pytest_unlearn.gate.gate import gate
        from pytest_unlearn.gate.verdict import CLOSED, UNUSABLE, Reason, verdict

        try:
            found = gate(of_run(self._config), self._config.rootpath, self._file)
        except UnlearnError as error:
            return verdict([Reason(UNUSABLE, str(error))], ())
        left = self._config.stash[LEFT]
        more = [Reason(CLOSED, left.notes[-1])] if left.path is None else []  # nobody could see later why it was open
        return verdict([*found.reasons, *replaced, *more], found.checks)


def of_run(config: pytest.Config) -> list[Any]:
    """The lines of the run that has just ended."""
    return list(config.stash[LEFT].lines)


def exit_of(session: pytest.Session) -> int:
    """How pytest ends, before a gate has its say: plugins may have changed it, and too many warnings will."""
    code, config = int(session.exitstatus), session.config
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    most = getattr(config.option, "max_warnings", None)
    if most is None and hasattr(config.option, "max_warnings"):
        most = config.getini("max_warnings")
    if code == 0 and most is not None and reporter and len(reporter.stats.get("warnings", ())) > int(most):
        return MAX_WARNINGS
    return code


def others_failed(session: pytest.Session) -> int:
    """How many failures there were beside the verdicts. A plugin may ask for one without a test that fails."""
    found: Others | None = session.config.pluginmanager.get_plugin(OTHERS)
    if found is None:
        return 0
    counted = found.failed + found.by_verdict
    every = max(session.testsfailed, int(session.exitstatus == pytest.ExitCode.TESTS_FAILED))
    return found.failed + max(0, every - counted)


def register(config: pytest.Config) -> None:
    """Count failures in every run; where the run is a gate, read its files before anything else happens."""
    config.pluginmanager.register(Others(), OTHERS)
    for kind in OUTPUTS:
        if config.getoption(f"unlearn_{kind}") and not config.getoption("unlearn_gate"):
            raise pytest.UsageError(f"--unlearn-{kind} writes the verdict of a gate: give --unlearn-gate as well")
    if any(config.getoption(name) for name in ASKED):
        made = Gate(config)
        if config.getoption("unlearn_gate"):
            _ = made.excuses
        config.pluginmanager.register(made, NAME)


def excused(config: pytest.Config, result: Result) -> str | None:
    """Why a failed check may fail, for now, where the run is a gate."""
    made: Gate | None = config.pluginmanager.get_plugin(NAME)
    return made.excused(result) if made and config.getoption("unlearn_gate") else None
