"""One verdict from record lines: what opens a gate, and what closes it with which code."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unlearn.errors import Mark
from pytest_unlearn.gate.decide import decide
from pytest_unlearn.gate.verdict import MEANINGS, SEVERITY, GateVerdict, Reason, Standing, severity, verdict
from pytest_unlearn.gate.waivers import NONE, Excuses, Waiver
from pytest_unlearn.report import github
from pytest_unlearn.report.evidence import statement
from pytest_unlearn.report.files import TEXTS
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.verdict.verdict import Outcome

TODAY = date(2026, 1, 10)
Make = Callable[..., Any]


def judged(records: list[dict[str, Any]], excuses: Excuses = NONE) -> GateVerdict:
    return decide(records, excuses, TODAY)


def told(found: GateVerdict) -> list[tuple[int, str, str]]:
    return [(reason.code, reason.check.rpartition("/")[2], reason.text) for reason in found.reasons]


def waiver(name: str, *findings: str, expires: date = date(2026, 2, 1)) -> Waiver:
    place = Mark(Path("unlearn-waivers.yaml"), 3, 5)
    return Waiver(f"w/t/{name}", frozenset(findings), "known", "Ann", "", expires, place)


def test_a_run_in_which_every_required_claim_passes_opens_the_gate(check: Make, run: Make) -> None:
    found = judged(run(check("a"), check("b", claim="utility")))
    assert (found.exit, found.is_open, found.reasons) == (0, True, ())
    assert found.terminal() == ["gate: open (2 passed)"]


@pytest.mark.parametrize(
    ("verdict", "code"),
    [("fail", 1), ("error", 1), ("inconclusive", 20), ("vacuous", 23), ("not-applicable", 23)],
)
def test_each_verdict_that_is_no_pass_has_its_code(check: Make, run: Make, verdict: str, code: int) -> None:
    assert judged(run(check("a"), check("b", claim="utility"), check("c", verdict))).exit == code


def test_the_only_check_of_a_claim_that_is_inconclusive_is_told_as_that(check: Make, run: Make) -> None:
    assert judged(run(check("a", "inconclusive"), check("b", claim="utility"))).exit == 20


def test_the_most_severe_reason_is_the_exit_code_and_stands_first(check: Make, run: Make) -> None:
    found = judged(run(check("a"), check("b", "inconclusive"), check("c", "vacuous"), check("u", claim="utility")))
    assert told(found) == [
        (23, "c", "vacuous: because of vacuous"),
        (20, "b", "inconclusive: because of inconclusive"),
    ]
    assert found.terminal(60) == [
        "gate: closed, exit code 23 (2 passed, 1 inconclusive, 1 vacuous)",
        "  vacuous       w/t/c: vacuous: because of vacuous",
        "                (w.unlearn.yaml:9)",
        "  inconclusive  w/t/b: inconclusive: because of inconclusive",
        "                (w.unlearn.yaml:9)",
    ]


def test_severity_orders_every_code_that_has_a_meaning() -> None:
    assert set(SEVERITY) == set(MEANINGS)
    order = [0, 20, 21, 22, 23, 1, 6, 5, 4, 2, 3, 7]
    assert sorted(order, key=severity) == order


@pytest.mark.parametrize(
    ("gate", "verdict"), [({"on_inconclusive": "warn"}, "inconclusive"), ({"on_vacuous": "warn"}, "vacuous")]
)
def test_a_policy_may_let_it_be_with_a_warning(check: Make, run: Make, gate: dict[str, str], verdict: str) -> None:
    found = judged(run(check("a"), check("b", claim="utility"), check("c", verdict), gate=gate))
    assert told(found) == [(0, "c", f"{verdict}: because of {verdict}")]
    assert found.exit == 0


def test_a_claim_whose_checks_are_all_let_be_is_still_required(check: Make, run: Make) -> None:
    found = judged(run(check("a", "vacuous"), check("b", claim="utility"), gate={"on_vacuous": "warn"}))
    assert told(found)[0] == (1, "", "the claim `forget` is required, and none of its checks passes")


def test_a_claim_that_no_check_makes_closes_the_gate(check: Make, run: Make) -> None:
    found = judged(run(check("a")))
    assert told(found) == [(1, "", "the claim `utility` is required, and no check makes it")]
    assert judged(run(check("a"), gate={"require": ["forget"]})).is_open


def test_what_is_declared_as_not_applicable_does_not_count(check: Make, run: Make) -> None:
    lines = run(check("a"), check("b", claim="utility"), check("c", "not-applicable"), gate={"not_applicable": ["c"]})
    assert (judged(lines).exit, judged(lines).counts) == (0, {"passed": 2, "not applicable": 1})


def test_a_reference_may_be_required(check: Make, run: Make) -> None:
    alone = check("a", digests={"scenario": "s", "original": "o", "candidate": "c"})
    text = "it is judged without a model that never learned the target"
    for value, code in (("fail", 1), ("warn", 0)):
        found = judged(run(alone, check("b", claim="utility"), gate={"on_no_reference": value}))
        assert (told(found), found.exit) == ([(code, "a", text)], code)
    assert judged(run(alone, check("b", claim="utility"))).reasons == ()


def test_checks_that_were_left_out_close_the_gate_unless_another_run_has_them(check: Make, run: Make) -> None:
    one, two = check("a"), check("b", claim="utility")
    lines = run(one, out=(two,), gate={"require": ["forget"]})
    assert told(judged(lines)) == [(1, "", "1 check left out: w/t/b")]
    warned = judged(run(one, out=(two,), gate={"require": ["forget"], "on_left_out": "warn"}))
    assert (warned.exit, warned.counts) == (0, {"passed": 1, "left out": 1})
    assert judged([*lines, *run(two, out=(one,), run="r2", gate={"require": ["forget"]})]).is_open


def test_a_planned_check_without_a_verdict_closes_the_gate(check: Make, run: Make) -> None:
    found = judged(run(check("a"), check("b", claim="utility"), planned=(check("c"),)))
    assert told(found) == [(1, "c", "it was planned and has no verdict: it crashed, was skipped or never ran")]


def test_a_run_that_was_cut_off_or_has_no_plan_closes_the_gate(check: Make, run: Make) -> None:
    lines = run(check("a"), check("b", claim="utility"))
    assert told(judged(lines[:-1])) == [(1, "", "run r1 was cut off: it has no last line")]
    text = "run r1 has no plan: what it should have judged cannot be told"
    assert (1, "", text) in told(judged(lines[1:]))


def test_nothing_is_no_pass(check: Make, run: Make) -> None:
    assert told(judged([])) == [(5, "", "no check was judged")]
    assert judged(run()).exit == 5


@pytest.mark.parametrize("code", [2, 3, 4, 5, 6])
def test_codes_of_pytest_keep_their_meaning(check: Make, run: Make, code: int) -> None:
    found = judged(run(check("a", "fail"), check("b", claim="utility"), exit=code))
    assert found.exit == code
    why = ": there were more warnings than `--max-warnings` allows" if code == 6 else ""
    assert (code, "", f"pytest ended with {code}{why}") in told(found)


def test_what_failed_beside_the_checks_closes_the_gate(check: Make, run: Make) -> None:
    ok = check("a"), check("b", claim="utility")
    assert told(judged(run(*ok, exit=1, others_failed=2))) == [(1, "", "2 other failures in the same run")]
    assert told(judged(run(*ok, exit=1))) == [(1, "", "pytest ended with 1, and no verdict says why")]


def test_xfail_counts_against_the_cap(check: Make, run: Make) -> None:
    lines = check("a"), check("b", claim="utility"), check("c", "fail", expected="fail")
    found = judged(run(*lines, exit=0))
    assert told(found) == [
        (1, "", "1 check excused, at most 0 may be: w/t/c"),
        (0, "c", "expected to fail: because of fail"),
    ]
    assert judged(run(*lines, exit=0, gate={"max_waived": 1})).is_open


def test_an_error_is_not_excused_by_xfail(check: Make, run: Make) -> None:
    lines = check("a"), check("b", claim="utility"), check("c", "error", expected="fail")
    assert told(judged(run(*lines, gate={"max_waived": 1}))) == [(1, "c", "error: because of error")]


def test_a_check_that_passes_though_it_is_expected_to_fail_speaks_up(check: Make, run: Make) -> None:
    found = judged(run(check("a", expected="fail"), check("b", claim="utility")))
    assert told(found) == [(0, "a", "it passes, and is expected to fail: take its `xfail` out")]


def waived(check: Make, run: Make, *waivers: Waiver, leaked: tuple[str, ...] = ("aaaaaaaa",), **more: Any) -> Any:
    failing = check("c", "fail", leaked=list(leaked), **more)
    lines = run(check("a"), check("b", claim="utility"), failing, gate={"max_waived": 1})
    return judged(lines, Excuses(waivers))


def test_a_waived_leak_opens_the_gate_and_shows_the_days_left(check: Make, run: Make) -> None:
    found = waived(check, run, waiver("c", "aaaaaaaa"))
    assert told(found) == [(0, "c", "waived: known (Ann, 22 days left)")]
    (one,) = (one for one in found.checks if one.standing is Standing.WAIVED)
    assert (one.days_left, one.owner, found.exit) == (22, "Ann", 0)


def test_a_waiver_holds_on_its_last_day(check: Make, run: Make) -> None:
    assert waived(check, run, waiver("c", "aaaaaaaa", expires=TODAY)).is_open


def test_a_new_leak_in_a_waived_check_fails(check: Make, run: Make) -> None:
    found = waived(check, run, waiver("c", "aaaaaaaa"), leaked=("aaaaaaaa", "bbbbbbbb"))
    assert told(found)[0] == (1, "c", "fails: because of fail; new: 'bbbbbbbb'")


def test_a_failure_of_which_it_is_not_known_what_leaked_is_not_waived(check: Make, run: Make) -> None:
    assert waived(check, run, waiver("c", "aaaaaaaa"), leaked=()).exit == 1


def test_an_expired_waiver_has_its_own_code(check: Make, run: Make) -> None:
    found = waived(check, run, waiver("c", "aaaaaaaa", expires=date(2026, 1, 9)))
    assert found.exit == 22
    assert (22, "c", "its waiver has expired: known (Ann, expired 1 day ago)") in told(found)


def test_a_new_leak_beside_an_expired_waiver_is_a_failure(check: Make, run: Make) -> None:
    old = waiver("c", "aaaaaaaa", expires=date(2026, 1, 9))
    assert waived(check, run, old, leaked=("aaaaaaaa", "bbbbbbbb")).exit == 1


def test_a_waiver_of_what_no_longer_leaks_is_stale_and_closes_the_gate_once_it_expires(check: Make, run: Make) -> None:
    ok = run(check("a"), check("b", claim="utility"))
    stale = judged(ok, Excuses((waiver("a", "aaaaaaaa"),)))
    text = "stale: aaaaaaaa no longer leaks; take it out before it expires"
    assert (stale.exit, told(stale)) == (0, [(0, "a", text)])
    expired = judged(ok, Excuses((waiver("a", "aaaaaaaa", expires=date(2025, 12, 31)),)))
    assert (expired.exit, told(expired)) == (22, [(22, "a", "expired: known (Ann, expired 10 days ago)")])


def test_a_waiver_of_a_check_that_is_no_more_is_stale_and_one_of_another_scenario_is_not(
    check: Make, run: Make
) -> None:
    lines = run(check("a"), check("b", claim="utility"))
    found = judged(lines, Excuses((waiver("gone", "aaaaaaaa"),)))
    assert told(found) == [(0, "gone", "stale: the scenario has no such check; take the entry out")]
    other = Waiver("v/t/a", frozenset({"aaaaaaaa"}), "known", "Ann", "", date(2025, 1, 1), Mark(Path("x")))
    assert judged(lines, Excuses((other,))).reasons == ()


def test_what_another_grader_could_not_decide_is_not_waived(check: Make, run: Make) -> None:
    tallies = [
        {"grader": "text", "outcome": "fail", "reason": "leaks", "leaked": ["aaaaaaaa"]},
        {"grader": "rank", "outcome": "inconclusive", "reason": "too few"},
    ]
    found = waived(check, run, waiver("c", "aaaaaaaa"), tallies=tallies)
    assert (20, "c", "inconclusive: rank: too few") in told(found)
    assert found.exit == 20


def test_each_grader_beside_a_waived_one_has_its_own_policy(check: Make, run: Make) -> None:
    tallies = [
        {"grader": "text", "outcome": "fail", "reason": "leaks", "leaked": ["aaaaaaaa"]},
        {"grader": "rank", "outcome": "vacuous", "reason": "nothing is known"},
        {"grader": "rouge", "outcome": "inconclusive", "reason": "too few"},
    ]
    lines = [check("a"), check("b", claim="utility"), check("c", "fail", tallies=tallies)]
    for policy, code in (
        ({}, 23),
        ({"on_inconclusive": "warn"}, 23),
        ({"on_vacuous": "warn"}, 20),
        ({"on_inconclusive": "warn", "on_vacuous": "warn"}, 0),
    ):
        found = judged(run(*lines, gate={"max_waived": 1, **policy}), Excuses((waiver("c", "aaaaaaaa"),)))
        assert found.exit == code
        assert ("c", "vacuous: rank: nothing is known") in [one[1:] for one in told(found)]


def test_a_grader_that_does_not_say_what_leaked_is_not_waived_by_one_that_does(check: Make, run: Make) -> None:
    tallies = [
        {"grader": "text", "outcome": "fail", "reason": "leaks", "leaked": ["aaaaaaaa"]},
        {"grader": "rank", "outcome": "fail", "reason": "leaks", "leaked": []},
    ]
    assert waived(check, run, waiver("c", "aaaaaaaa"), tallies=tallies).exit == 1


def test_a_waiver_excuses_no_check_of_the_same_name_in_another_file(check: Make, run: Make) -> None:
    lines = [check("a"), check("b", claim="utility"), check("c", "fail")]
    policy = {"max_waived": 1}
    first = run(*lines, gate=policy)
    other = [json.loads(json.dumps(one).replace("w.unlearn.yaml", "x/w.unlearn.yaml")) for one in first]
    several = [*first, *({**one, "run": "r2"} for one in other)]
    for excuses in (Excuses((waiver("c", "aaaaaaaa"),)), Excuses(quarantine=(waiver("c"),))):
        found = judged(several, excuses)
        said = "not used, since w.unlearn.yaml and x/w.unlearn.yaml have such a check: give each scenario a `name`"
        assert told(found)[-1] == (0, "c", said)
        assert found.counts["failed"] == 2


@pytest.mark.parametrize(("unstable", "code"), [(0, 1), (1, 0)])
def test_quarantine_is_for_what_is_seen_to_be_unstable(check: Make, run: Make, unstable: int, code: int) -> None:
    tallies = [{"grader": "text", "outcome": "fail", "reason": "leaks", "leaked": ["aaaaaaaa"], "unstable": unstable}]
    lines = run(check("a"), check("b", claim="utility"), check("c", "fail", tallies=tallies), gate={"max_waived": 1})
    found = judged(lines, Excuses(quarantine=(waiver("c"),)))
    said = {
        0: "it is in quarantine, and no answer and no verdict of it is seen to be unstable: it counts",
        1: "in quarantine: known (Ann, 22 days left)",
    }
    assert (found.exit, told(found)[-1]) == (code, (0, "c", said[unstable]))
    over = judged(lines, Excuses(quarantine=(waiver("c", expires=date(2026, 1, 1)),)))
    assert over.exit == (22 if unstable else 1)
    if unstable:
        assert (22, "c", "the quarantine has expired: known (Ann, expired 9 days ago)") in told(over)


def test_a_check_that_flips_on_the_same_weights_is_unstable_and_the_worse_counts(check: Make, run: Make) -> None:
    ok = check("a"), check("b", claim="utility")
    lines = [*run(*ok, check("c", "fail"), gate={"max_waived": 1}), *run(*ok, check("c"), run="r2")]
    assert judged(lines).exit == 1
    lines = [
        *run(*ok, check("c", "fail"), gate={"max_waived": 1}),
        *run(*ok, check("c"), run="r2", gate={"max_waived": 1}),
    ]
    assert judged(lines, Excuses(quarantine=(waiver("c"),))).is_open


def test_a_check_that_is_tried_again_in_one_run_must_pass_each_time(check: Make, run: Make) -> None:
    assert judged(run(check("a"), check("b", claim="utility"), check("c", "fail"), check("c"))).exit == 1


def test_records_of_two_versions_or_of_two_models_do_not_belong_together(check: Make, run: Make) -> None:
    ok = check("a"), check("b", claim="utility")
    found = judged([*run(*ok), *run(*ok, run="r2", scenario="other")])
    assert told(found) == [(1, "", "the records are of different versions of this scenario")]
    other = [{**one, "digests": {**one["digests"], "candidate": "d"}} for one in ok]
    found = judged([*run(*ok), *run(*other, run="r2")])
    assert told(found) == [(1, "", "the records of `t` are about different models as candidate")]


NAMES = ("a", "b", "c", "d")


@st.composite
def record_sets(draw: st.DrawFn, check: Make, run: Make) -> list[dict[str, Any]]:
    """Runs of any outcome, whole or cut off, with a policy of their own."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 2))):
        lines = []
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
            leaked = draw(st.lists(st.sampled_from(["aaaaaaaa", "bbbbbbbb"]), unique=True))
            made = check(
                name,
                draw(st.sampled_from(list(Outcome))).value,
                draw(st.sampled_from(["forget", "utility", "privacy"])),
                leaked=leaked,
                expected=draw(st.sampled_from(["pass", "pass", "fail"])),
            )
            made["tallies"][0]["unstable"] = draw(st.integers(0, 1))
            lines.append(made)
        judged = {one["check"] for one in lines}
        more = tuple(check(name) for name in draw(st.lists(st.sampled_from(NAMES), unique=True)) if name not in judged)
        gate = draw(
            st.fixed_dictionaries(
                {
                    "require": st.lists(st.sampled_from(["forget", "utility"]), unique=True),
                    "on_inconclusive": st.sampled_from(["fail", "warn"]),
                    "on_vacuous": st.sampled_from(["fail", "warn"]),
                    "on_left_out": st.sampled_from(["fail", "warn"]),
                    "on_no_reference": st.sampled_from(["fail", "warn", "allow"]),
                    "max_waived": st.integers(0, 3),
                    "not_applicable": st.lists(st.sampled_from(NAMES)),
                }
            )
        )
        left = draw(st.booleans())
        found += run(
            *lines,
            planned=() if left else more,
            out=more if left else (),
            run=f"r{number}",
            gate=gate,
            end=draw(st.booleans() | st.just(True)),
            exit=draw(st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5])),
            others_failed=draw(st.sampled_from([0, 0, 0, 1])),
        )
    return found


