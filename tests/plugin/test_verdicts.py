"""Whole runs: real small models trained from scratch, forgotten or not, judged through pytest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_unlearn.records import read
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario

Project = Callable[..., Path]
SOME = """\
  direct: {ask: direct, limit: 5%}
  two-hop-start: {ask: multi_hop, position: start, search: 80}
  fluency: {measure: perplexity_ratio, limit: 1.1}
"""
FORGET = ("direct", "paraphrase", "alias", "inverse", "two-hop-start", "two-hop-bridge")


def verdicts(pytester: pytest.Pytester) -> dict[str, dict[str, Any]]:
    records = read(pytester.path / ".unlearn" / "records.jsonl")
    return {record["check"]: record for record in records if record["line"] == "check"}


def edited(original: Path, folder: Path, change: Callable[[torch.nn.Module], None]) -> Path:
    """A copy of a model with its weights changed."""
    model = AutoModelForCausalLM.from_pretrained(original)
    with torch.no_grad():
        change(model)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(original).save_pretrained(folder)
    return folder


@pytest.fixture
def original(project: Project, pytester: pytest.Pytester, store: Path) -> Path:
    """The folder of the original model, trained if it is not there yet."""
    scenario = load_scenario(project(), pytester.path)
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    case = cases(scenario)[0]
    subject = session.subjects(session.scene(case), case.candidate)["original"]
    return subject.subject.folder  # type: ignore[attr-defined]


def test_a_model_that_forgot_nothing_fails_every_forget_check_and_keeps_everything(
    project: Project, pytester: pytest.Pytester
) -> None:
    project()
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(passed=3, failed=6)
    seen = verdicts(pytester)
    assert {name: seen[name]["verdict"] for name in FORGET} == dict.fromkeys(FORGET, "fail")
    assert {seen[name]["verdict"] for name in ("neighbours", "far-facts", "fluency")} == {"pass"}


def test_a_model_that_never_learned_the_target_passes_every_check(project: Project, pytester: pytest.Pytester) -> None:
    project(candidate="{method: retrain}")
    pytester.runpytest_inprocess().assert_outcomes(passed=9)


def test_a_collapsed_model_gives_nothing_away_and_does_not_pass(
    project: Project, checks: str, pytester: pytest.Pytester, original: Path
) -> None:
    def collapse(model: torch.nn.Module) -> None:
        for name, weight in model.named_parameters():
            if "mlp" in name:
                weight.zero_()

    checkpoint = edited(original, pytester.path / "collapsed", collapse)
    kept = [line for line in checks.splitlines() if "keep:" in line or "measure:" in line]
    project(
        candidate="", checks="\n".join(["  direct: {ask: direct, grade: {rank: {rivals: 100}}, limit: 10%}", *kept])
    )
    pytester.runpytest_inprocess(f"--unlearn-candidate={checkpoint}")
    seen = {name: record["verdict"] for name, record in verdicts(pytester).items()}
    assert seen["direct"] == "pass"
    assert seen["fluency"] == seen["neighbours"] == seen["far-facts"] == "fail"


def test_a_model_whose_answers_are_no_numbers_is_an_error_and_not_forgetting(
    project: Project, pytester: pytest.Pytester, original: Path
) -> None:
    checkpoint = edited(original, pytester.path / "broken", lambda model: next(model.parameters()).fill_(float("nan")))
    project(candidate="", checks="  direct: {ask: direct, limit: 5%}")
    result = pytester.runpytest_inprocess(f"--unlearn-candidate=people={checkpoint}")
    assert verdicts(pytester)["direct"]["verdict"] == "error"
    result.stdout.fnmatch_lines(["*A missing answer is never*"])


def test_a_checkpoint_with_the_weights_of_the_original_is_an_error(
    project: Project, pytester: pytest.Pytester, original: Path
) -> None:
    checkpoint = edited(original, pytester.path / "same", lambda model: None)
    project(candidate="")
    result = pytester.runpytest_inprocess(f"--unlearn-candidate={checkpoint}", "-k", "direct")
    result.assert_outcomes(failed=1, deselected=8)
    result.stdout.fnmatch_lines(["*same weights as the original*"])


def test_too_few_known_facts_are_vacuous_and_fail(project: Project, pytester: pytest.Pytester) -> None:
    project(checks="  direct: {ask: direct, limit: 5%, min_known: 500}")
    pytester.runpytest_inprocess().assert_outcomes(failed=1)
    assert verdicts(pytester)["direct"]["verdict"] == "vacuous"


def test_a_second_run_asks_no_model_and_gives_the_same_verdicts(project: Project, pytester: pytest.Pytester) -> None:
    project(checks=SOME)
    pytester.runpytest_inprocess()
    first = verdicts(pytester)
    pytester.runpytest_inprocess()
    second = verdicts(pytester)
    assert sum(record["effort"]["batches"] for record in first.values()) > 0
    assert sum(record["effort"]["batches"] for record in second.values()) == 0
    for name, record in first.items():
        assert second[name]["verdict"] == record["verdict"]
        assert second[name]["tallies"] == record["tallies"]


def test_a_verdict_does_not_depend_on_what_else_is_selected(project: Project, pytester: pytest.Pytester) -> None:
    project(checks=SOME)
    pytester.runpytest_inprocess("--unlearn-dir=all")
    pytester.runpytest_inprocess("--unlearn-dir=one", "-k", "two-hop-start")
    runs = {
        folder: [r for r in read(pytester.path / folder / "records.jsonl") if r.get("check") == "two-hop-start"]
        for folder in ("all", "one")
    }
    assert runs["all"][0]["tallies"] == runs["one"][0]["tallies"]


def test_the_records_hold_no_question_and_no_answer(
    project: Project, pytester: pytest.Pytester, forgotten: tuple[str, ...]
) -> None:
    project(checks=SOME)
    pytester.runpytest_inprocess()
    checks = [r for r in read(pytester.path / ".unlearn" / "records.jsonl") if r["line"] == "check"]
    assert checks
    assert not [name for name in forgotten if name in json.dumps(checks)]
