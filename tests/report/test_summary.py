"""The lines at the end of a run: one a check, and one about the seeds of a recipe."""

from __future__ import annotations

from typing import Any

from pytest_unlearn.report.text import concise, summary


def record(candidate: str | None, verdict: str, tallies: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    seed = int(candidate.rpartition("-")[2]) if candidate and candidate[-1].isdigit() else 0
    return {
        "id": f"w/people/direct[{candidate}]" if candidate else "w/people/direct",
        "file": "w.unlearn.yaml", "scenario": "w", "target": "people", "check": "direct", "candidate": candidate,
        "method": {"name": "npo", "config": {"lr": 0.1}}, "seeds": {"method": seed}, "mode": "limit",
        "verdict": verdict, "reason": f"because {verdict}", "tallies": tallies, **more,
    }  # fmt: skip


def rate(estimate: float, grader: str = "text") -> dict[str, Any]:
    return {"grader": grader, "estimate": estimate, "units": 10, "unit_leaks": 1}


def test_below_the_seeds_of_a_recipe_stand_the_worst_and_the_spread() -> None:
    checks = [
        record("npo-1", "pass", [rate(0.02), rate(0.01, "rank")]),
        record("npo-2", "fail", [rate(0.3, "rank"), rate(0.0)]),
        record("npo-3", "fail", [rate(0.4, "rank"), rate(0.9)]),
        record("other", "pass", [rate(0.02)]),
    ]
    assert summary(checks, 100) == [
        "pass  w/people/direct[npo-1]  because pass",
        "fail  w/people/direct[npo-2]  because fail",
        "fail  w/people/direct[npo-3]  because fail",
        "fail  w/people/direct[npo]    worst of 3 seeds: npo-3, rank 0.4; spread 0.01 to 0.4",
        "pass  w/people/direct[other]  because pass",
    ]


def test_where_more_is_better_the_smallest_is_the_worst() -> None:
    checks = [record(f"npo-{i}", "pass", [rate(1.0 / i, "auc")], mode="atleast") for i in (1, 2)]
    assert summary(checks, 100)[-1].endswith("worst of 2 seeds: npo-2, auc 0.5; spread 0.5 to 1")


def test_a_seed_that_could_not_be_judged_is_the_worst_and_has_no_number() -> None:
    checks = [record("npo-1", "fail", [rate(0.5)]), record("npo-2", "error", [])]
    assert summary(checks, 100)[-1].endswith("worst of 2 seeds: npo-2")


def test_a_search_is_compared_by_its_leaking_facts() -> None:
    tallies = [{"grader": "text", "units": 8, "unit_leaks": leaks} for leaks in (2, 4)]
    checks = [record(f"npo-{i}", "fail", [tally]) for i, tally in enumerate(tallies, 1)]
    assert summary(checks, 100)[-1].endswith("worst of 2 seeds: npo-2, text 0.5; spread 0.25 to 0.5")


def test_nothing_is_said_about_seeds_where_there_is_one_candidate() -> None:
    assert len(summary([record(None, "pass", [rate(0.1)])], 100)) == 1
    assert len(summary([record("npo-1", "pass", [rate(0.1)])], 100)) == 1


def test_a_run_ends_with_what_does_not_pass_and_a_count() -> None:
    checks = [
        record("npo-1", "pass", [rate(0.02)]),
        record("npo-2", "fail", [rate(0.3)]),
        record("other", "vacuous", []),
    ]
    all_of = summary(checks, 100)
    assert concise(checks, 100) == [*all_of[1:], "3 checks: 1 fail, 1 vacuous, 1 pass"]
    assert concise(checks, 100, 1) == [*all_of, "3 checks: 1 fail, 1 vacuous, 1 pass"]
    assert concise(checks, 100, -1) == ["3 checks: 1 fail, 1 vacuous, 1 pass"]
    assert concise(checks[:1], 100) == ["1 check: 1 pass"]


def test_a_reason_moves_no_cursor() -> None:
    told = summary([record(None, "error", [], reason="a\x1b[2Jb\nmore")], 100)
    assert told == ["error  w/people/direct  a\ufffd[2Jb"]
