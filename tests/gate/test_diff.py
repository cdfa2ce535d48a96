"""Between two runs and over several: better, worse, new leaks, lost coverage."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pytest_unlearn.cli.app import app
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.gate.diff import diff, history
from pytest_unlearn.verdict.outcomes import packed

Make = Callable[..., Any]


def moves(old: Any, new: Any) -> list[tuple[str, str, str]]:
    return [(step.move.value, step.id.rpartition("/")[2], step.text) for step in diff(old, new)]


def tallies(leaks: int, units: int = 100) -> list[dict[str, Any]]:
    bits = asdict(packed([str(i) for i in range(100)], [i < leaks for i in range(100)], "q"))
    return [{"grader": "text", "outcome": "pass", "units": units, "estimate": leaks / 100, "outcomes": bits}]


def test_nothing_moves_between_two_equal_runs(check: Make, run: Make) -> None:
    lines = run(check("a", tallies=tallies(3)), check("b", "fail"))
    assert moves(lines, lines) == []


def test_verdicts_numbers_leaks_and_coverage_are_told_the_worst_first(check: Make, run: Make) -> None:
    old = run(
        check("a"),
        check("b", "inconclusive"),
        check("c", tallies=tallies(3)),
        check("d", tallies=tallies(20)),
        check("e", "fail", leaked=["aaaaaaaa"]),
        check("f"),
        check("g"),
        check("h", tallies=tallies(3)),
    )
    new = run(
        check("a", "inconclusive"),
        check("b"),
        check("c", tallies=tallies(10)),
        check("d", tallies=tallies(3)),
        check("e", "fail", leaked=["aaaaaaaa", "bbbbbbbb"]),
        check("f", "vacuous"),
        check("h", tallies=tallies(3, units=80)),
        check("i"),
        planned=(check("g"),),
    )
    found = moves(old, new)
    numbers = {name: text for move, name, text in found if name in "cd"}
    assert [(move, name) for move, name, _ in found] == [
        ("lost coverage", "f"),
        ("lost coverage", "g"),
        ("lost coverage", "h"),
        ("new leaks", "e"),
        ("worse", "a"),
        ("worse", "c"),
        ("better", "b"),
        ("better", "d"),
        ("new check", "i"),
    ]
    assert [text for _, name, text in found if name in "fghea"] == [
        "vacuous, was pass: because of vacuous",
        "it has no verdict any more; it was pass",
        "text: 80 known facts, were 100",
        "bbbbbbbb",
        "inconclusive, was pass",
    ]
    assert numbers["c"].startswith("text: 7 of 100 answers are worse and 0 better, net +7.0% (between +")
    assert numbers["d"].startswith("text: 0 of 100 answers are worse and 17 better, net -17.0% (between -")


def test_numbers_of_other_originals_and_small_changes_are_not_told(check: Make, run: Make) -> None:
    old = run(check("a", tallies=tallies(3)))
    assert moves(old, run(check("a", tallies=tallies(5)))) == []  # two answers: 1 in 4 by chance
    other = {"scenario": "s", "original": "x", "candidate": "c"}
    assert moves(old, run(check("a", tallies=tallies(50), digests=other))) == []


def test_a_grader_that_is_gone_is_lost_coverage(check: Make, run: Make) -> None:
    old = run(check("a", tallies=[*tallies(3), {"grader": "rank", "outcome": "pass"}]))
    assert moves(old, run(check("a", tallies=tallies(3)))) == [("lost coverage", "a", "rank no longer grades it")]


def test_a_history_has_a_cell_for_each_check_and_run(check: Make, run: Make) -> None:
    several = [
        run(check("a", tallies=tallies(3))),
        run(check("a", "fail", tallies=tallies(50)), planned=(check("b"),)),
        run(check("b")),
    ]
    assert history(several) == [("w/t/a", ["pass 0.03", "fail 0.5", "-"]), ("w/t/b", ["-", "no verdict", "pass"])]


@pytest.fixture
def files(check: Make, run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.chdir(tmp_path)

    def write(**verdicts: str) -> None:
        for name, verdict in verdicts.items():
            lines = run(check("a", verdict))
            (tmp_path / f"{name}.jsonl").write_text(
                "".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8"
            )

    return write


def command(*names: str) -> tuple[int, list[str]]:
    run = CliRunner().invoke(app, ["diff", *(f"{name}.jsonl" for name in names)])
    if run.exception is not None and not isinstance(run.exception, SystemExit):
        raise run.exception
    return run.exit_code, run.output.splitlines()


def test_the_command_says_what_moved_and_ends_with_1_where_it_is_worse(files: Callable[..., None]) -> None:
    files(old="pass", new="fail", same="pass")
    code, lines = command("old", "new")
    assert (code, lines) == (
        1,
        ["new leaks      w/t/a: aaaaaaaa", "worse          w/t/a: fail, was pass", "2 worse, 0 better or new"],
    )
    assert command("new", "old") == (0, ["better         w/t/a: pass, was fail", "0 worse, 1 better or new"])
    assert command("old", "same") == (0, ["nothing moved"])


def test_three_records_are_a_history_and_the_last_two_are_compared(files: Callable[..., None]) -> None:
    files(one="fail", two="fail", three="pass")
    code, lines = command("one", "two", "three")
    assert code == 0
    assert lines[0].split() == ["check", "one.jsonl", "two.jsonl", "three.jsonl"]
    assert lines[2].split() == ["w/t/a", "fail", "fail", "pass"]
    assert lines[-2:] == ["better         w/t/a: pass, was fail", "0 worse, 1 better or new"]


def test_one_record_is_too_few(files: Callable[..., None]) -> None:
    files(one="pass")
    with pytest.raises(UnlearnError) as caught:
        command("one")
    assert str(caught.value) == "name the records of two runs at least, the older ones first"
