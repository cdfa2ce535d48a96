"""The pytest plugin. It imports pytest and the standard library only: a project without scenarios pays nothing."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_unlearn import options
from pytest_unlearn.fixtures import unlearn_session, unlearn_subject  # noqa: F401 - where pytest looks for fixtures
from pytest_unlearn.records import Line, Merged, merge

if TYPE_CHECKING:
    from pytest_unlearn.collect import CheckItem, ScenarioFile
    from pytest_unlearn.runner.session import Session

SUFFIX, MISTAKEN = ".unlearn.yaml", ".unlearn.yml"
MARKS = (
    "unlearn: a check of an unlearning scenario",
    "forget: a check that something must be gone",
    "utility: a check that something must stay",
    "robustness: a check that forgetting survives a change of the model or the question",
    "privacy: a check of what an attacker could infer",
    "probe(kind): the probe kind, utility check or metric that a check uses",
    "unlearn_scenario(path, target, candidate): the scenario that `unlearn_subject` is held to",
    "level(part): the part of a hierarchy that a check is about: at, below, sibling or ancestor",
)
SESSION = pytest.StashKey["Session"]()
RUN = pytest.StashKey[str]()
DESELECTED = pytest.StashKey[int]()
LOOKED_AT = pytest.StashKey[list[Path]]()  # scenarios, whether or not any of their checks is selected
LEFT = pytest.StashKey[Merged]()  # what the run has left, once it has ended
UNWRITTEN = pytest.StashKey[list[Line]]()  # lines of records that no file holds


def pytest_addoption(parser: pytest.Parser) -> None:
    """Every option of the plugin, all under one prefix."""
    options.add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Declare marks and name the run; workers of one run share its name."""
    for mark in MARKS:
        config.addinivalue_line("markers", mark)
    config.stash[RUN] = getattr(config, "workerinput", {}).get("unlearn_run") or uuid.uuid4().hex
    from pytest_unlearn import gating, redacting, telling

    config.pluginmanager.register(telling, "unlearn-telling")
    redacting.register(config)
    with redacting.telling(config):  # mistakes are told before workers start
        gating.register(config)
        if config.getoption("unlearn_candidate"):
            from pytest_unlearn.collect import candidates

            candidates(config)
        if options.looks(config) != ("pr", None):
            from pytest_unlearn.collect import settle_profile

            settle_profile(config)  # workers are given its seed, and do not look at the clock
    if config.getoption("unlearn_contract"):
        from pytest_unlearn import contract

        contract.only(config)
    if config.pluginmanager.hasplugin("xdist"):
        from pytest_unlearn import workers

        config.pluginmanager.register(workers, "unlearn-workers")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioFile | None:
    """A scenario file becomes a tree: file, forget request, check."""
    if not file_path.name.endswith((SUFFIX, MISTAKEN)):
        return None
    from pytest_unlearn.collect import scenario_file

    return scenario_file(file_path, parent)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Remember each scenario that can be read: `--lf` takes none of the items of some."""
    report = yield
    if isinstance(collector, pytest.File) and collector.path.name.endswith(SUFFIX) and report.passed:
        collector.config.stash.setdefault(LOOKED_AT, []).append(collector.path)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """With `--unlearn-contract` its tests are all that there is to select from."""
    if session.config.getoption("unlearn_contract"):
        from pytest_unlearn import contract

        items[:] = contract.items(session)


def session(config: pytest.Config) -> Session:
    """The one session of this process, made when the first check runs."""
    if SESSION not in config.stash:
        from pytest_unlearn.collect import make_session

        config.stash[SESSION] = make_session(config, config.stash[RUN])
    return config.stash[SESSION]


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the checks that are left out by `-k`, `-m` and whatever else deselects."""
    for item in items:
        if hasattr(item, "case"):
            item.config.stash[DESELECTED] = item.config.stash.get(DESELECTED, 0) + 1


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Write down what is about to be judged."""
    checks: list[CheckItem] = [item for item in session.items if hasattr(item, "case")]  # type: ignore[misc]
    if checks and not session.config.option.collectonly:
        from pytest_unlearn.collect import begin

        begin(session.config, checks)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close the records; the process that started the workers puts them together."""
    config = session.config
    unwritten = config.stash.setdefault(UNWRITTEN, [])
    if SESSION in config.stash:
        config.stash[SESSION].close()
        unwritten += config.stash[SESSION].unwritten
    if not hasattr(config, "workerinput"):
        from pytest_unlearn.gating import exit_of, others_failed

        code, others = exit_of(session), others_failed(session)
        planless = config.getoption("unlearn_gate") and not config.option.collectonly
        config.stash[LEFT] = merge(folder(config), config.stash[RUN], code, others, unwritten, planless=planless)
    elif unwritten:
        from pytest_unlearn.workers import hand_over

        hand_over(config, unwritten)


def folder(config: pytest.Config) -> Path:
    """Where this run writes."""
    return Path(config.rootpath, config.getoption("unlearn_dir") or config.getini("unlearn_dir"))
