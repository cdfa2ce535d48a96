"""What a person reads at the end of a run and between two, and what is reviewed in git, word for word."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pytest_unlearn.cli.app import app
from pytest_unlearn.gate.baseline import path_of, update
from pytest_unlearn.report.text import concise
from pytest_unlearn.verdict.outcomes import packed

Make = Callable[..., Any]
Same = Callable[[str, str], None]
LONG = "2 hops, start, capital back > currency: 12 of 13 answered; alone, at least 6 of 13 known facts leak there"


def tallies(leaks: int, outcome: str) -> list[dict[str, Any]]:
    bits = asdict(packed([str(i // 2) for i in range(40)], [i < leaks for i in range(40)], "q"))
    return [
        {"grader": "text", "outcome": outcome, "units": 20, "leaks": leaks, "estimate": leaks / 40, "outcomes": bits}
    ]


@pytest.fixture
def weeks(check: Make, run: Make) -> list[list[dict[str, Any]]]:
    """Three runs: something gets worse, something better, something is not looked at any more, something is new."""
    return [
        run(
            check("facts", tallies=tallies(0, "pass")),
            check("chains", "fail", reason=LONG, tallies=tallies(6, "fail"), leaked=["aaaaaaaa"]),
            check("kept", claim="utility", tallies=tallies(0, "pass")),
        ),
        run(
            check("facts", tallies=tallies(0, "pass")),
            check("chains", "inconclusive", tallies=tallies(2, "inconclusive")),
            check("kept", claim="utility", tallies=tallies(0, "pass")),
            run="r2",
        ),
        run(
            check("facts", "fail", reason=LONG, tallies=tallies(12, "fail"), leaked=["bbbbbbbb"]),
            check("chains", tallies=tallies(0, "pass")),
            check("by-alias", "vacuous"),
            out=(check("kept", claim="utility"),),
            run="r3",
        ),
    ]


@pytest.fixture
def files(weeks: list[list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for i, lines in enumerate(weeks):
        Path(f"week-{i}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return [f"week-{i}.jsonl" for i in range(len(weeks))]


@pytest.mark.parametrize(("name", "verbosity"), [("quiet", -1), ("usual", 0), ("verbose", 1)])
def test_the_end_of_a_run(weeks: list[list[dict[str, Any]]], name: str, verbosity: int, same: Same) -> None:
    checks = [line for lines in weeks for line in lines if line["line"] == "check"]
    told = concise(checks, 80, verbosity)
    assert max(map(len, told)) <= 80
    same(f"run-{name}.txt", "\n".join(told) + "\n")


@pytest.mark.parametrize(("name", "first"), [("two", 1), ("history", 0)])
def test_the_difference_between_runs(files: list[str], name: str, first: int, same: Same) -> None:
    shown = CliRunner().invoke(app, ["diff", *files[first:]])
    assert shown.exit_code == 1
    same(f"diff-{name}.txt", shown.output)


def test_a_baseline(weeks: list[list[dict[str, Any]]], tmp_path: Path, same: Same) -> None:
    (told,) = update(weeks[0], tmp_path)
    again, *_ = update(weeks[2], tmp_path)
    same("baseline.txt", f"{told}\n{again}\n{path_of(tmp_path, 'w.unlearn.yaml').read_text('utf-8')}")
