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


def test_parts_of_a_run_that_was_cut_off_are_read_whatever_the_clock_says(
    check: Make, run: Make, tmp_path: Path
) -> None:
    first, *rest = run(check("a"))
    merged = written(tmp_path / "records.jsonl", [first, *rest])
    part = written(tmp_path / "records-r2-main.jsonl", run(check("a"), run="r2", end=False))
    for late in (900, 1100):
        os.utime(merged, (1000, 1000))
        os.utime(part, (late, late))
        found = [(one.name, one.end is None) for one in runs_of(read_files([tmp_path]))]
        assert found == [("r1", False), ("r2", True)]
    written(merged, [{**first, "after": ["r0"], "beside": ["r2"]}, *rest])
    assert [one.name for one in runs_of(read_files([tmp_path]))] == ["r1"]
    merged.unlink()
    assert [one.name for one in runs_of(read_files([tmp_path]))] == ["r2"]


def test_a_part_that_was_cut_off_is_read_as_far_as_it_goes(check: Make, run: Make, tmp_path: Path) -> None:
    part = written(tmp_path / "records-r2-main.jsonl", run(check("a"), check("b"), end=False))
    part.write_bytes(part.read_bytes()[:-9])
    with pytest.warns(UserWarning, match="cut off") as told:
        (found,) = runs_of(read_files([tmp_path]))
    assert [str(one.message) for one in told] == [f"{part} was cut off in its last line: that check has no verdict"]
    assert [one["check"] for one in found.checks] == ["a"]
    written(tmp_path / "records.jsonl", run(check("a"), run="r1"))
    part.write_bytes(part.read_bytes()[:40])
    with pytest.raises(GateError) as caught:
        read_files([tmp_path])
    assert str(caught.value) == f"{part} holds no records: it was cut off in its first line"


def test_records_that_are_not_there_are_told(tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    with pytest.raises(GateError) as caught:
        read_files([path])
    assert str(caught.value) == f"there are no records at {path}: pytest writes them to .unlearn/records.jsonl"
    path.write_text("", encoding="utf-8")
    with pytest.raises(GateError) as caught:
        read_files([path])
    assert str(caught.value) == f"{path} holds no records"
    path.write_text('{"schema": 1}\n{"schema": 1\n', encoding="utf-8")
    with pytest.raises(GateError) as caught:
        read_files([path])
    assert str(caught.value) == f"the records {path} are damaged: line 2 is none that a run writes"
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
        ({"line": "run", "gate": {"f": {"on_no_baseline": {}}}, "plan": [], "scenarios": {}}, "gate"),
        ({"line": "run", "gate": {"f": {"on_vacuous": "ignore"}}, "plan": [], "scenarios": {}}, "gate"),
        ({"file": f"checks/{'w' * 256}"}, "file"),
        ({"file": "w\0.unlearn.yaml"}, "file"),
        ({"line": "run", "gate": {}, "plan": [{"id": "a", "file": "w" * 256, "claim": "c"}], "scenarios": {}}, "plan"),
        ({"line": "run", "gate": {}, "plan": [{}], "scenarios": {}}, "plan"),
        ({"line": "end", "exit": "0"}, "exit"),
    ],
)
def test_a_line_that_no_run_writes_is_refused(check: Make, tmp_path: Path, change: dict[str, Any], named: str) -> None:
    path = written(tmp_path / "r.jsonl", [{**check("a"), **change}])
    with pytest.raises(GateError) as caught:
        read_files([path])
    assert str(caught.value) == f"{path} has a line that no run writes: look at its `{named}`"