EXPIRY = st.sampled_from([date(2026, 1, 1), TODAY, date(2026, 3, 1)])
WAIVERS = st.lists(
    st.builds(
        lambda name, some, day: waiver(name, *some, expires=day),
        st.sampled_from(NAMES),
        st.sets(st.sampled_from(["aaaaaaaa", "bbbbbbbb"]), min_size=1),
        EXPIRY,
    ),
    max_size=4,
).map(tuple)


def outputs(found: GateVerdict, records: list[dict[str, Any]]) -> dict[str, bool]:
    """What each output says, whether the gate is open. A new output belongs here."""
    lines = Lines(found, records)
    texts = {kind: TEXTS[kind](lines) for kind in TEXTS if kind != "evidence"}
    whole, (run,) = json.loads(texts["summary"])["gate"], json.loads(texts["sarif"])["runs"]
    (invocation,) = run["invocations"]
    results = [one["level"] for one in run["results"] if not one["suppressions"]]
    notified = [one["level"] for one in invocation["toolExecutionNotifications"]]
    commands = [one.split()[0] for one in github.commands(lines, Path("/p"))]
    table = list(csv.DictReader(io.StringIO(texts["csv"], newline="")))
    weighed = [{**one, "weights": {"candidate": {"m": "ab"}}} for one in records if one["line"] == "check"]
    stated = weighed and statement(Lines(found, [*(one for one in records if one["line"] != "check"), *weighed]))
    results_of = "FAILED", "WARNED", "PASSED"
    said = {
        "summary": whole["open"],
        "summary exit": whole["exit"] == 0,
        "markdown": texts["markdown"].startswith("# Unlearning gate\\: open\n"),
        "markdown closes": "## What closes it" not in texts["markdown"],
        "sarif": run["properties"]["open"],
        "sarif exit": invocation["exitCode"] == 0,
        "sarif levels": "error" not in (*results, *notified),
        "commands": "::error" not in commands,
        "commands first": commands[0] == "::notice",
    }
    if table:
        said["csv"] = {one["gate"] for one in table} == {"open"}
        said["csv exit"] = {one["exit"] for one in table} == {"0"}
    if stated:
        said["evidence"] = results_of.index(stated["predicate"]["result"]) > 0
        assert not (said["evidence"] and stated["predicate"]["failedTests"])
    return said | {
        "headline": found.headline().startswith("gate: open ("),
        "terminal": found.terminal()[0].startswith("gate: open ("),
        "data": found.data()["open"],
        "exit": found.data()["exit"] == 0,
        "reasons": not any(reason.code for reason in found.reasons),
    }


