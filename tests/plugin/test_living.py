"""Checks among pytest's own options and the plugins that people use beside it: real runs of a small model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pytest_unlearn.metrics.perplexity_ratio
import pytest_unlearn.runner.session
import pytest_unlearn.worlds.world  # noqa: F401 - pytester forgets what is first imported inside a run
from pytest_unlearn.records import read

Project = Callable[..., Path]
CHECKS = """\
  low: {measure: perplexity_ratio, limit: 0.5}
  high: {measure: perplexity_ratio, limit: 1.5, tags: [quick]}
  own: {measure: perplexity_ratio, statements: 8, limit: 1.2}
"""
VERDICTS = {"low": "fail", "high": "pass", "own": "pass"}
HEADLINE = "w > people > low: loses what must stay"
METRIC = """
import os, pathlib, time
from dataclasses import dataclass
from pytest_unlearn.metrics.measure import metric

@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    pass

@metric("stubborn")
def stubborn(config: Config, sight):
    pathlib.Path("begun").touch()
    {does}
    yield
"""
LIMITED = """
import pytest

def pytest_collection_modifyitems(items):
    for item in items:
        if item.name == "stubborn":
            item.add_marker(pytest.mark.timeout(2))
"""
STUBBORN = CHECKS.replace("  own", "  stubborn: {measure: stubborn, limit: 1}\n  own")


@pytest.fixture
def place(project: Project, pytester: pytest.Pytester) -> Path:
    """A project in which nothing was forgotten; of its three checks the first fails."""
    return alone(project(checks=CHECKS))


@pytest.fixture
def stubborn(project: Project, pytester: pytest.Pytester) -> Callable[[str], Path]:
    """Writes a project whose third check does what it is told instead of measuring."""

    def make(does: str) -> Path:
        (pytester.path / "conftest.py").write_text(METRIC.format(does=does), encoding="utf-8")
        return alone(project(checks=STUBBORN))

    return make


def alone(path: Path) -> Path:
    """Without a reference, which these checks do not need; returns the project's folder."""
    path.write_text(path.read_text(encoding="utf-8").replace(", reference: retrained", ""), encoding="utf-8")
    return path.parent


def records(folder: Path) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """Of a run: its first line, the verdict of each check by name, and its last line. There is one line of either."""
    run, *checks, end = read(folder / "records.jsonl")
    assert (run["line"], end["line"], {check["line"] for check in checks} - {"check"}) == ("run", "end", set())
    assert sorted(path.name for path in folder.glob("records*")) == ["records.jsonl"]
    return run, {check["id"].partition("/")[2]: check["verdict"] for check in checks}, end


def of(label: str, verdicts: dict[str, str]) -> dict[str, str]:
    return {f"{label}/{name}": verdict for name, verdict in verdicts.items()}


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_a_run_that_stops_at_a_failure_says_what_it_left_unjudged(
    place: Path, pytester: pytest.Pytester, option: str
) -> None:
    pytester.runpytest_inprocess(option).assert_outcomes(failed=1)
    _, verdicts, end = records(place / ".unlearn")
    assert verdicts == {"people/low": "fail"}
    assert (end["exit"], end["counts"], end["unjudged"]) == (1, {"fail": 1}, ["w/people/high", "w/people/own"])


