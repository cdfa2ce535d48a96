"""What a gate must not overlook, whoever hides it: runs whose checks have the verdict that their name begins with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import pytest_unlearn.gate.gate
import pytest_unlearn.report.files  # noqa: F401
import pytest_unlearn.runner.session as running  # pytester forgets what is first imported inside a run
from pytest_unlearn.cli.app import app
from pytest_unlearn.records import read
from pytest_unlearn.scenario.model import Case
from pytest_unlearn.verdict.outcomes import packed
from pytest_unlearn.verdict.verdict import Outcome, Tally, Verdict

SCENARIO = """\
version: 1
model: {{original: ./nowhere, candidate: {{method: none}}}}
knowledge:
  entities: {{Jane Roemer: {{type: person, private: true}}, Ann: person, Lyon: city, Bern: city}}
  relations: {{lives_in: {{ask: ["Where does {{subject}} live?"]}}}}
  facts: {{lives_in: {{Jane Roemer: Lyon, Ann: Bern}}}}
forget: {{r: Jane Roemer}}
checks:
{checks}
gate: {policy}
"""
Write = Callable[..., Path]


def hold(self: running.Session, case: Case, part: object, *, planned: bool = False) -> running.Result:
    """A verdict without a model: that which the id of a check begins with, else a pass."""
    first = case.check.id.split("-")[0]
    outcome = Outcome(first) if first in tuple(Outcome) else Outcome.PASS
    leaked = ("aaaaaaaa",) if outcome is Outcome.FAIL else ()
    tally = Tally("text", outcome, "because", 9, 9, 9, 9, len(leaked), leaked=leaked)
    digests = {"scenario": case.scenario.digest, "original": "o", "candidate": "c", "reference": "r"}
    return running.Result(
        case, Verdict(outcome, f"so {outcome}", (tally,)), dict.fromkeys(running.COUNTERS, 0), 0, digests
    )


@pytest.fixture
def write(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a scenario, whose checks are named."""
    pytester.makeini("[pytest]\n")
    monkeypatch.setattr(running.Session, "hold", hold)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)

    def make(name: str, *checks: str, policy: str = "{require: []}") -> Path:
        path = pytester.path / f"{name}.unlearn.yaml"
        path.parent.mkdir(exist_ok=True, parents=True)
        lines = "\n".join(f"  {check}: {{ask: direct, limit: 5%}}" for check in checks)
        path.write_text(SCENARIO.format(checks=lines, policy=policy), encoding="utf-8")
        return path

    return make


def later(*words: str) -> tuple[int, list[str]]:
    """What `unlearn gate` says of what a run has left."""
    run = CliRunner().invoke(app, [*words, "gate", ".unlearn"])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    return run.exit_code, run.output.splitlines()


def records(pytester: pytest.Pytester) -> list[dict[str, Any]]:
    return list(read(pytester.path / ".unlearn" / "records.jsonl"))


@pytest.mark.parametrize(
    "options", [["-k", "one"], ["-m", "forget and not two"], ["--deselect=b.unlearn.yaml::r::two"]]
)
def test_a_scenario_of_which_nothing_is_selected_is_left_out(
    write: Write, pytester: pytest.Pytester, options: list[str]
) -> None:
    write("a", "one")
    path = write("b", "two")
    path.write_text(path.read_text(encoding="utf-8").replace("5%}", "5%, tags: [two]}"), encoding="utf-8")
    result = pytester.runpytest_inprocess("--unlearn-gate", *options)
    told = ["gate: closed, exit code 1 (1 passed, 1 left out)", "  failed        1 check left out: b/r/two"]
    assert later() == (result.ret, told)
    assert result.outlines[-3:-1] == told
    assert result.ret == 1


def test_a_scenario_that_last_failed_passes_over_is_left_out(write: Write, pytester: pytest.Pytester) -> None:
    write("a", "fail-one")
    write("b", "two")
    pytester.runpytest_inprocess()
    result = pytester.runpytest_inprocess("--lf", "--unlearn-gate")
    assert (result.ret, later()[1][0]) == (1, "gate: closed, exit code 1 (1 failed, 1 left out)")


def test_a_job_that_runs_a_part_on_purpose_is_told_and_keeps_its_claims(
    write: Write, pytester: pytest.Pytester
) -> None:
    write("a", "one", policy="{require: forget}")
    write("b", "two", policy="{require: [forget, utility], on_left_out: warn}")
    result = pytester.runpytest_inprocess("--unlearn-gate", "-k", "one")
    assert later() == (0, ["gate: open (1 passed, 1 left out)", "  note          1 check left out: b/r/two"])
    assert result.ret == 0
    write("b", "two", "one", policy="{require: [forget, utility], on_left_out: warn}")
    result = pytester.runpytest_inprocess("--unlearn-gate", "-k", "one")
    assert (result.ret, later()[1][1]) == (1, "  failed        the claim `utility` is required, and no check makes it")


def test_a_scenario_that_pytest_is_not_given_is_none_of_its_business(write: Write, pytester: pytest.Pytester) -> None:
    write("a", "one")
    write("b", "two")
    assert pytester.runpytest_inprocess("--unlearn-gate", "a.unlearn.yaml").ret == 0
    assert records(pytester)[0]["left_out"] == []


LOOP = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session):
    done = yield
    session.testsfailed += 1
    return done