def test_no_output_disagrees_with_the_exit_code(check: Make, run: Make) -> None:
    seen = set()
    ok = st.just(run(check("a"), check("b", claim="utility")))  # few sets that are drawn open a gate

    @settings(max_examples=300, deadline=None)
    @given(st.one_of(ok, *[record_sets(check, run)] * 5), WAIVERS)
    def holds(records: list[dict[str, Any]], waivers: tuple[Waiver, ...]) -> None:
        found = judged(records, Excuses(waivers, waivers[:1]))
        seen.add(found.exit)
        assert set(outputs(found, records).values()) == {found.exit == 0}
        assert found.exit in MEANINGS
        assert f"exit code {found.exit} " in found.headline() or found.is_open
        assert len(found.terminal()) > 1 or found.is_open  # it says why

    holds()
    assert {0, 1, 5} <= seen


def test_what_is_not_whole_never_opens_a_gate(check: Make, run: Make) -> None:
    @settings(max_examples=300, deadline=None)
    @given(record_sets(check, run), WAIVERS)
    def holds(records: list[dict[str, Any]], waivers: tuple[Waiver, ...]) -> None:
        found = judged(records, Excuses(waivers, waivers))
        runs = {one["run"] for one in records}
        ended = {one["run"] for one in records if one["line"] == "end"}
        planned = {(one["run"], plan["id"]) for one in records if one["line"] == "run" for plan in one["plan"]}
        verdicts = {(one["run"], one["id"]) for one in records if one["line"] == "check"}
        codes = {one["exit"] for one in records if one["line"] == "end"}
        if ended < runs or planned - verdicts or not verdicts or codes - {0, 1}:
            assert found.exit != 0
        for one in records:
            if one["line"] == "check" and one["verdict"] == "error":
                assert found.exit != 0
            if one["line"] == "check" and one["verdict"] == "fail" and one["expected"] == "pass" and not waivers:
                assert found.exit != 0

    holds()


def test_taking_the_last_line_away_closes_any_open_gate(check: Make, run: Make) -> None:
    ok = run(check("a"), check("b", claim="utility"))
    for i in range(len(ok)):
        assert not judged(ok[:i] + ok[i + 1 :]).is_open


def test_a_verdict_has_each_reason_once(check: Make, run: Make) -> None:
    assert len(verdict([Reason(1, "x"), Reason(1, "x"), Reason(20, "y")], ()).reasons) == 2


@pytest.mark.parametrize("code", [256, -1, 2**40])
def test_a_code_that_no_process_can_end_with_closes_the_gate(check: Make, run: Make, code: int) -> None:
    records = run(check("a"), check("b", claim="utility"), exit=code)
    found = decide(records, Excuses(), date(2026, 1, 10))
    assert (found.exit, found.reasons[0].text) == (1, f"pytest cannot have ended with {code}")
