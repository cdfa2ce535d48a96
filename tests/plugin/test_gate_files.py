"""The files of a run as a gate: written when it ends, the same from its records later, and about the weights judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

import pytest_unlearn.gate.gate
import pytest_unlearn.metrics.perplexity_ratio
import pytest_unlearn.runner.session
import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.cli.app import app
from pytest_unlearn.digest import file_digest

Project = Callable[..., Path]
KEPT = "  high: {measure: perplexity_ratio, limit: 1.5}\n"
LOW = "  low: {measure: perplexity_ratio, limit: 0.5}\n"
SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "summary.schema.json"
KINDS = {"markdown": "page.md", "sarif": "gate.sarif", "evidence": "evidence.json", "csv": "checks.csv"}
ASKED = ("--unlearn-gate", *(f"--unlearn-{kind}=out/{name}" for kind, name in KINDS.items()))


@pytest.fixture
def place(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes a project in which nothing was forgotten, without a reference and with a policy."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)

    def make(checks: str) -> Path:
        path = project(checks=checks)
        text = path.read_text(encoding="utf-8").replace(", reference: retrained", "")
        path.write_text(f"{text}gate: {{require: utility}}\n", encoding="utf-8")
        return path

    return make


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_a_run_writes_what_its_records_say_later(place: Callable[[str], Path], pytester: pytest.Pytester) -> None:
    place(KEPT)
    result = pytester.runpytest_inprocess(*ASKED)
    assert result.ret == 0
    out = pytester.path / "out"
    assert {path.name for path in out.iterdir()} == set(KINDS.values())
    summary = read(pytester.path / ".unlearn" / "summary.json")
    jsonschema.validate(summary, read(SCHEMA))
    assert (summary["gate"]["open"], summary["gate"]["counts"]) == (True, {"passed": 1})
    again = [f"--{kind}=again/{name}" for kind, name in KINDS.items()]
    run = CliRunner().invoke(app, ["gate", ".unlearn", "--summary=again/summary.json", *again])
    assert run.exit_code == 0
    for name in KINDS.values():
        assert (out / name).read_bytes() == (pytester.path / "again" / name).read_bytes()
    assert read(pytester.path / "again" / "summary.json") == summary


def test_a_statement_is_about_the_weights_of_the_candidate_and_no_others(
    place: Callable[[str], Path], pytester: pytest.Pytester, store: Path, tmp_path: Path
) -> None:
    place(KEPT)
    assert pytester.runpytest_inprocess(*ASKED).ret == 0
    (subject,) = read(pytester.path / "out" / "evidence.json")["subject"]
    (made,) = store.glob(f"*/{subject['name']}")
    assert file_digest(made) == subject["digest"]["sha256"]
    run = CliRunner().invoke(app, ["evidence", "verify", "out/evidence.json", str(made.parent)])
    assert (run.exit_code, run.output.splitlines()[-1]) == (0, "PASSED: these weights were judged")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.safetensors").write_bytes(made.read_bytes()[:-1] + b"x")
    run = CliRunner().invoke(app, ["evidence", "verify", "out/evidence.json", str(tmp_path / "m")])
    assert (run.exit_code, run.output.splitlines()[-1]) == (1, "PASSED: other weights were judged")


def test_a_verdict_of_before_is_gone_when_a_run_begins(place: Callable[[str], Path], pytester: pytest.Pytester) -> None:
    place(KEPT)
    assert pytester.runpytest_inprocess(*ASKED).ret == 0
    out = pytester.path / "out"
    assert pytester.runpytest_inprocess(*ASKED, "--collect-only").ret == 0
    assert len(list(out.iterdir())) == len(KINDS)
    pytester.makeconftest("def pytest_collection_finish(session): raise KeyboardInterrupt")
    assert pytester.runpytest_subprocess(*ASKED).ret == 2
    assert read(pytester.path / ".unlearn" / "summary.json")["gate"]["exit"] == 2
    assert not (out / "evidence.json").exists()
    assert "exit code 2" in (out / "page.md").read_text(encoding="utf-8")


def test_a_job_of_github_has_annotations_and_a_page(
    place: Callable[[str], Path], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = place(KEPT + LOW)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "step.md"))
    result = pytester.runpytest_inprocess("--unlearn-gate")
    assert result.ret == 1
    at = next(i for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if line.startswith("  low:"))
    result.stdout.fnmatch_lines(
        [
            "::error title=unlearning gate::gate: closed, exit code 1 (1 passed, 1 failed)",
            f"::error file=w.unlearn.yaml,line={at},title=w/people/low::fails: *",
        ]
    )
    page = (pytester.path / "step.md").read_text(encoding="utf-8")
    assert page.startswith("# Unlearning gate\\: closed, exit code 1\n")
    run = CliRunner().invoke(app, ["gate", ".unlearn"])
    assert [line for line in result.outlines if line.startswith("::")] == [
        line for line in run.output.splitlines() if line.startswith("::")
    ]


def test_workers_write_the_same_files(place: Callable[[str], Path], pytester: pytest.Pytester) -> None:
    place(KEPT + LOW)
    assert pytester.runpytest_subprocess(*ASKED, "-n", "2").ret == 1
    statement = read(pytester.path / "out" / "evidence.json")
    assert statement["predicate"]["failedTests"] == ["w.unlearn.yaml::w/people/low"]
    assert len(statement["subject"]) == 1


def test_a_file_without_a_gate_and_one_that_cannot_be_written_are_told_before_anything_runs(
    place: Callable[[str], Path], pytester: pytest.Pytester
) -> None:
    place(KEPT)
    result = pytester.runpytest_inprocess("--unlearn-sarif=x.sarif")
    assert result.ret == 4
    assert "ERROR: --unlearn-sarif writes the verdict of a gate: give --unlearn-gate as well" in result.errlines
    (pytester.path / "folder").mkdir()
    result = pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-csv=folder")
    assert result.ret == 4
    assert any(str(pytester.path / "folder") in line and " cannot be written: " in line for line in result.errlines)


def test_what_cannot_be_written_in_the_end_is_told(place: Callable[[str], Path], pytester: pytest.Pytester) -> None:
    place(KEPT)
    pytester.makeconftest("import pathlib\ndef pytest_collection_finish(session): pathlib.Path('x.csv').mkdir()")
    result = pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-csv=x.csv")
    assert result.ret == 0
    assert any(line.startswith(f"{pytester.path / 'x.csv'} cannot be written: ") for line in result.outlines)
