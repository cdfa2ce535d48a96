"""What a run says at its end: short as a rule, every check with -v, one line with -q, in colour on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import pytest_unlearn.gate.gate
import pytest_unlearn.metrics.perplexity_ratio
import pytest_unlearn.runner.session
import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run

CHECKS = """\
  high: {measure: perplexity_ratio, limit: 1.5}
  low: {measure: perplexity_ratio, limit: 0.5}
"""
PASSES, FAILS = "pass  w/people/high  1; the limit is 1.5", "fail  w/people/low   1; the limit is 0.5"
COUNT = "2 checks: 1 fail, 1 pass"


@pytest.fixture
def end(project: Callable[..., Path], pytester: pytest.Pytester) -> Callable[..., list[str]]:
    """The lines of a run after its tests, but for the last, which is pytest's."""
    path = project(checks=CHECKS)
    text = path.read_text(encoding="utf-8").replace(", reference: retrained", "")
    path.write_text(f"{text}gate: {{require: utility}}\n", encoding="utf-8")

    def make(*options: str) -> list[str]:
        lines = pytester.runpytest_inprocess("--tb=no", "-rN", *options).outlines
        last = max(i for i, line in enumerate(lines) if "%]" in line)
        return [line.replace("=", "").strip() for line in lines[last + 1 : -1] if line]

    return make


def test_a_run_ends_with_what_does_not_pass(end: Callable[..., list[str]]) -> None:
    assert end() == ["unlearning", FAILS, COUNT]
    assert end("-v") == ["unlearning", PASSES, FAILS, COUNT]
    assert end("-q") == [COUNT]


def test_a_gate_says_why_unless_it_is_to_be_quiet(end: Callable[..., list[str]]) -> None:
    gate = "gate: closed, exit code 1 (1 passed, 1 failed)"
    why = "  failed        w/people/low: fails: 1; the limit is 0.5 (w.unlearn.yaml:9)"
    assert end("--unlearn-gate") == ["unlearning", FAILS, COUNT, "unlearning gate", gate, why.strip()]
    assert end("--unlearn-gate", "-q") == [gate]


def test_verdicts_have_colours_on_a_terminal_alone(end: Callable[..., list[str]]) -> None:
    assert not [line for line in end("-v") if "\x1b" in line]
    told = end("-v", "--color=yes")
    assert any(line.startswith("\x1b[31mfail\x1b[0m  w/people/low") for line in told)
    assert any(line.startswith("\x1b[32mpass\x1b[0m  w/people/high") for line in told)
