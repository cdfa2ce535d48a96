"""A failed check in a whole run: its report, its finding, the line that pins it, and the finding asked again."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pytest_unlearn.cli.app import app
from pytest_unlearn.records import read
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario

Project = Callable[..., Path]
CHECK = "  inverse: {ask: inverse, search: 40, grade: text"
KEYS = {
    *("schema", "fingerprint", "scenario", "target", "check", "file", "at", "kind", "grader", "question", "accepted"),
    *("secret", "answer", "original", "score", "chance", "chain", "transforms", "way", "unit", "size", "probe", "name"),
    *("parts", "plain", "worst", "request", "seed", "digests", "candidate"),
}


def record(pytester: pytest.Pytester, folder: str = ".unlearn") -> dict[str, Any]:
    (found,) = [r for r in read(pytester.path / folder / "records.jsonl") if r["line"] == "check"]
    return found


def replayed(*words: str) -> tuple[int, list[str]]:
    run = CliRunner().invoke(app, ["replay", *words])
    return run.exit_code, run.output.splitlines()


@pytest.fixture
def failed(project: Project, pytester: pytest.Pytester) -> tuple[pytest.RunResult, Path]:
    """A run in which nothing was forgotten, and its finding."""
    project(checks=CHECK + "}")
    result = pytester.runpytest_inprocess()
    (path,) = (pytester.path / ".unlearn" / "findings").iterdir()
    return result, path


def test_a_failed_check_leaves_one_finding_which_its_record_names(
    failed: tuple[pytest.RunResult, Path], pytester: pytest.Pytester
) -> None:
    _, path = failed
    body = json.loads(path.read_text(encoding="utf-8"))
    assert set(body) == KEYS
    assert body["fingerprint"] in path.name
    assert record(pytester)["findings"] == [body["fingerprint"]]
    assert body["digests"] == record(pytester)["digests"]
    assert body["answer"] in body["secret"]
    assert body["worst"]["size"] > body["size"]
    assert body["question"] not in json.dumps(record(pytester))


def test_the_report_says_how_to_ask_it_again_and_how_to_pin_it(
    failed: tuple[pytest.RunResult, Path], pytester: pytest.Pytester
) -> None:
    result, path = failed
    body = json.loads(path.read_text(encoding="utf-8"))
    lines = result.outlines[result.outlines.index("w > people > inverse: leaks") :]
    labels = [line[2:10].strip() for line in lines[: next(i for i, line in enumerate(lines) if line.startswith("="))]]
    kept = [label for label in labels[1:] if label]
    assert kept == ["where", "why", "graded", "leak", "leak", "leak", "worst", "effort", "replay", "pin"]
    assert f"  leak    {body['question']}" in lines
    assert f"  worst   {body['worst']['question']}" in lines
    assert f"  replay  unlearn replay .unlearn/findings/{path.name}" in lines
    assert f"  pin     under `examples:` of this check, line {body['at']}" in lines
    assert not [line for line in lines if len(line) > 100]


def test_the_pinned_line_is_asked_in_the_next_run(
    failed: tuple[pytest.RunResult, Path], project: Project, pytester: pytest.Pytester
) -> None:
    result, path = failed
    start = next(i for i, line in enumerate(result.outlines) if line.startswith("  pin "))
    (pin,) = re.findall(r"- (\{question.*?\})", " ".join(line.strip() for line in result.outlines[start + 1 :]))
    project(checks=f"{CHECK}, examples: [{pin}]}}")
    second = pytester.runpytest_inprocess("--unlearn-dir=pinned")
    body = json.loads(path.read_text(encoding="utf-8"))
    assert f"  pinned  {body['question']}" in second.outlines


def test_a_second_run_has_the_same_finding_and_the_same_numbers(
    failed: tuple[pytest.RunResult, Path], pytester: pytest.Pytester
) -> None:
    _, path = failed
    first, text = record(pytester), path.read_text(encoding="utf-8")
    pytester.runpytest_inprocess()
    assert record(pytester)["tallies"] == first["tallies"]
    assert list(path.parent.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == text


def test_a_finding_that_still_leaks_ends_with_1(failed: tuple[pytest.RunResult, Path]) -> None:
    _, path = failed
    body = json.loads(path.read_text(encoding="utf-8"))
    code, lines = replayed(str(path))
    assert code == 1
    assert lines == [
        f"FAILED  w/people/inverse {body['fingerprint']}: still leaks",
        f"  asked   {body['question']}",
        f"  leaked  {', '.join(body['secret'])}",
        f'  answer  "{body["answer"]}"; the original "{body["original"]}" (text)',
    ]


def test_several_findings_share_their_models_and_the_worst_decides(
    failed: tuple[pytest.RunResult, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, path = failed
    made = []
    real = Session.__init__
    monkeypatch.setattr(Session, "__init__", lambda self, settings: made.append(settings) or real(self, settings))
    other = path.with_name("other.json")
    body = json.loads(path.read_text(encoding="utf-8"))
    other.write_text(json.dumps({**body, "check": "gone"}), encoding="utf-8")
    code, lines = replayed(str(path), str(other))
    assert (code, [line.split()[0] for line in lines if line[0] != " "]) == (2, ["FAILED", "ERROR"])
    assert len(made) == 1


def test_a_finding_that_a_candidate_no_longer_answers_ends_with_0(
    failed: tuple[pytest.RunResult, Path], pytester: pytest.Pytester
) -> None:
    _, path = failed
    scenario = load_scenario(pytester.path / "w.unlearn.yaml", pytester.path)
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    case = cases(scenario)[0]
    never = session.subjects(session.scene(case), case.candidate)["reference"].subject.folder  # type: ignore[attr-defined]
    code, lines = replayed(str(path), "--candidate", str(never))
    assert (code, lines[0].split(": ")[1]) == (0, "no longer leaks")


def test_a_finding_that_cannot_be_asked_any_more_ends_with_2(
    failed: tuple[pytest.RunResult, Path], pytester: pytest.Pytester
) -> None:
    _, path = failed
    scenario = pytester.path / "w.unlearn.yaml"
    text = scenario.read_text(encoding="utf-8")
    for old, new, why in (
        ("inverse: {", "other: {", "w.unlearn.yaml has no check w/people/inverse that asks any more"),
        ("ask: inverse", "ask: direct", "the scenario does not ask this question any more"),
        ("grade: text", "grade: rank", "the check is not graded by text any more"),
    ):
        scenario.write_text(text.replace(old, new), encoding="utf-8")
        code, lines = replayed(str(path))
        assert (code, lines[0].split()[0], lines[0].split(": ")[1]) == (2, "ERROR", why)
    scenario.unlink()
    code, lines = replayed(str(path))
    assert (code, lines[0].split(": ")[1]) == (2, f"the scenario w.unlearn.yaml is not in {pytester.path} any more")


def test_pinning_a_finding_prints_a_patch_or_changes_the_scenario(
    failed: tuple[pytest.RunResult, Path], pytester: pytest.Pytester
) -> None:
    _, path = failed
    body, scenario = json.loads(path.read_text("utf-8")), pytester.path / "w.unlearn.yaml"
    before = scenario.read_text("utf-8")
    shown = CliRunner().invoke(app, ["pin", str(path)])
    assert (shown.exit_code, scenario.read_text("utf-8")) == (0, before)
    assert shown.stderr == f"w/people/inverse {body['fingerprint']}: is pinned\n"
    applied = subprocess.run(["git", "apply", "-"], input=shown.stdout, text=True, cwd=pytester.path, check=False)
    assert applied.returncode == 0
    patched = scenario.read_text("utf-8")
    scenario.write_text(before, "utf-8")
    written = CliRunner().invoke(app, ["pin", "--write", str(path)])
    assert (written.exit_code, written.stdout) == (0, f"w/people/inverse {body['fingerprint']}: is pinned\n")
    assert scenario.read_text("utf-8") == patched != before
    again = CliRunner().invoke(app, ["pin", "--write", str(path)])
    assert again.stdout == f"w/people/inverse {body['fingerprint']}: is an example already\n"
    assert scenario.read_text("utf-8") == patched
    (check,) = load_scenario(scenario, pytester.path).checks
    assert [(one.question, list(one.accepted)) for one in check.examples] == [(body["question"], body["secret"])]


def test_what_takes_more_than_a_question_is_not_pinned(
    failed: tuple[pytest.RunResult, Path], pytester: pytest.Pytester
) -> None:
    _, path = failed
    body = json.loads(path.read_text("utf-8"))
    body["request"]["prompt"]["opening"] = "Sure:"
    path.write_text(json.dumps(body), "utf-8")
    shown = CliRunner().invoke(app, ["pin", str(path)])
    told = f"w/people/inverse {body['fingerprint']}: is not pinned: it takes more than a question to ask it\n"
    assert (shown.exit_code, shown.stdout, shown.stderr) == (0, "", told)