"""


def test_a_run_that_another_plugin_makes_fail_opens_no_gate(write: Write, pytester: pytest.Pytester) -> None:
    for checks, source in (
        (["one"], "def pytest_sessionfinish(session): session.exitstatus = 1"),
        (["one", "inconclusive-two"], LOOP),
    ):
        write("a", *checks, policy="{require: [], on_inconclusive: warn}")
        pytester.makeconftest("")
        assert pytester.runpytest_inprocess("--unlearn-gate").ret == 0
        pytester.makeconftest(source)
        result = pytester.runpytest_inprocess("--unlearn-gate")
        assert later()[1][1] == "  failed        1 other failure in the same run"
        assert (result.ret, later()[0]) == (1, 1)
    pytester.makeconftest("def pytest_sessionfinish(session): session.exitstatus = 3")
    assert (pytester.runpytest_inprocess("--unlearn-gate").ret, later()[0]) == (3, 3)


def test_a_plugin_that_breaks_off_the_end_of_a_run_opens_no_gate(write: Write, pytester: pytest.Pytester) -> None:
    write("a", "one")
    pytester.makeconftest("import pytest\ndef pytest_sessionfinish(): pytest.exit('enough')")
    assert pytester.runpytest_inprocess("--unlearn-gate").ret == 3
    assert " was cut off: it has no last" in later()[1][1]


def test_more_warnings_than_are_allowed_close_it(write: Write, pytester: pytest.Pytester) -> None:
    write("a", "one")
    pytester.makepyfile("import warnings\ndef test_warns(): warnings.warn('x')")
    told = [
        "gate: closed, exit code 6 (1 passed)",
        "  warnings      pytest ended with 6: there were more warnings than",
        "                `--max-warnings` allows",
    ]
    assert pytester.runpytest_inprocess("--unlearn-gate", "--max-warnings=1").ret == 0
    for options in (["--max-warnings=0"], ["-o", "max_warnings=0"]):
        assert (pytester.runpytest_inprocess("--unlearn-gate", *options).ret, later()) == (6, (6, told))


def test_records_say_whether_names_were_masked_and_old_ones_are_read(write: Write, pytester: pytest.Pytester) -> None:
    write("a", "one")
    place = pytester.path / ".unlearn"
    for said in ("off", "on"):
        pytester.runpytest_inprocess("--unlearn-gate", f"--unlearn-redact={said}")
        assert records(pytester)[0]["redacted"] is (said == "on")
        (run,) = json.loads((place / "summary.json").read_text(encoding="utf-8"))["runs"]
        assert run["redacted"] is (said == "on")
    path = place / "records.jsonl"
    path.write_text(path.read_text(encoding="utf-8").replace('"redacted": true, ', ""), encoding="utf-8")
    assert "redacted" not in records(pytester)[0]
    run = CliRunner().invoke(app, ["gate", ".unlearn", "--summary", "s.json"])
    assert run.exit_code == 0
    assert json.loads(Path("s.json").read_text(encoding="utf-8"))["runs"][0]["redacted"] is None


def test_a_run_that_comes_to_no_plan_takes_the_place_of_the_one_before(write: Write, pytester: pytest.Pytester) -> None:
    path = write("a", "one")
    assert pytester.runpytest_inprocess("--unlearn-gate").ret == later()[0] == 0
    (first,) = {line["run"] for line in records(pytester)}
    path.write_text(path.read_text(encoding="utf-8").replace("forget:", "forgett:"), encoding="utf-8")
    result = pytester.runpytest_inprocess("--unlearn-gate")
    assert f"unlearn: this run judged nothing: older records are kept as records.{first}.jsonl" in result.outlines
    assert (result.ret, later()[0]) == (2, 2)
    assert pytester.runpytest_inprocess("--collect-only").ret == 2
    write("a", "one")
    assert pytester.runpytest_inprocess("-k", "nothing").ret == 5  # no gate: nothing is to be taken for its verdict
    assert later()[0] == 2
    result = pytester.runpytest_inprocess("--unlearn-gate", "-k", "nothing")
    assert (result.ret, later()) == (
        5,
        (
            5,
            [
                "gate: closed, exit code 5 (no checks)",
                "  empty         no check was judged",
                "  empty         pytest ended with 5",
            ],
        ),
    )
    assert pytester.runpytest_inprocess("--unlearn-gate").ret == later()[0] == 0
    assert [path.name for path in (pytester.path / ".unlearn").glob("records*")] == ["records.jsonl"]


def test_a_gate_that_updates_baselines_is_held_against_those_that_it_replaces(
    write: Write, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(self: running.Session, case: Case, part: object, *, planned: bool = False) -> running.Result:
        result = hold(self, case, part, planned=planned)
        (tally,) = result.verdict.tallies
        tally = replace(tally, outcomes=packed([str(i) for i in range(20)], [i < wrong for i in range(20)], "q"))
        return replace(result, verdict=replace(result.verdict, tallies=(tally,)))

    monkeypatch.setattr(running.Session, "hold", judged)
    write("a", "one")
    codes = []
    for wrong in (0, 9, 9, 0):  # noqa: B007 - of 20 answers
        codes.append(pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-baseline-update").ret)
    assert codes == [0, 1, 0, 0]


def test_a_scenario_whose_file_has_another_ending_is_told(write: Write, pytester: pytest.Pytester) -> None:
    write("a", "one")
    path = write("b", "two")
    path.rename(path.with_suffix(".yml"))
    result = pytester.runpytest_inprocess("--unlearn-gate")
    told = (
        "b.unlearn.yml:1:1: the file of a scenario ends in .unlearn.yaml, not in .unlearn.yml: rename it, or nothing "
        "in it is judged"
    )
    assert result.ret == 2
    assert told in result.outlines
