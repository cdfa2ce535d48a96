"""The policy of a release gate: the scenario's own keys, and below them `[tool.unlearn.gate]` of pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pytest_unlearn.errors import Mark, Problem, ScenarioError
from pytest_unlearn.scenario.border import shape_of
from pytest_unlearn.scenario.model import Gate
from pytest_unlearn.scenario.nodes import Document, Marks, Where
from pytest_unlearn.scenario.problems import Problems, shown

PROJECT, TABLE = "pyproject.toml", ("tool", "unlearn", "gate")


def policy(own: dict[str, Any], root: Path) -> Gate:
    """The whole policy of a scenario whose `gate` says `own`, which was found to be without a mistake.

    Raises ScenarioError with every mistake of the project's part.
    """
    path = root / PROJECT
    try:
        state = path.stat()
    except OSError:
        below: dict[str, Any] = {}
    else:
        below = _project(path, state.st_mtime_ns, state.st_size)
    problems = Problems(_document(path, {**below, **own}, ""))
    gate: Gate | None = shape_of(Gate).read({**below, **own}, (), problems)
    problems.stop()
    assert gate is not None  # it is missing only beside a mistake
    return gate


@lru_cache(maxsize=8)
def _project(path: Path, changed: int, size: int) -> dict[str, Any]:
    """The keys of a project, read again when its file has changed."""
    try:
        text = path.read_text(encoding="utf-8")
        data: Any = tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ScenarioError([Problem(Mark(path), f"the file cannot be read: {error}")]) from None
    for key in TABLE:
        data = data.get(key, {}) if isinstance(data, dict) else data
    problems = Problems(_document(path, data, text))
    if isinstance(data, dict):
        shape_of(Gate).read(data, (), problems)
    else:
        problems.add((), f"`[{'.'.join(TABLE)}]` is {shown(data)}: write a table")
    problems.stop()
    return dict(data)


def _document(path: Path, data: Any, text: str) -> Document:
    """A table of TOML as the border reads it. A key is placed where it first stands below the head of the table."""
    lines = text.splitlines()
    head = next((i for i, line in enumerate(lines) if line.strip() == f"[{'.'.join(TABLE)}]"), 0)
    raw: dict[Where, Any] = {(): SimpleNamespace(line=head, column=0)}
    for i, line in enumerate(lines[head + 1 :], head + 1):
        if found := re.match(r"\s*([A-Za-z0-9_-]+)\s*=", line):
            raw.setdefault((found[1],), SimpleNamespace(line=i, column=found.start(1)))
    return Document(path, data, Marks(path, raw), Marks(path, raw), tuple(lines))
