"""`--unlearn-profile` and `--unlearn-seed`: how hard a run looks, and what it takes to look so again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.records import read

Project = Callable[..., Path]
SEARCH = "  start: {ask: multi_hop, position: start, search: 20}\n"


def judged(pytester: pytest.Pytester) -> dict[str, Any]:
    (record,) = (one for one in read(pytester.path / ".unlearn" / "records.jsonl") if one["line"] == "check")
    return record


def test_each_profile_asks_what_it_says_and_the_records_tell(project: Project, pytester: pytest.Pytester) -> None:
    project(checks=SEARCH)
    seen = {}
    for options in ((), ("--unlearn-seed=7",), ("--unlearn-profile=nightly", "--unlearn-seed=7")):
        result = pytester.runpytest_inprocess(*options)
        record = judged(pytester)
        seen[options] = (record["profile"], record["seeds"]["probe"], record["tallies"][0]["asked"])
        header = [line for line in result.outlines if line.startswith("unlearn: ")]
        assert header == ([f"unlearn: --unlearn-profile {record['profile']} --unlearn-seed 7"] if options else [])
    (pr, few), (other, *_), (night, many) = [((one[0], one[1]), one[2]) for one in seen.values()]
    assert (pr, other, night) == (("pr", 0), ("pr", 7), ("nightly", 7))
    assert few <= 20 < many


def test_another_seed_draws_other_questions(project: Project, pytester: pytest.Pytester) -> None:
    project(checks=SEARCH)
    asked = []
    for seed in ("0", "1", "0"):
        pytester.runpytest_inprocess("--unlearn-seed", seed)
        asked.append(judged(pytester)["tallies"])
    assert asked[0] == asked[2] != asked[1]


def test_a_nightly_run_settles_its_seed_before_its_workers_start(project: Project, pytester: pytest.Pytester) -> None:
    project(checks="  own: {measure: perplexity_ratio, limit: 1.2}\n")
    result = pytester.runpytest("-n", "1", "--unlearn-profile=nightly")
    (line,) = (line for line in result.outlines if line.startswith("unlearn: "))
    assert judged(pytester)["profile"] == "nightly"
    assert line == f"unlearn: --unlearn-profile nightly --unlearn-seed {judged(pytester)['seeds']['probe']}"


def test_a_profile_in_the_project_is_used_and_one_that_is_none_is_told(
    project: Project, pytester: pytest.Pytester
) -> None:
    project(checks=SEARCH)
    pytester.makeini("[pytest]\nunlearn_profile = nigthly\n")
    result = pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    message = "unlearn_profile: there is no profile 'nigthly', only pr, nightly, audit - did you mean 'nightly'?"
    result.stderr.fnmatch_lines([f"*{message}*"])


@pytest.mark.parametrize("seed", ["-1", "x", str(2**62)])
def test_a_seed_that_is_none_is_told(pytester: pytest.Pytester, seed: str) -> None:
    result = pytester.runpytest_inprocess(f"--unlearn-seed={seed}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*argument --unlearn-seed: a whole number from 0 to 2^62 - 1, not *"])


def test_a_baseline_of_another_profile_is_no_baseline(project: Project, pytester: pytest.Pytester) -> None:
    path = project(checks="  own: {measure: perplexity_ratio, limit: 1.2}\n")
    path.write_text(f"{path.read_text('utf-8')}gate: {{require: utility}}\n", encoding="utf-8")
    pytester.runpytest_inprocess("--unlearn-baseline-update")
    same = pytester.runpytest_inprocess("--unlearn-gate")
    other = pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-profile=audit")
    assert (same.ret, other.ret) == (0, 21)
    other.stdout.fnmatch_lines(["*its baseline has another questions*"])
