"""The options of a kind that a call in Python gives, read as those that stand in a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pytest_unlearn.registry import Entry, Use
from pytest_unlearn.scenario.border import read_method
from pytest_unlearn.scenario.nodes import Document, Marks, Where
from pytest_unlearn.scenario.problems import Problems


class _Place(NamedTuple):
    """A line and a column, counted from 0."""

    line: int
    column: int


def read_call(entry: Entry[Any], options: Mapping[str, Any], call: str) -> Any:
    """The config of a kind; raises ScenarioError with each mistake and its place in `call`, an option a line."""
    path, names = Path(call), list(options)
    lines = tuple(f"{name}={options[name]!r}" for name in names)
    starts: dict[Where, Any] = {(name,): _Place(i, 0) for i, name in enumerate(names)}
    values: dict[Where, Any] = {(name,): _Place(i, len(name) + 1) for i, name in enumerate(names)}
    data = {name: _named(value) if name == "wrap" else _plain(value) for name, value in options.items()}
    if data.get("wrap") == []:  # in Python a list that is made may be empty
        del data["wrap"]
    problems = Problems(Document(path, data, Marks(path, values), Marks(path, starts), lines))
    config = read_method(entry, data, (), problems)
    problems.stop()
    return config


def _plain(value: Any) -> Any:
    """A value as YAML would have it: what is a dataclass in Python is a mapping there."""
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


def _named(value: Any) -> Any:
    """Plug-ins as YAML would have them."""
    if isinstance(value, list | tuple):
        return [_named(one) for one in value]
    return {value.name: _plain(value.config)} if isinstance(value, Use) else value
