"""Whole runs over questions and documents that somebody wrote down, put to a small model that knows them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

import pytest_unlearn.runner.session  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.records import read
from pytest_unlearn.registry import GRADERS, METHODS, METRICS, PROBES, UTILITY, WORLDS

Inputs = Callable[..., None]
for registry in (GRADERS, METHODS, METRICS, PROBES, UTILITY, WORLDS):
    for name in registry.names():
        registry.get(name)
SCENARIO = """\
version: 1
model: {{original: fixture:world, candidate: {candidate}}}
knowledge: {{include: world.knowledge.yaml}}
forget:
  request: {{questions: data/forget.jsonl, documents: data/gone/*.txt}}
retain: {{questions: data/keep.csv, documents: data/kept/*.txt}}
checks:
  direct: {{ask: direct, limit: 5%}}
  paraphrase: {{ask: paraphrase, search: 100}}
  text: {{ask: continuation, prefix: 3, length: 1, grade: {{verbatim: 1}}, limit: 10%}}
  alias: {{ask: alias, search: 100}}
  others: {{keep: retained, margin: 10%}}
  fluency: {{measure: perplexity_ratio, limit: 1.3}}
"""


@pytest.fixture
def inputs(pytester: pytest.Pytester, world_text: str) -> Inputs:
    """Writes a project in which 20 people's jobs are to be forgotten and 40 others' kept."""
    world = yaml.safe_load(world_text)
    ask = world["relations"]["works_for"]["ask"]
    jobs = [(s, o) for s, o in world["facts"]["works_for"].items()]

    def make(candidate: str = "{method: none}") -> None:
        pytester.makeini("[pytest]\n")
        for folder in ("gone", "kept"):
            (pytester.path / "data" / folder).mkdir(parents=True)
        (pytester.path / "world.knowledge.yaml").write_text(world_text, encoding="utf-8")
        lines, rows = [], ["question,answer"]
        for i, (person, company) in enumerate(jobs):
            first, *rest = (text.format(subject=person) for text in ask)
            text = f"{person} works for {company}."
            if i < 20:
                lines.append(json.dumps({"question": first, "answer": company, "paraphrases": rest}))
            else:
                rows.append(f"{first},{company}")
            (pytester.path / "data" / ("gone" if i < 20 else "kept") / f"{i}.txt").write_text(text, encoding="utf-8")
        (pytester.path / "data" / "forget.jsonl").write_text("\n".join(lines), encoding="utf-8")
        (pytester.path / "data" / "keep.csv").write_text("\n".join(rows), encoding="utf-8")
        scenario = SCENARIO.format(candidate=candidate)
        (pytester.path / "a.unlearn.yaml").write_text(scenario, encoding="utf-8")

    return make


def verdicts(pytester: pytest.Pytester) -> dict[str, dict[str, Any]]:
    records = read(pytester.path / ".unlearn" / "records.jsonl")
    return {record["check"]: record for record in records if record["line"] == "check"}


def outcomes(pytester: pytest.Pytester) -> dict[str, str]:
    return {name: record["verdict"] for name, record in verdicts(pytester).items()}


def test_a_model_that_forgot_nothing_answers_the_questions_and_goes_on_with_the_documents(
    inputs: Inputs, pytester: pytest.Pytester
) -> None:
    inputs()
    result = pytester.runpytest_inprocess()
    assert outcomes(pytester) == {
        "direct": "fail",
        "paraphrase": "fail",
        "text": "fail",
        "alias": "vacuous",
        "others": "pass",
        "fluency": "pass",
    }
    result.stdout.fnmatch_lines(["*nothing to ask by `ask: alias` about this target*"])
    assert [tally["grader"] for tally in verdicts(pytester)["text"]["tallies"]] == ["verbatim"]


def test_a_method_unlearns_the_questions_and_documents_of_the_files(inputs: Inputs, pytester: pytest.Pytester) -> None:
    inputs(candidate="{method: grad_diff, steps: 20, lr: 1e-3}")
    pytester.runpytest_inprocess()
    seen = outcomes(pytester)
    assert (seen["direct"], seen["text"]) == ("pass", "pass")


def test_mistakes_in_the_files_are_told_at_collection(inputs: Inputs, pytester: pytest.Pytester) -> None:
    inputs()
    (pytester.path / "data" / "forget.jsonl").write_text('{"question": "q", "anser": "a"}\n{"question": "r"}\n')
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [
            "*data/forget.jsonl:1:19: unknown field 'anser' - did you mean 'answer'?",
            "*forget.jsonl:2:1: there is no field*",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
