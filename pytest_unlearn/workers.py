"""A run shared by the workers of pytest-xdist, seen from the process that started them. Registered where that runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from pytest_unlearn.plugin import RUN, SUFFIX, UNWRITTEN

TOGETHER, DEADLY = "unlearn_together", "unlearn_deadly"  # what a worker is told beside the name of the run
_HANDED, _REFUSED = "unlearn_unwritten", "unlearn_refused"  # what a worker tells at its end
_WHOLE = {"loadfile", "loadscope"}  # ways to distribute in which all checks of a forget request go to one worker
_DIED = pytest.StashKey[dict[str, bool]]()  # items that died with their worker: whether they ran by themselves


def pytest_configure_node(node: Any) -> None:
    """All workers take part in one run; those that take the place of a dead one are told of what."""
    died = node.config.stash.setdefault(_DIED, {})
    node.workerinput["unlearn_run"] = node.config.stash[RUN]
    node.workerinput[TOGETHER] = not died and node.config.getoption("dist") in _WHOLE
    node.workerinput[DEADLY] = [item for item, alone in died.items() if alone]


def pytest_handlecrashitem(crashitem: str, report: Any) -> None:
    """Remember what died: pytest-xdist may hand it to the next worker again."""
    node = report.node
    node.config.stash[_DIED][crashitem] = not node.workerinput[TOGETHER]


def pytest_xdist_node_collection_finished(node: Any, ids: Sequence[str]) -> None:
    """Tell once, before any worker judges, what is wrong with the command line."""
    if any(f"{SUFFIX}::" in name for name in ids):
        from pytest_unlearn.collect import refuse

        refuse(node.config, ids)


def hand_over(config: pytest.Config, lines: Iterable[Any]) -> None:
    """In a worker: give lines of records that could not be written to the process that started it."""
    output: dict[str, Any] = config.workeroutput  # type: ignore[attr-defined]
    output[_HANDED] = [json.dumps(line) for line in lines]


def tell(config: pytest.Config, refused: str) -> None:
    """In a worker: give what it refuses the run for to the process that started it."""
    config.workeroutput[_REFUSED] = refused  # type: ignore[attr-defined]


def pytest_testnodedown(node: Any, error: object) -> None:
    """Take what a worker tells, and raise UsageError for what it refuses; one that died tells nothing."""
    told: dict[str, Any] = getattr(node, "workeroutput", {})
    if _REFUSED in told:
        raise pytest.UsageError(told[_REFUSED])
    handed: list[str] = told.get(_HANDED, [])
    node.config.stash.setdefault(UNWRITTEN, []).extend(map(json.loads, handed))
