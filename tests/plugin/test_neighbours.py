"""Checks beside other plugins of pytest: real runs of a small model, with the verdicts, records and exit code of a run
without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pytest_unlearn.metrics.perplexity_ratio
import pytest_unlearn.runner.session
import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.records import read

Project = Callable[..., Path]
CHECKS = """\
  low: {measure: perplexity_ratio, limit: 0.5}
  high: {measure: perplexity_ratio, limit: 1.5}
  own: {measure: perplexity_ratio, statements: 8, limit: 1.2}
"""
VERDICTS = {"low": "fail", "high": "pass", "own": "pass"}
METRIC = """
import os, signal, time
from dataclasses import dataclass

import pytest
from pytest_unlearn.metrics.measure import Measured, metric

ATTEMPTS = []

def pytest_runtest_setup(item):
    if item.name == "odd":
        ATTEMPTS.append(item)

def pytest_collection_modifyitems(items):
    for item in items:
        if item.name == "odd":
            item.add_marker(pytest.mark.timeout({seconds}))

@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    pass

@metric("odd")
def odd(config: Config, sight):
    value = 1.0
    if ATTEMPTS:
        {does}
    return Measured(value, value, value, 9, "bootstrap")
    yield
"""
ODD = CHECKS + "  odd: {measure: odd, limit: 1.5}\n"


@pytest.fixture
def place(project: Project) -> Callable[..., Path]:
    """Writes a project in which nothing was forgotten; a check `odd` does what it is told."""

    def make(does: str = "", seconds: int = 0) -> Path:
        path = project(checks=ODD if does else CHECKS)
        text = path.read_text(encoding="utf-8").replace(", reference: retrained", "")
        path.write_text(f"{text}gate: {{require: utility}}\n", encoding="utf-8")
        if does:
            (path.parent / "conftest.py").write_text(METRIC.format(does=does, seconds=seconds), encoding="utf-8")
        return path.parent

    return make


def checks(folder: Path) -> list[dict[str, Any]]:
    return [line for line in read(folder / ".unlearn" / "records.jsonl") if line["line"] == "check"]


def said(result: pytest.RunResult) -> str:
    """The verdict of the gate in a line."""
    return next(line for line in result.outlines if line.startswith("gate: "))


CLOSED = "gate: closed, exit code 1 (2 passed, 1 failed)"


def test_html_shows_the_report_of_a_check(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_html")
    folder = place()
    result = pytester.runpytest_inprocess("--unlearn-gate", "--html=out.html", "--self-contained-html")
    assert (result.ret, said(result)) == (1, CLOSED)
    assert {line["check"]: line["verdict"] for line in checks(folder)} == VERDICTS
    page = (folder / "out.html").read_text(encoding="utf-8")
    assert all(f"w.unlearn.yaml::people::{name}" in page for name in VERDICTS)
    assert "loses what must stay" in page


FLIPS = "value = 2.0 if len(ATTEMPTS) == 1 else 1.0"


def test_reruns_turn_no_leak_into_a_pass(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    """The second measurement would say something else; the first stands."""
    pytest.importorskip("pytest_rerunfailures")
    folder = place(FLIPS)
    result = pytester.runpytest_inprocess("--unlearn-gate", "--reruns=2")
    result.assert_outcomes(failed=2, passed=2)
    assert (result.ret, said(result)) == (1, "gate: closed, exit code 1 (2 passed, 2 failed)")
    found = sorted((line["check"], line["verdict"]) for line in checks(folder))
    assert found == sorted([*VERDICTS.items(), ("odd", "fail")])


def test_a_check_that_is_stopped_by_its_time_limit_is_an_error_that_no_rerun_takes_back(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    pytest.importorskip("pytest_rerunfailures")
    folder = place("len(ATTEMPTS) == 1 and time.sleep(60)", seconds=2)
    result = pytester.runpytest_inprocess("--unlearn-gate", "--reruns=1", "-k", "odd or high")
    found = sorted((line["check"], line["verdict"]) for line in checks(folder))
    assert found == [("high", "pass"), ("odd", "error"), ("odd", "pass")]
    assert result.ret == 1
    assert said(result).startswith("gate: closed, exit code 1 (2 passed, 1 error")
    told = "w/people/odd: error: it was stopped before it had a verdict: Failed: Timeout (>2.0s) from pytest-timeout."
    assert told in " ".join(line.strip() for line in result.outlines)


def test_a_worker_that_is_killed_loses_only_its_open_check(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    folder = place("os.kill(os.getpid(), signal.SIGKILL)")
    result = pytester.runpytest_subprocess("--unlearn-gate", "-n", "2")
    assert (result.ret, said(result)) == (1, "gate: closed, exit code 1 (2 passed, 1 failed, 1 without a verdict)")
    assert {line["check"]: line["verdict"] for line in checks(folder)} == VERDICTS
    told = "w/people/odd: it was planned and has no verdict: it crashed, was skipped or never ran"
    assert told in " ".join(line.strip() for line in result.outlines)


def test_coverage_is_measured_and_leaves_the_exit_code_to_the_gate(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    folder = place("pass")
    path = folder / "w.unlearn.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        "  low: {measure: perplexity_ratio, limit: 0.5}", "  few: {ask: direct, limit: 5%, min_known: 500}"
    )
    path.write_text(text, encoding="utf-8")
    result = pytester.runpytest_subprocess("--unlearn-gate", "--cov=.", "--cov-report=term")
    assert (result.ret, said(result)) == (23, "gate: closed, exit code 23 (3 passed, 1 vacuous)")
    result.stdout.re_match_lines([r"conftest\.py +\d+ +\d+ +\d+%"])


def test_another_order_and_other_global_seeds_change_nothing(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    folder = place()
    told = set()
    for seed in (3, 4):
        result = pytester.runpytest_inprocess("--unlearn-gate", "-p", "randomly", f"--randomly-seed={seed}")
        assert {line["check"]: line["verdict"] for line in checks(folder)} == VERDICTS
        told.add((result.ret, said(result), *(str(line["tallies"]) for line in checks(folder))))
    assert len(told) == 1
    assert next(iter(told))[:2] == (1, CLOSED)
