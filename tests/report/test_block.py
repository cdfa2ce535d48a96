"""A long answer is shown where the leak stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_unlearn.checks.controls import Leak
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.probes.question import pinned_probe
from pytest_unlearn.report.text import block
from pytest_unlearn.runner.session import COUNTERS, Result
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.verdict.verdict import Outcome, Tally, Verdict

TEXT = """\
version: 1
model: nowhere
knowledge:
  entities: {Ann: person, Rome: city}
  relations: {lives_in: {ask: "Where does {subject} live?"}}
  facts: [[Ann, lives_in, Rome]]
forget: Ann
checks: {c: {ask: direct, search: 9}}
"""
MUCH = "She has lived in many a place that nobody would care to write down here, "


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Rome", '"Rome"'),
        ("I think it is rome.\n" + MUCH, '"I think it is rome. She has lived in many a place that nobody ..."'),
        (MUCH + "and then Rome.", '"... care to write down here, and then Rome."'),
        (MUCH + "Rome too, " + MUCH, '"... would care to write down here, Rome too, She has lived in many ..."'),
        (MUCH, '"She has lived in many a place that nobody would care to write down ..."'),
    ],
)
def test_an_answer_is_shown_where_it_names_what_must_be_gone(tmp_path: Path, said: str, shown: str) -> None:
    path = tmp_path / "w.unlearn.yaml"
    path.write_text(TEXT, encoding="utf-8")
    scenario = load_scenario(path, tmp_path)
    probe = pinned_probe(build(scenario.knowledge, tmp_path), "Where?", ("Rome",))
    leak = Leak(probe, "text", said, said)
    verdict = Verdict(Outcome.FAIL, "it leaks", (Tally("text", Outcome.FAIL),), (leak,))
    result = Result(cases(scenario)[0], verdict, dict.fromkeys(COUNTERS, 0), 0.0, {})
    told = " ".join(line.strip() for line in block(result, "w.unlearn.yaml:8").splitlines())
    assert f"answered {shown}; the original {shown} (text)" in told
