"""Profiles change which questions are drawn and how many, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Scenario, Search
from pytest_unlearn.scenario.profile import PROFILES, profiled, seed_of_profile

TEXT = """\
version: 1
model: {original: ./m, candidate: ./n}
seeds: {probe: 5, method: 3}
knowledge:
  entities: {Ann: person, Lund: city}
  relations: {town: {ask: ["Where is {subject}?"]}}
  facts: {town: {Ann: Lund}}
forget: Ann
checks:
  found: {ask: direct, search: 50}
  wide: {ask: direct, search: 5000}
  rate: {ask: direct, limit: 2%}
  kept: {keep: far, margin: 5%}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    path = tmp_path / "s.unlearn.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return load_scenario(path, tmp_path)


def draws(scenario: Scenario) -> list[int]:
    return [check.decide.probes for check in scenario.checks if isinstance(check.decide, Search)]


@pytest.mark.parametrize(
    ("name", "expected"), [("pr", [50, 5000]), ("nightly", [4096, 5000]), ("audit", [100_000, 100_000])]
)
def test_a_profile_widens_searches_and_leaves_the_rest(scenario: Scenario, name: str, expected: list[int]) -> None:
    found = profiled(scenario, name, 0)
    assert draws(found) == expected
    assert [check.decide for check in found.checks[2:]] == [check.decide for check in scenario.checks[2:]]
    assert [(check.id, check.alpha) for check in found.checks] == [(check.id, check.alpha) for check in scenario.checks]
    assert (found.digest, found.seeds, found.profile) == (scenario.digest, scenario.seeds, name)


def test_a_seed_moves_the_questions_and_not_the_method(scenario: Scenario) -> None:
    found = profiled(scenario, "pr", 20260301)
    assert (found.seeds.probe, found.seeds.method, found.seeds.data) == (20260306, 3, 0)


def test_only_a_nightly_run_takes_the_day_for_its_seed() -> None:
    assert {name: seed_of_profile(name, date(2026, 3, 1)) for name in PROFILES} == {
        "pr": 0,
        "nightly": 20260301,
        "audit": 0,
    }
    assert 20260000 < seed_of_profile("nightly") < 21000000
