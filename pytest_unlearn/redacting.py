"""What redaction adds to pytest: everything that it reports passes through here. Registered by the plugin.

Reports are masked before any other plugin sees them, so that the terminal, JUnit and whatever else is made from them
has no name; what is written on the terminal without being a report (warnings, interrupts) is masked as it is written.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import is_dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.plugin import SUFFIX
from pytest_unlearn.redact import OFF, Redactor, key_in, start, stop, wanted

NAME = "unlearn-redacting"
TELLING = frozenset({"longrepr", "sections", "user_properties", "wasxfail", "context"})
PUBLIC = frozenset({"nodeid", "location", "when", "outcome", "keywords", "worker_id", "result", "_path"})
DEEP = 12  # how far the parts of a report are followed


class Redacting:
    """Masks reports, warnings and errors of one run, and refuses ids that would give a private name away."""

    def __init__(self, config: pytest.Config, redactor: Redactor) -> None:
        self._config, self._redactor = config, redactor
        self._looked = False
        self._refused: list[str] = []

    def text(self, text: str) -> str:
        """A text as it may leave; before the first one all scenarios that the run is about are looked at for names."""
        self.look()
        return self._redactor.text(text)

    def look(self) -> None:
        """Learn what the scenarios of the run must not say: a test may fail before they are read."""
        if self._looked:
            return
        self._looked = True
        for path in _scenarios(self._config):
            self._learn(path)

    def refuses(self, path: Path) -> bool:
        """Whether the name of a scenario's file cannot be told; the run ends before anything is judged then."""
        self._learn(path)
        root = self._config.rootpath
        named = self._named(path.relative_to(root) if path.is_relative_to(root) else path, "file")
        if named:
            self._refused.append(named)
        return bool(named)

    def _named(self, path: Path, what: str) -> str:
        """What is wrong with a path that stands in ids; empty where it has no name of something private."""
        own, every = (self._redactor.private_in(text) for text in (path.name, path.as_posix()))
        if not every:
            return ""
        where = f"name of this {what}" if own else f"folder of this {what}"
        place = f"{self._redactor.text(path.as_posix())}{':1:1' if what == 'file' else ''}"
        return (
            f"{place}: the {where} has a name of {' and '.join(own or every)}, which is private: it stands in every "
            "output, also where names are masked. Choose another"
        )

    def _learn(self, path: Path) -> None:
        from pytest_unlearn.checks.askable import look_for_names

        look_for_names(path, self._config.rootpath)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Mask what is written on the terminal; look at the scenarios, first at those that the command line names."""
        if self._config.pluginmanager.hasplugin("terminalreporter"):
            writer: Any = self._config.get_terminal_writer()
            plain: Callable[..., None] = writer.write
            writer.write = lambda msg, **markup: plain(self._redactor.text(str(msg)), **markup)
        for arg in self._config.args:
            path = self._config.invocation_params.dir / arg.partition("::")[0]
            if path.name.endswith(SUFFIX) and path.is_file():
                self.refuses(path.resolve())
        self._refuse()
        self.look()

    def _refuse(self, *more: str) -> None:
        """Raise UsageError for names that must not be told; the process that started a worker raises it too."""
        if refused := "\n".join((*self._refused, *more)):
            if hasattr(self._config, "workerinput"):
                from pytest_unlearn.workers import tell

                tell(self._config, refused)
            raise pytest.UsageError(refused)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Refuse ids of tests that name something private: pytest keeps them in its cache."""
        self._refuse()
        for item in items:
            if not hasattr(item, "case") and (named := self._redactor.private_in(item.nodeid)):
                file, line, _ = item.reportinfo()
                self._refused.append(
                    self._redactor.text(f"{os.path.relpath(file, self._config.rootpath)}:{(line or 0) + 1}:1: ")
                    + f"the id of a test has a name of {' and '.join(named)}, which is private: it stands in every "
                    "output, also where names are masked. Choose another, such as by `pytest.param(..., id=...)`"
                )
        self._refuse()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_finish(self) -> Generator[None, Any, Any]:
        """What is wrong with the command line is told without names too."""
        with telling(self._config):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Before another plugin sees it."""
        return self._masked((yield))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """The same for what cannot be collected. A file whose name must not be told has no report at all."""
        what = "file" if isinstance(collector, pytest.File) else "folder"
        if collector.nodeid and (named := self._named(Path(collector.nodeid.partition("::")[0]), what)):
            self._refuse(named)
        return self._masked((yield))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Reports that were made elsewhere, as those of subtests are."""
        self._masked(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: Any) -> None:
        """The same for what cannot be collected."""
        self._masked(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: Any) -> None:
        """Where pytest itself or a plugin breaks down."""
        _mask(excrepr, self.text, DEEP)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: Any) -> None:
        """A warning, and the line of source that pytest shows below it."""
        import linecache

        warning = warning_message.message
        told = self.text(str(warning))
        if told != str(warning):
            warning_message.message = _replaced(warning, told)
        line = warning_message.line or linecache.getline(warning_message.filename, warning_message.lineno)
        warning_message.line = self.text(line.strip()) if line else line

    def _masked(self, report: Any) -> Any:
        """The same report. Of what other plugins add to one, texts and plain data are masked."""
        for name, value in list(vars(report).items()):
            if value and name == "user_properties":
                report.user_properties = [tuple(map(self._property, one)) for one in value]
            elif value and name in TELLING:
                setattr(report, name, _mask(value, self.text, DEEP))
            elif value and name not in PUBLIC and isinstance(value, str | list | tuple | dict):
                setattr(report, name, _plain(value, self.text, DEEP))
        return report

    def _property(self, value: Any) -> Any:
        """The value of a property; where masking its parts is not enough, the text that JUnit makes of it."""
        told = _plain(value, self.text, DEEP)
        return told if self.text(str(told)) == str(told) else self.text(str(told))