def test_the_last_failed_run_alone_and_the_others_are_counted(place: Path, pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess()
    assert records(place / ".unlearn")[0]["deselected"] == 0
    pytester.runpytest_inprocess("--lf").assert_outcomes(failed=1, deselected=2)
    run, verdicts, end = records(place / ".unlearn")
    assert [check["id"] for check in run["plan"]] == ["w/people/low"]
    assert (run["deselected"], verdicts, end["unjudged"]) == (2, {"people/low": "fail"}, [])


@pytest.mark.parametrize(
    ("options", "kept"),
    [(["-k", "own or high"], {"high", "own"}), (["-m", "quick"], {"high"}), (["-m", "not quick"], {"low", "own"})],
)
def test_checks_that_are_deselected_are_counted_and_change_no_verdict(
    place: Path, pytester: pytest.Pytester, options: list[str], kept: set[str]
) -> None:
    pytester.makepyfile("def test_other(): pass")
    pytester.runpytest_inprocess(*options)
    run, verdicts, _ = records(place / ".unlearn")
    assert verdicts == of("people", {name: VERDICTS[name] for name in kept})
    assert (len(run["plan"]), run["deselected"]) == (len(kept), 3 - len(kept))


def test_collecting_loads_no_model_and_writes_nothing(place: Path, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print("loaded:", [name for name in ("torch", "transformers") if name in sys.modules])
        """
    )
    quiet = pytester.runpytest_subprocess("--collect-only", "-q", "-p", "no:cacheprovider")
    assert [line for line in quiet.outlines if "::" in line] == [f"w.unlearn.yaml::people::{name}" for name in VERDICTS]
    quiet.stdout.fnmatch_lines(["loaded: []"])
    tree = pytester.runpytest_inprocess("--collect-only", "-p", "no:cacheprovider").stdout
    tree.fnmatch_lines(["*<ScenarioFile w.unlearn.yaml>", "*<TargetNode people>", "*<CheckItem low>"])
    assert not (place / ".unlearn").exists()


def test_workers_give_the_verdicts_and_the_records_of_one_process(place: Path, pytester: pytest.Pytester) -> None:
    text = (place / "w.unlearn.yaml").read_text(encoding="utf-8")
    (place / "v.unlearn.yaml").write_text(text.replace("  people:", "  others:"), encoding="utf-8")
    pytester.runpytest_inprocess("--unlearn-dir=one").assert_outcomes(failed=2, passed=4)
    several = pytester.runpytest_subprocess("--unlearn-dir=two", "-p", "xdist", "-n", "2", "--dist", "loadfile")
    several.assert_outcomes(failed=2, passed=4)
    (run, verdicts, end), again = records(place / "one"), records(place / "two")
    assert verdicts == of("people", VERDICTS) | of("others", VERDICTS)
    assert again[1] == verdicts
    assert (again[0]["plan"], again[2]["counts"], again[2]["exit"]) == (run["plan"], end["counts"], end["exit"])
    assert again[2]["unjudged"] == []
    lines = several.outlines
    assert lines.count(f"FAILED w.unlearn.yaml::people::low - {HEADLINE}") == lines.count(HEADLINE) == 1


def test_a_worker_that_dies_is_told_and_every_other_check_is_judged(
    stubborn: Callable[[str], Path], pytester: pytest.Pytester
) -> None:
    place = stubborn("os._exit(3)")
    result = pytester.runpytest_subprocess("-n", "1", "--dist", "loadfile")
    result.stdout.fnmatch_lines(
        [
            "*worker 'gw0' crashed while running 'w.unlearn.yaml::people::low'",  # which asked for all of them
            HEADLINE,
            "*worker 'gw1' crashed while running 'w.unlearn.yaml::people::stubborn'",
            "a worker of pytest-xdist died of this check: it is not tried again",
        ]
    )
    result.assert_outcomes(failed=4, passed=2)
    _, verdicts, end = records(place / ".unlearn")
    assert verdicts == of("people", VERDICTS)
    assert (end["exit"], end["unjudged"]) == (1, ["w/people/stubborn"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--unlearn-candidate=peeple=."],
            "--unlearn-candidate peeple=...: no selected scenario forgets 'peeple' - did you mean 'people'?",
        ),
        (
            ["-o", "unlearn_memo_limit=much"],
            "unlearn_memo_limit: 'much' is not a size: write a number with kB, MB, GB or TB, such as 2 GB",
        ),
        (
            ["--unlearn-candidate=.", "--unlearn-candidate=./x"],
            "--unlearn-candidate is given twice for every request: . ./x",
        ),
    ],
    ids=["label", "limit", "twice"],
)
@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "workers"])
def test_a_mistake_on_the_command_line_is_told_once(
    place: Path, pytester: pytest.Pytester, options: list[str], said: str, workers: list[str]
) -> None:
    run = pytester.runpytest_subprocess if workers else pytester.runpytest_inprocess
    result = run(*options, *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert [line for line in result.errlines if line] == [f"ERROR: {said}"]
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    assert not (place / ".unlearn").exists()


def test_a_check_that_takes_too_long_is_an_error_alone(
    stubborn: Callable[[str], Path], pytester: pytest.Pytester
) -> None:
    place = stubborn("time.sleep(60)")
    with (place / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(LIMITED)
    result = pytester.runpytest_subprocess("-p", "timeout", "--tb=line")
    result.assert_outcomes(failed=2, passed=2)
    result.stdout.fnmatch_lines(["FAILED w.unlearn.yaml::people::stubborn - Failed: Timeout (>2.0s) from *"])
    _, verdicts, end = records(place / ".unlearn")
    assert verdicts == of("people", {**VERDICTS, "stubborn": "error"})
    assert (end["unjudged"], end["others_failed"]) == ([], 0)
    (told,) = (line for line in read(place / ".unlearn" / "records.jsonl") if line.get("check") == "stubborn")
    assert told["reason"] == "it was stopped before it had a verdict: Failed: Timeout (>2.0s) from pytest-timeout."


def test_where_time_is_limited_each_check_asks_for_itself_alone(project: Project, pytester: pytest.Pytester) -> None:
    place = alone(project(checks="  near: {keep: neighbours, margin: 5%}\n  far: {keep: far, margin: 5%, at_most: 20}"))
    new = {}
    for limit in ("0", "900"):
        pytester.runpytest_inprocess("-p", "timeout", f"--timeout={limit}", f"--unlearn-dir={limit}")
        efforts = {
            line["check"]: line["effort"] for line in read(place / limit / "records.jsonl") if line["line"] == "check"
        }
        new[limit] = efforts["far"]["requests"] - efforts["far"]["memoised"]
    assert new["0"] == 0 < new["900"]


def test_any_order_gives_the_same_verdicts(place: Path, pytester: pytest.Pytester) -> None:
    orders = set()
    for seed in (1, 2, 3):
        result = pytester.runpytest_inprocess(
            "-v", "-p", "randomly", f"--randomly-seed={seed}", f"--unlearn-dir={seed}"
        )
        orders.add(tuple(line.split("::")[2].split()[0] for line in result.outlines if line.startswith("w.unlearn")))
        assert records(place / str(seed))[1] == of("people", VERDICTS)
    assert len(orders) > 1


def test_junit_has_the_place_the_headline_and_the_numbers_of_a_check(place: Path, pytester: pytest.Pytester) -> None:
    pytester.runpytest_inprocess("--junit-xml=out.xml", "-o", "junit_family=xunit1")
    cases = {case.get("name"): case for case in ElementTree.parse(place / "out.xml").iter("testcase")}
    assert {name: (case.get("file"), case.get("line")) for name, case in cases.items()} == {
        "low": ("w.unlearn.yaml", "7"),  # JUnit's lines count from 0
        "high": ("w.unlearn.yaml", "8"),
        "own": ("w.unlearn.yaml", "9"),
    }
    assert {case.get("classname") for case in cases.values()} == {"w.unlearn.yaml.people"}
    found = {one.get("name"): one.get("value") for one in cases["low"].iter("property")}
    wanted = {"unlearn_id": "w/people/low", "unlearn_claim": "utility", "unlearn_verdict": "fail"}
    assert found.items() >= wanted.items()
    assert float(found["unlearn_perplexity_ratio_limit"] or "nan") == 0.5
    failure = cases["low"].find("failure")
    assert failure is not None
    assert failure.get("message") == HEADLINE
    assert (failure.text or "").splitlines()[:2] == [HEADLINE, "  where   w.unlearn.yaml:8"]


@pytest.mark.parametrize("ci", ["", "1"], ids=["here", "CI"])
def test_a_failed_check_is_told_in_full_once_and_in_the_summary_by_its_headline(
    place: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.delenv("BUILD_NUMBER", raising=False)
    lines = pytester.runpytest_inprocess("-k", "low").outlines
    summary = lines[next(i for i, line in enumerate(lines) if "short test summary" in line) + 1 :]
    assert summary[:-1] == [f"FAILED w.unlearn.yaml::people::low - {HEADLINE}"]
    assert [sum(line.startswith(f"  {label} ") for line in lines) for label in ("where", "why", "effort")] == [1, 1, 1]
    lines = pytester.runpytest_inprocess("-k", "low", "--tb=line").outlines
    failures = lines[next(i for i, line in enumerate(lines) if "= FAILURES =" in line) + 1 :]
    assert failures[0] == f"{place / 'w.unlearn.yaml'}:8: {HEADLINE}"
    assert failures[1].startswith("=")


def test_without_the_plugin_a_scenario_is_no_test(place: Path, pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_other(): pass")
    result = pytester.runpytest_inprocess("-p", "no:unlearn")
    result.assert_outcomes(passed=1)
    assert not (place / ".unlearn").exists()


BLOCKED = """
import socket, sys

def refused(*given):
    raise AssertionError("a socket was opened")

socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = socket.getaddrinfo = refused

def pytest_unconfigure():
    import json, pathlib
    pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules)))
