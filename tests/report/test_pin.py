"""The line that pins a leak is YAML that a scenario reads back as the same question."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.checks.controls import Leak
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.probes.question import pinned_probe
from pytest_unlearn.report.text import pin
from pytest_unlearn.runner.session import Result
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Example
from pytest_unlearn.verdict.verdict import Outcome, Verdict

TEXT = """\
version: 1
model: nowhere
knowledge:
  entities: {{Ann: {{type: person, aliases: ["5%", "NO"]}}, Bob: person, Rome: city}}
  relations: {{lives_in: {{ask: "Where does {{subject}} live?", inverse: "Who lives in {{object}}?"}}}}
  facts: [[Ann, lives_in, Rome]]
forget: {forget}
checks:
  c:
    ask: inverse
    search: 9
    examples:
      {line}
"""
PLAIN = '- {question: "Who?", accepted: ["Ann"]%s}'


@pytest.mark.parametrize(
    ("forget", "target"), [("Ann", ""), ("{one: Ann, two: Bob}", "one")], ids=["one request", "two requests"]
)
@pytest.mark.parametrize("question", ["Who lives in Rome?", 'Say "so": who?', "a: {b}, [c] # d", "tab\tor\u2028line"])
def test_a_pinned_line_is_read_back(tmp_path: Path, forget: str, target: str, question: str) -> None:
    path = tmp_path / "w.unlearn.yaml"
    placed = f", target: {target}" if target else ""
    path.write_text(TEXT.format(forget=forget, line=PLAIN % placed), encoding="utf-8")
    scenario = load_scenario(path, tmp_path)
    probe = pinned_probe(build(scenario.knowledge, tmp_path), question, ("Ann",))
    result = Result(cases(scenario)[0], Verdict(Outcome.FAIL, ""), {}, 0.0, {})
    line = pin(result, Leak(probe, "text", "Ann", "Ann"))
    path.write_text(TEXT.format(forget=forget, line=line), encoding="utf-8")
    expected = Example(question=question, accepted=("Ann", "5%", "NO"), target=target)
    assert load_scenario(path, tmp_path).checks[0].examples == (expected,)
