"""Files of records as a gate reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.errors import GateError
from pytest_unlearn.gate.runs import read_files, runs_of

Make = Callable[..., Any]


def written(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_files_and_folders_are_read_and_runs_are_told_apart(check: Make, run: Make, tmp_path: Path) -> None:
    one = written(tmp_path / "one" / "records.jsonl", run(check("a")))
    two = written(tmp_path / "other.jsonl", run(check("b"), run="r2"))
    runs = runs_of(read_files([one.parent, two]))
    assert [(found.name, [line["check"] for line in found.checks]) for found in runs] == [("r1", ["a"]), ("r2", ["b"])]
    assert all(found.begun and found.end for found in runs)


def test_parts_of_a_later_run_that_was_cut_off_are_read_too(check: Make, run: Make, tmp_path: Path) -> None:
    merged = written(tmp_path / "records.jsonl", run(check("a")))
    part = written(tmp_path / "records-r2-main.jsonl", run(check("a"), run="r2", end=False))
    os.utime(merged, (1000, 1000))
    assert [(found.name, found.end is None) for found in runs_of(read_files([tmp_path]))] == [
        ("r1", False),
        ("r2", True),
    ]
    os.utime(part, (900, 900))
    assert [found.name for found in runs_of(read_files([tmp_path]))] == ["r1"]
    merged.unlink()
    assert [found.name for found in runs_of(read_files([tmp_path]))] == ["r2"]


def test_records_that_are_not_there_are_told(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    with pytest.raises(GateError) as caught:
        read_files([path])
    assert str(caught.value) == f"there are no records at {path}: pytest writes them to .unlearn/records.jsonl"
    path.write_text("", encoding="utf-8")
    with pytest.raises(GateError) as caught:
        read_files([path])
    assert str(caught.value) == f"{path} holds no records"
    path.write_text('{"schema": 9}\n', encoding="utf-8")
    with pytest.raises(GateError) as caught:
        read_files([path])
    said = f"the records {path} cannot be read: {path} has records of schema 9; this version reads schema 1"
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"line": "ckeck"}, "line"),
        ({"verdict": "passed"}, "verdict"),
        ({"verdict": None}, "verdict"),
        ({"tallies": ["x"]}, "tallies"),
        ({"tallies": [{"leaked": "x"}]}, "findings"),
        ({"id": 7}, "id"),
        ({"line": "run", "gate": {"f": {"max_waived": "x"}}, "plan": [], "scenarios": {}}, "gate"),
        ({"line": "run", "gate": {}, "plan": [{}], "scenarios": {}}, "plan"),
        ({"line": "end", "exit": "0"}, "exit"),
    ],
)
def test_a_line_that_no_run_writes_is_refused(check: Make, tmp_path: Path, change: dict[str, Any], named: str) -> None:
    path = written(tmp_path / "r.jsonl", [{**check("a"), **change}])
    with pytest.raises(GateError) as caught:
        read_files([path])
    assert str(caught.value) == f"{path} has a line that no run writes: look at its `{named}`"