"""


def test_a_project_without_scenarios_pays_nothing(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\n")
    pytester.makeconftest(BLOCKED)
    pytester.makepyfile("def test_fine(): pass")
    loaded, said = [], []
    for options in (["-p", "no:unlearn"], []):
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
        result.assert_outcomes(passed=1)
        loaded.append(set(json.loads((pytester.path / "modules.json").read_text(encoding="utf-8"))))
        said.append([line for line in result.outlines if not line.startswith(("plugins:", "=="))])
    ours = {name for name in loaded[1] - loaded[0] if name.split(".")[0] not in sys.stdlib_module_names}
    light = "plugin options fixtures gating names records redact redacting telling workers".split()
    assert ours <= {"pytest_unlearn", *(f"pytest_unlearn.{name}" for name in light)}
    assert said[0] == said[1]
    assert not (pytester.path / ".unlearn").exists()


@pytest.mark.parametrize(
    ("workers", "judged"), [([], {}), (["-n", "1"], {"people/high": "pass"})], ids=["alone", "workers"]
)
def test_control_c_in_a_check_ends_the_records(
    stubborn: Callable[[str], Path], workers: list[str], judged: dict[str, str]
) -> None:
    place = stubborn("time.sleep(60)")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-k", "high or stubborn", *workers],
        cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored by what a shell runs in background
    )  # fmt: skip
    late = time.monotonic() + 120
    while not (place / "begun").exists():
        assert time.monotonic() < late and run.poll() is None, "the check never began"
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)  # a terminal sends it to the workers too
    said, _ = run.communicate(timeout=60)
    assert run.returncode == pytest.ExitCode.INTERRUPTED, said
    _, verdicts, end = records(place / ".unlearn")
    assert verdicts == judged  # alone, the first asks for both
    assert (end["exit"], end["counts"]) == (2, dict(Counter(judged.values())))
    assert sorted([*end["unjudged"], *(f"w/{name}" for name in judged)]) == ["w/people/high", "w/people/stubborn"]