@contextlib.contextmanager
def telling(config: pytest.Config) -> Iterator[None]:
    """In here a UsageError is told without names."""
    try:
        yield
    except pytest.UsageError as error:
        if (masking := of(config)) is None:
            raise
        raise pytest.UsageError(*(masking.text(str(one)) for one in error.args)) from None


def register(config: pytest.Config) -> None:
    """Mask the output of this run, if that is wanted; else make sure that no outer run masks it."""
    redactor = OFF
    if is_on(config):
        from pytest_unlearn.subjects.store import default_root

        redactor = Redactor(lambda: key_in(default_root()))
        config.pluginmanager.register(Redacting(config, redactor), NAME)
    start(redactor)
    config.add_cleanup(lambda: stop(redactor))


def is_on(config: pytest.Config) -> bool:
    """What the command line says, else the ini file, else whether this is a job of a CI service."""
    said = config.getoption("unlearn_redact") or config.getini("unlearn_redact")
    if said not in ("on", "off", "auto"):
        raise pytest.UsageError(f"unlearn_redact is on, off or auto, not '{said}'")
    return wanted(said)


def of(config: pytest.Config) -> Redacting | None:
    """What masks the output of this run, if anything does."""
    found: Redacting | None = config.pluginmanager.get_plugin(NAME)
    return found


def _scenarios(config: pytest.Config) -> Iterator[Path]:
    """The scenario files that the arguments name, or that are below them, or beside a file of tests."""
    left_out = config.getini("norecursedirs")
    seen: set[Path] = set()
    for arg in config.args:
        path = config.invocation_params.dir / arg.partition("::")[0]
        if path.is_file() and path.name.endswith(SUFFIX):
            seen.add(path.resolve())
            continue
        top = path if path.is_dir() else path.parent
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if not any(fnmatch(name, one) for one in left_out)]
            seen |= {Path(folder, name).resolve() for name in files if name.endswith(SUFFIX)}
    yield from sorted(seen)


def _mask(value: Any, mask: Callable[[str], str], depth: int) -> Any:
    """The parts of a report without names: texts and collections anew, objects that pytest prints in place."""
    if depth and (is_dataclass(value) or hasattr(value, "toterminal")):
        return _in_place(value, mask, depth)
    return _plain(value, mask, depth, _mask)


def _plain(value: Any, mask: Callable[[str], str], depth: int, inner: Callable[..., Any] | None = None) -> Any:
    """Texts and collections without names; `inner` is for what they hold."""
    inner = inner or _plain
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list) and all(isinstance(one, str) and "\n" not in one for one in value):
        return mask("\n".join(value)).split("\n") if value else value  # a name may stand in two lines
    if isinstance(value, tuple | list) and depth and type(value) in (tuple, list):
        return type(value)(inner(one, mask, depth - 1) for one in value)
    if isinstance(value, dict) and depth:
        return {key: inner(one, mask, depth - 1) for key, one in value.items()}
    return value


def _in_place(value: Any, mask: Callable[[str], str], depth: int) -> Any:
    """An object whose fields are masked; what cannot be changed is told as text."""
    try:
        for name, inner in vars(value).items():
            setattr(value, name, _mask(inner, mask, depth - 1))
    except (TypeError, AttributeError):
        return mask(str(value))
    return value


def _replaced(warning: Any, told: str) -> Any:
    """A warning of the same kind that says something else."""
    try:
        made = type(warning)(told)
    except Exception:  # whatever the kind wants
        return UserWarning(told)
    return made if str(made) == told else UserWarning(told)
