"""What `unlearn show --cost` says is never less than what a run asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_unlearn.metrics.measure import Measured, Sight, UnmeasurableError
from pytest_unlearn.registry import METRICS, Entry
from pytest_unlearn.runner.cost import Cost, cost
from pytest_unlearn.runner.scene import scene
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.answers import Failed
from pytest_unlearn.subjects.ask import Ask, Asking
from pytest_unlearn.subjects.requests import Generate, Prompt

CHECKS = """\
  direct: {ask: direct, limit: 5%}
  paraphrase: {ask: paraphrase, search: 30, grade: text}
  neighbours: {keep: neighbours, margin: 5%, at_most: 10}
  fluency: {measure: perplexity_ratio, limit: 1.1}
"""


def test_a_run_in_which_everything_leaks_asks_no_more_than_was_said(project: Callable[..., Path]) -> None:
    scenario = load_scenario(path := project(CHECKS), path.parent)
    session = Session(Settings(root=path.parent, folder=path.parent / ".unlearn"))
    for case in cases(scenario):
        said = cost(scene(scenario, case.target, path.parent), case)
        result = session.judge(case)
        asked = result.effort["requests"] - result.effort["memoised"]
        assert asked <= said.requests, case.id
        assert max(tally.asked for tally in result.verdict.tallies) <= said.probes, case.id


COUNTED = """\
version: 1
model: ./a
knowledge:
  entities: {Ann: person, Bob: person, Rome: city, Oslo: city}
  relations: {lives_in: {ask: ["Where does {subject} live?"]}}
  facts: [[Ann, lives_in, Rome], [Bob, lives_in, Oslo]]
forget: Ann
checks: {direct: {ask: direct, grade: text, limit: 5%, min_known: 1}}
"""


def test_the_cost_of_one_question_can_be_counted_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "a.unlearn.yaml"
    path.write_text(COUNTED, encoding="utf-8")
    scenario = load_scenario(path, tmp_path)
    (case,) = cases(scenario)
    # one question to original and candidate, and to 20 stand-ins: 22 requests. Each is 32 tokens of a template,
    # 20 / 4 = 5 of "Where does Ann live?" (20 characters), and at most 32 + ceil(20 / 3) = 39 new ones.
    assert cost(scene(scenario, case.target, tmp_path), case) == Cost(1, 22, 22 * (32 + 5 + 39))


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthConfig:
    """Nothing to set."""


def test_a_metric_that_generates_is_counted_up_to_where_it_needs_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def length(config: LengthConfig, sight: Sight) -> Asking[Measured]:
        (answer,) = yield Ask("candidate", (Generate(Prompt.of("Who are you?"), 20),))
        told.append(answer)
        raise UnmeasurableError("there is no answer")

    monkeypatch.setitem(METRICS._entries, "length", Entry("length", length, LengthConfig, {}))
    path = tmp_path / "a.unlearn.yaml"
    path.write_text(
        COUNTED.replace("{ask: direct, grade: text, limit: 5%, min_known: 1}", "{measure: length, limit: 9}")
    )
    scenario = load_scenario(path, tmp_path)
    (case,) = cases(scenario)
    # 32 tokens of a template, 12 / 4 = 3 of the question and 20 new ones
    assert cost(scene(scenario, case.target, tmp_path), case) == Cost(1, 1, 32 + 3 + 20)
    assert told == [Failed("cannot", "nothing is asked when costs are counted")]


def test_costs_add_up_and_several_subjects_are_asked_the_same_probes() -> None:
    assert Cost(1, 2, 3) + Cost(10, 20, 30) == Cost(11, 22, 33)
    assert Cost(5, 2, 3) * 3 == Cost(5, 6, 9)
