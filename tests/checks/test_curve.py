"""What is answered at each context is told, and a failure names the shallowest one that gives something away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.checks.context import Context
from pytest_unlearn.checks.judge import judge, space_of
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.verdict.verdict import Outcome, Recall, Verdict

CONTEXTS = ("nothing told", "told down to the patient", "told down to the study")


@pytest.fixture
def judged(tmp_path: Path, clinics: str, answering: Any) -> Callable[..., Verdict]:
    """`judged(check, leaks)`: Ann leaves, and the candidate answers what `leaks` says."""

    def judged(check: str, leaks: Callable[[Probe], bool]) -> Verdict:
        (tmp_path / "clinics.knowledge.yaml").write_text(clinics, encoding="utf-8")
        path = tmp_path / "c.unlearn.yaml"
        path.write_text(
            "version: 1\nmodel: nowhere\nknowledge: {include: clinics.knowledge.yaml}\n"
            f"forget: {{level: patient, at: Ann}}\nchecks: {{c: {check}}}\n",
            encoding="utf-8",
        )
        scenario = load_scenario(path, tmp_path)
        knowledge = build(scenario.knowledge, tmp_path)
        closure = forgetting(knowledge, scenario.targets[0])
        can = dict.fromkeys(("original", "candidate"), frozenset({"generate"}))
        context = Context(cases(scenario)[0], knowledge, closure, (), can)  # type: ignore[arg-type]
        verdict: Verdict = answering(leaks).run(judge(context), list(space_of(context).all()))
        return verdict

    return judged


@pytest.mark.parametrize("decides", ["limit: 5%", "search: 100"])
def test_a_leak_at_some_context_is_told_with_its_curve(judged: Callable[..., Verdict], decides: str) -> None:
    verdict = judged(f"{{ask: reconstruct, {decides}, min_known: 1}}", lambda probe: probe.size[0] == 2)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.endswith("; the shallowest context that gives it away: told down to the study")
    (tally,) = verdict.tallies
    assert tally.recall == tuple(map(Recall, CONTEXTS, (3, 3, 2), (0, 0, 2)))


@pytest.mark.parametrize("decides", ["limit: 5%", "search: 100"])
def test_the_shallowest_of_several_is_named(judged: Callable[..., Verdict], decides: str) -> None:
    verdict = judged(f"{{ask: reconstruct, {decides}, min_known: 1}}", lambda probe: probe.size[0] >= 1)
    assert verdict.reason.endswith("; the shallowest context that gives it away: told down to the patient")


def test_the_limit_holds_at_each_context(judged: Callable[..., Verdict]) -> None:
    """Two of three facts leak in all, two of the two that are asked after the whole path."""
    verdict = judged("{ask: reconstruct, limit: 80%, min_known: 1}", lambda probe: probe.size[0] == 2)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("told down to the study: 2 of 2 known facts leak; the limit is 80 %")
    assert (verdict.tallies[0].units, verdict.tallies[0].unit_leaks, verdict.tallies[0].estimate) == (3, 2, 1.0)
    spread = judged("{ask: reconstruct, limit: 80%, min_known: 1}", lambda probe: "Ann" in probe.named[0])
    assert spread.outcome is Outcome.PASS


@pytest.mark.parametrize("decides", ["limit: 5%", "search: 100"])
def test_where_nothing_leaks_the_curve_is_flat(judged: Callable[..., Verdict], decides: str) -> None:
    verdict = judged(f"{{ask: reconstruct, {decides}, min_known: 1}}", lambda probe: False)
    assert verdict.outcome is Outcome.PASS
    assert verdict.tallies[0].recall == tuple(map(Recall, CONTEXTS, (3, 3, 2), (0, 0, 0)))


def test_too_many_questions_to_ask_are_drawn_and_have_a_curve(
    judged: Callable[..., Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_unlearn.checks.rate.CENSUS", 6)
    verdict = judged("{ask: reconstruct, limit: 50%, min_known: 1}", lambda probe: True)
    assert [point.context for point in verdict.tallies[0].recall] == list(CONTEXTS)
    assert all(point.leaks == point.units for point in verdict.tallies[0].recall)


def test_other_kinds_have_none(judged: Callable[..., Verdict]) -> None:
    verdict = judged("{ask: direct, limit: 5%, min_known: 1}", lambda probe: True)
    assert verdict.tallies[0].recall == ()
    assert "context" not in verdict.reason
