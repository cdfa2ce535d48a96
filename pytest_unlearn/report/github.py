"""The verdict of a gate as annotations of a workflow of GitHub, on the lines of YAML that it is about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pytest_unlearn.gate.verdict import Reason
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.report.plain import command, setting, short

LONGEST = 2000  # characters of a message
MOST = 10  # of a kind: GitHub shows no more of one step


def wanted() -> bool:
    """Whether this is a job of GitHub Actions."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def commands(lines: Lines, root: Path) -> Iterator[str]:
    """Commands that put an annotation on what closes the gate (`error`) and on what else is said (`warning`).

    The first is about the run as a whole. `root`: the project, which may be a folder of what was checked out.
    """
    verdict = lines.verdict
    level = "notice" if verdict.is_open else "error"
    yield f"::{level} title=unlearning gate::{command(verdict.headline())}"
    for level, some in (
        ("error", [one for one in verdict.reasons if one.code][: MOST - 1]),
        ("warning", [one for one in verdict.reasons if not one.code][:MOST]),
    ):
        yield from (_of(level, reason, root) for reason in some)


def _of(level: str, reason: Reason, root: Path) -> str:
    place = f"file={setting(_in_checkout(reason.file, root))},line={max(reason.line, 1)}," if reason.file else ""
    return (
        f"::{level} {place}title={setting(reason.check or 'unlearning gate')}::{command(short(reason.text, LONGEST))}"
    )


def _in_checkout(file: str, root: Path) -> str:
    given = os.environ.get("GITHUB_WORKSPACE")
    path = (root / file).resolve()
    top = Path(given).resolve() if given else root
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else file
