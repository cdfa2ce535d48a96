"""A run as a gate, and the same records judged later: one verdict, one exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import pytest_unlearn.gate.gate
import pytest_unlearn.metrics.perplexity_ratio
import pytest_unlearn.runner.session
import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.cli.app import app
from pytest_unlearn.gate.waivers import today
from pytest_unlearn.records import read

Project = Callable[..., Path]
SOON, GONE = (str(today() + timedelta(days=days)) for days in (30, -1))
KEPT = """\
  high: {measure: perplexity_ratio, limit: 1.5}
  own: {measure: perplexity_ratio, statements: 8, limit: 1.2, tags: [quick]}
"""


@pytest.fixture
def place(project: Project, pytester: pytest.Pytester) -> Callable[..., Path]:
    """Writes a project in which nothing was forgotten, without a reference and with a policy."""

    def make(checks: str = KEPT, policy: str = "{require: utility}") -> Path:
        path = project(checks=checks)
        text = path.read_text(encoding="utf-8").replace(", reference: retrained", "")
        path.write_text(f"{text}gate: {policy}\n", encoding="utf-8")
        return path

    return make


def records(pytester: pytest.Pytester) -> list[dict[str, Any]]:
    return list(read(pytester.path / ".unlearn" / "records.jsonl"))


def later(*words: str) -> tuple[int, list[str]]:
    """The verdict of `unlearn gate` on what the run has left."""
    run = CliRunner().invoke(app, ["gate", *(words or (".unlearn",))])
    assert run.exception is None or isinstance(run.exception, SystemExit), run.exception
    return run.exit_code, run.output.splitlines()


def said(result: pytest.RunResult) -> list[str]:
    """What a run says about its gate."""
    start = next(i for i, line in enumerate(result.outlines) if " unlearning gate " in line) + 1
    end = next((i for i, line in enumerate(result.outlines[start:], start) if line[:2] == "=="), None)
    return [line for line in result.outlines[start:end] if line]


def both(pytester: pytest.Pytester, *options: str) -> tuple[int, list[str]]:
    """The exit code of a run as a gate and what it says, which is also that of its records judged later."""
    result = pytester.runpytest_inprocess("--unlearn-gate", *options)
    assert later() == (result.ret, said(result))
    return int(result.ret), said(result)


def test_a_run_that_keeps_what_it_promises_opens_the_gate(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    place()
    assert both(pytester) == (0, ["gate: open (2 passed)"])


def test_a_claim_that_no_check_makes_closes_it(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    place(policy="{}")
    code, lines = both(pytester)
    assert (code, lines[1]) == (1, "  failed        the claim `forget` is required, and no check makes it")


def test_too_little_that_is_known_has_its_own_code(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    place(KEPT + "  direct: {ask: direct, limit: 5%, min_known: 500, grade: text}\n")
    code, lines = both(pytester)
    assert (code, lines[0]) == (23, "gate: closed, exit code 23 (2 passed, 1 vacuous)")
    assert lines[1].startswith("  vacuous       w/people/direct: vacuous: the original knows ")


def test_a_check_that_cannot_be_decided_has_its_own_code(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    checks = KEPT + "  direct: {ask: direct, search: 50, grade: {rank: {rivals: 2}}}\n"
    place(checks)
    code, lines = both(pytester)
    assert (code, lines[0]) == (20, "gate: closed, exit code 20 (2 passed, 1 inconclusive)")
    place(checks, "{require: utility, on_inconclusive: warn}")
    code, lines = both(pytester)
    assert (code, lines[1][:16]) == (0, "  note          ")


def test_a_check_that_is_not_selected_closes_it_by_whichever_way_it_was_left_out(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    place()
    for options in (
        ["-m", "quick"],
        ["-k", "own"],
        ["w.unlearn.yaml::people::own"],
        ["--deselect=w.unlearn.yaml::people::high"],
    ):
        code, lines = both(pytester, *options)
        assert (code, lines[0]) == (1, "gate: closed, exit code 1 (1 passed, 1 left out)")
        assert lines[1] == "  failed        1 check left out: w/people/high"


def test_two_runs_that_share_the_checks_are_one_release(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    place()
    for name in ("own", "high"):
        assert pytester.runpytest_inprocess("-k", name, f"--unlearn-dir={name}").ret == 0
    assert later("own")[0] == 1
    assert later("own", "high/records.jsonl") == (0, ["gate: open (2 passed)"])


def test_a_check_that_is_skipped_or_left_by_x_closes_it(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    place("  low: {measure: perplexity_ratio, limit: 0.5}\n" + KEPT)
    code, lines = both(pytester, "-x")
    assert (code, lines[0]) == (1, "gate: closed, exit code 1 (1 failed, 2 without a verdict)")
    place()
    pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.skip(reason="not today"))
        """
    )
    code, lines = both(pytester)
    assert (code, lines[0]) == (1, "gate: closed, exit code 1 (1 passed, 1 without a verdict)")


