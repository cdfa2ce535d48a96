"""Claims of papers: the page says what the records say, and what is not reproduced is known."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

TOOLS = Path(__file__).parents[2] / "tools"


def tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


measuring = tool("claims")
deciding = tool("findings")
suites = tool("suites")
making = tool("make_claims")
CLAIMS = measuring.claims()


def expectations() -> list[Any]:
    found = []
    for claim in CLAIMS:
        record = making.record_of(claim)
        for one in deciding.findings(claim, record) if record else []:
            measured, values = making.measured(one)
            reason = f"{one.outcome}: {measured}; {values}"
            marks = [] if one.expected.get("reproduced", True) else [pytest.mark.xfail(strict=True, reason=reason)]
            found.append(pytest.param(one, id=f"{claim.name}: {one.expected['says']}", marks=marks))
    return found


@pytest.mark.parametrize("finding", expectations())
def test_a_claim_is_reproduced(finding: Any) -> None:
    assert finding.outcome == "reproduced", making.measured(finding)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_a_record_is_of_the_claim_as_it_stands_and_of_at_least_three_worlds(claim: Any) -> None:
    record = making.record_of(claim)
    assert record is not None, f"run `python tools/make_claims.py {claim.name}`"
    assert len(record["worlds"]) >= 3
    arms = {frozenset(arms) for arms in record["worlds"].values()}
    assert len(arms) == 1, "every world has every arm"
    assert claim.arms <= arms.pop()


def test_the_page_says_what_the_records_say() -> None:
    assert making.PAGE.read_text("utf-8") == making.page(), "run `python tools/make_claims.py --page`"


def test_the_page_explains_every_figure() -> None:
    page = making.PAGE.read_text("utf-8")
    assert all(f"`{name}`" in page for name in measuring.FIGURES)


def test_the_questions_of_the_attack_are_those_of_world_0() -> None:
    committed = (measuring.FOLDER / "scope_aware.questions.jsonl").read_text("utf-8")
    assert committed == measuring.poison(0)


ARM = {"pass": 10, "steps": [0, 5, 10, 20], "target": [1.0, 0.9, 0.5, 0.1], "kept": [1.0, 1.0, 0.8, 0.4]}


@pytest.mark.parametrize(
    ("figure", "at", "value"),
    [
        ("kept", {"steps": 20}, 0.4),
        ("kept", {"steps": 15}, 0.6),  # half way from 0.8 to 0.4
        ("kept", {"passes": 1.5}, 0.6),  # a pass is ten steps
        ("kept", {"target": 0.7}, 0.9),  # half way from step 5 to step 10, where 0.9 falls to 0.5
        ("steps", {"target": 0.7}, 7.5),
        ("kept", {"target": 0.05}, None),
        ("kept", {"passes": 2.1}, None),
    ],
)
def test_a_figure_is_read_where_the_claim_says(figure: str, at: dict[str, float], value: float | None) -> None:
    found = deciding.reading(ARM, figure, at)
    assert found == (value if value is None else pytest.approx(value))


def finding(values: list[float], **expected: Any) -> Any:
    worlds = {str(i): {"a": {**ARM, "kept": [value] * 4}} for i, value in enumerate(values)}
    claim = measuring.Claim(
        "n", "t", "p", "s", "s", "", ("kept",), ({"figure": "kept", "of": "a", "at": {"steps": 5}, **expected},)
    )
    (found,) = deciding.findings(claim, {"worlds": worlds})
    return found


def test_an_outcome_is_decided_by_an_interval_over_worlds() -> None:
    """0.4, 0.5 and 0.6: mean 0.5, standard error 0.1 / sqrt 3 = 0.0577, t with two degrees of freedom 4.303."""
    found = finding([0.4, 0.5, 0.6], at_least=0.2)
    assert found.low == pytest.approx(0.5 - 4.303 * 0.0577, abs=1e-3)
    assert found.high == pytest.approx(0.5 + 4.303 * 0.0577, abs=1e-3)
    assert found.outcome == "reproduced"
    assert finding([0.4, 0.5, 0.6], at_least=0.3).outcome == "undecided"
    assert finding([0.4, 0.5, 0.6], at_least=0.8).outcome == "contradicted"
    assert finding([0.4, 0.5, 0.6], at_most=0.2).outcome == "contradicted"
    assert finding([0.4, 0.5, 0.6], at_least=0.2, at_most=0.6).outcome == "undecided"


def test_a_ratio_has_its_interval_on_a_log_scale() -> None:
    """1, 2 and 4: logarithms 0, ln 2 and 2 ln 2, mean ln 2, standard error ln 2 / sqrt 3 = 0.4002."""
    worlds = {str(i): {"a": {**ARM, "kept": [value] * 4}, "b": ARM} for i, value in enumerate([1.0, 2.0, 4.0])}
    one = {"figure": "kept", "of": "a", "over": "b", "at": {"steps": 5}, "below": 1}
    (found,) = deciding.findings(measuring.Claim("n", "t", "p", "s", "s", "", ("kept",), (one,)), {"worlds": worlds})
    assert found.mean == pytest.approx(2.0)
    assert found.low == pytest.approx(2 / math.exp(4.303 * 0.4002), rel=1e-3)
    assert found.high == pytest.approx(2 * math.exp(4.303 * 0.4002), rel=1e-3)


def verdicts(*worlds: tuple[str, str], outcome: str) -> Any:
    """What came of the checks `a` and `b` in some worlds."""
    told = {
        str(i): {"arm": {"a": {"verdict": first}, "b": {"verdict": second}}} for i, (first, second) in enumerate(worlds)
    }
    one = {"says": "s", "of": "arm", "check": ["a", "b"], "outcome": outcome}
    claim = measuring.Claim("n", "t", "p", "s", "s", "", (), (one,))
    assert claim.suite
    (found,) = deciding.findings(claim, {"worlds": told})
    return found


def test_of_several_checks_the_worst_decides_and_worlds_are_counted() -> None:
    found = verdicts(("pass", "fail"), ("fail", "fail"), ("pass", "pass"), outcome="fail")
    assert found.values == ("fail (b)", "fail", "pass")
    assert (found.held, found.outcome) == (2, "undecided")
    assert making.measured(found) == ["2 of 3 worlds", "fail (b); fail; pass"]
    assert verdicts(("pass", "fail"), ("fail", "pass"), outcome="fail").outcome == "reproduced"
    assert verdicts(("pass", "fail"), ("fail", "pass"), outcome="pass").outcome == "contradicted"
    assert verdicts(("pass", "inconclusive"), outcome="pass").outcome == "contradicted"


def test_a_scenario_is_moved_to_what_has_its_place_in_another_world(tmp_path: Path) -> None:
    (claim,) = [one for one in CLAIMS if one.world == "hospital"]
    there = yaml.safe_load(measuring.moved(claim, 1, tmp_path).read_text("utf-8"))
    facts = yaml.safe_load((tmp_path / "world.knowledge.yaml").read_text("utf-8"))["facts"]
    hospital = there["forget"]["hospital"]["at"]
    patients = {one["at"] for one in there["forget"]["patients"]}
    assert patients == {name for name, where in facts["treated_at"].items() if where == hospital}
    studies = {one["at"] for one in there["forget"]["studies"]}
    assert {one["at"] for one in there["forget"]["sections"]} == {
        name for name, where in facts["section_of"].items() if where in studies
    }


def test_of_a_path_those_facts_count_that_are_known_at_every_depth() -> None:
    def rows(*units: str) -> list[Any]:
        return [measuring.Example(measuring.Prompt.of("?"), "a", unit) for unit in units]

    asked = {"kept": rows("x"), "told 0": rows("a", "b", "c"), "told 1": rows("b", "c", "d")}
    left = {name: [one.unit for one in some] for name, some in measuring._at_every_depth(asked).items()}
    assert left == {"kept": ["x"], "told 0": ["b", "c"], "told 1": ["b", "c"]}


def test_no_difference_is_not_more() -> None:
    assert finding([0.5, 0.5, 0.5], at_least=0.5).outcome == "reproduced"
    assert finding([0.5, 0.5, 0.5], above=0.5).outcome == "contradicted"
    assert finding([0.5, 0.5, 0.5], at_most=0.5).outcome == "reproduced"
    assert finding([0.5, 0.5, 0.5], below=0.5).outcome == "contradicted"


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_every_expectation_has_a_bound(claim: Any) -> None:
    assert all(set(one) & {*deciding.BOUNDS, "outcome"} for one in claim.expect)


def test_what_an_arm_never_reaches_is_not_decided() -> None:
    assert finding([0.4, 0.5, 0.6], at={"steps": 21}, at_least=0).outcome == "undecided"


QUICK = {"blur_bilevel", "coreset", "flat", "geometric_disentanglement", "melu", "rna", "scope_aware"}  # seconds each


@pytest.mark.parametrize(
    "claim",
    [pytest.param(one, id=one.name, marks=[] if one.name in QUICK else [pytest.mark.slow]) for one in CLAIMS],
)
def test_a_world_says_again_what_its_record_says(claim: Any) -> None:
    """The first expectation with two arms, in world 0. Another machine trains another original, hence the tolerance."""
    if claim.suite:
        one = claim.expect[0]
        again = suites.run(claim, 0, only=[one["of"]])
        assert {check: again[one["of"]][check]["verdict"] for check in one["check"]} == {
            check: making.record_of(claim)["worlds"]["0"][one["of"]][check]["verdict"] for check in one["check"]
        }
        return
    one = next(one for one in claim.expect if "minus" in one or "over" in one)
    arms = [one["of"], one.get("minus", one.get("over"))]
    again = measuring.run(claim, 0, only=arms)
    recorded = making.record_of(claim)["worlds"]["0"]
    for arm in arms:
        now, then = (deciding.reading(told[arm], one["figure"], one["at"]) for told in (again, recorded))
        assert now == pytest.approx(then, abs=0.2)