def test_another_test_that_fails_keeps_code_1_beside_a_milder_reason(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    place(KEPT + "  direct: {ask: direct, limit: 5%, min_known: 500, grade: text}\n")
    pytester.makepyfile("def test_other(): assert False")
    code, lines = both(pytester)
    assert (code, lines[1]) == (1, "  failed        1 other failure in the same run")
    place()
    assert both(pytester)[0] == 1  # the checks pass


def test_the_codes_of_pytest_keep_their_meaning(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    path = place()
    assert pytester.runpytest_inprocess("--unlearn-gate", "-k", "nothing").ret == 5
    assert pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-candidate=nobody=./x").ret == 4
    path.write_text(path.read_text(encoding="utf-8").replace("forget:", "forgett:"), encoding="utf-8")
    assert pytester.runpytest_inprocess("--unlearn-gate").ret == 2
    path.unlink()
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_inprocess("--unlearn-gate")
    assert (result.ret, said(result)) == (
        5,
        ["gate: closed, exit code 5 (no checks)", "  empty         no check was judged"],
    )
    assert pytester.runpytest_inprocess("--unlearn-gate", "--collect-only").ret == 0  # nothing is to be judged


def test_workers_have_the_same_verdict(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    place(KEPT + "  direct: {ask: direct, limit: 5%, min_known: 500, grade: text}\n")
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_subprocess("--unlearn-gate", "-n", "2")
    assert (result.ret, said(result)[0]) == (23, "gate: closed, exit code 23 (2 passed, 1 vacuous)")
    assert later() == (23, said(result))


def test_a_run_without_the_option_ends_as_pytest_does(place: Callable[..., Path], pytester: pytest.Pytester) -> None:
    place(KEPT + "  direct: {ask: direct, limit: 5%, min_known: 500, grade: text}\n")
    result = pytester.runpytest_inprocess()
    assert result.ret == 1
    assert not [line for line in result.outlines if "unlearning gate" in line]
    assert later()[0] == 23


LEAKS = KEPT + "  inverse: {ask: inverse, search: 40, grade: text}\n"


def waive(pytester: pytest.Pytester, findings: list[str], expires: str = SOON, check: str = "w/people/inverse") -> None:
    entry = {"check": check, "finding": findings, "reason": "known", "owner": "Ann", "expires": expires}
    text = f"version: 1\nwaivers:\n- {json.dumps(entry)}\n"
    (pytester.path / "unlearn-waivers.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def leaked(place: Callable[..., Path], pytester: pytest.Pytester) -> list[str]:
    """A project with a check that leaks and may be waived; the fingerprints of its leaks."""
    place(LEAKS, "{require: utility, max_waived: 1}")
    pytester.runpytest_inprocess()
    (record,) = (one for one in records(pytester) if one.get("check") == "inverse")
    (tally,) = record["tallies"]
    assert set(record["findings"]) <= set(tally["leaked"])
    assert len(tally["leaked"]) > 1
    found: list[str] = tally["leaked"]
    return found


def test_a_waived_leak_is_expected_to_fail_and_its_days_are_shown(leaked: list[str], pytester: pytest.Pytester) -> None:
    waive(pytester, leaked)
    result = pytester.runpytest_inprocess("--unlearn-gate", "-rx")
    result.assert_outcomes(passed=2, xfailed=1)
    result.stdout.fnmatch_lines(["XFAIL *inverse - waived: known (Ann, 30 days left)"])
    assert (result.ret, said(result)) == (
        0,
        [
            "gate: open (2 passed, 1 waived)",
            "  note          w/people/inverse: waived: known (Ann, 30 days left)",
            "                (w.unlearn.yaml:10)",
        ],
    )
    assert later() == (0, said(result))
    assert pytester.runpytest_inprocess().ret == 1  # without the gate nothing is waived


def test_a_leak_that_is_not_named_fails(leaked: list[str], pytester: pytest.Pytester) -> None:
    waive(pytester, leaked[1:])
    code, lines = both(pytester)
    assert (code, lines[0]) == (1, "gate: closed, exit code 1 (2 passed, 1 failed)")
    assert f"new: '{leaked[0]}'" in " ".join(line.strip() for line in lines)


def test_an_expired_waiver_has_its_own_code(leaked: list[str], pytester: pytest.Pytester) -> None:
    waive(pytester, leaked, GONE)
    code, lines = both(pytester)
    assert (code, lines[0]) == (22, "gate: closed, exit code 22 (2 passed, 1 waiver expired)")


def test_a_file_of_waivers_with_a_mistake_is_told_before_anything_runs(
    leaked: list[str], pytester: pytest.Pytester
) -> None:
    waive(pytester, ["direct"])
    result = pytester.runpytest_inprocess("--unlearn-gate")
    assert result.ret == 4
    told = "ERROR: unlearn-waivers.yaml:3:45: 'direct' is no fingerprint: a record has them, 8 digits from 0 to f"
    assert told in result.errlines
    result = pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-waivers=none.yaml")
    assert result.ret == 4
    assert f"ERROR: there is no file of waivers {pytester.path / 'none.yaml'}" in result.errlines


def test_a_disk_that_cannot_be_written_opens_no_gate_and_hides_no_verdict(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    place()
    out = pytester.path / "file" / "out"
    out.parent.write_text("in the way", encoding="utf-8")
    result = pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-dir=file/out")
    why = f"the records are not kept: {out / 'records.jsonl'} cannot be written ([Errno 20] Not a directory: '{out}')"
    assert f"unlearn: {why}" in result.outlines
    assert "2 checks: 2 pass" in result.outlines
    first, *rest = said(result)
    assert (result.ret, first) == (1, "gate: closed, exit code 1 (2 passed)")
    assert " ".join(line.strip() for line in rest).startswith(f"failed        {why} ")


def test_a_baseline_is_written_by_one_run_and_held_against_the_next(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    place("  inverse: {ask: inverse, search: 40, grade: text, xfail: not forgotten}\n", "{require: [], max_waived: 1}")
    result = pytester.runpytest_inprocess("--unlearn-baseline-update")
    assert result.ret == 0
    assert "baselines/w.json: 1 new" in result.outlines
    path = pytester.path / "baselines" / "w.json"
    made = json.loads(path.read_text(encoding="utf-8"))["checks"]["w/people/inverse"]
    (found,) = (one for one in records(pytester) if one["line"] == "check")
    (tally,) = found["tallies"]
    assert made["graders"]["text"]["outcomes"] == tally["outcomes"]
    leaks = sum(bin(int(digit, 16)).count("1") for digit in tally["outcomes"]["bits"])
    assert (leaks, found["digests"]["scenario"][:12]) == (tally["leaks"], made["scenario"])
    code, lines = both(pytester)
    assert (code, lines[0]) == (0, "gate: open (1 expected to fail)")
    assert not [line for line in lines if "baseline" in line]

    def edited(old: str, new: str) -> tuple[int, list[str]]:
        """What records say when the baseline is another."""
        before = path.read_text(encoding="utf-8")
        assert old in before
        path.write_text(before.replace(old, new), encoding="utf-8")
        found = later()
        path.write_text(before, encoding="utf-8")
        return found

    bits = tally["outcomes"]["bits"]
    code, lines = edited(f'"{bits}"', f'"{"0" * len(bits)}"')  # as if nothing had leaked
    assert (code, lines[1].split(":")[:2]) == (1, ["  failed        w/people/inverse", " worse than its baseline"])
    code, lines = edited("float32", "bfloat16")
    assert (code, lines[1].split(":")[1]) == (21, " its baseline has another environment")
    code, lines = edited("w/people/inverse", "w/people/gone")
    assert (code, lines[1].split(":")[1]) == (21, " baselines/w.json has an entry that no check uses")


def test_a_baseline_that_cannot_be_used_closes_the_gate_and_is_not_overwritten(
    place: Callable[..., Path], pytester: pytest.Pytester
) -> None:
    place()
    (pytester.path / "baselines").mkdir()
    path = pytester.path / "baselines" / "w.json"
    path.write_text("{}", encoding="utf-8")
    result = pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-baseline-update-new")
    told = f"{path} is no baseline of schema 1: its schema is None"
    assert f"not written: {told}" in " ".join(result.outlines)
    assert (result.ret, " ".join(line.strip() for line in said(result))) == (
        2,
        f"gate: closed, exit code 2 (no checks) exit 2        {told}",
    )
    run = CliRunner().invoke(app, ["gate", ".unlearn"])
    assert (run.exit_code, str(run.exception)) == (1, told)  # which the command ends with 2 for
    assert path.read_text(encoding="utf-8") == "{}"
