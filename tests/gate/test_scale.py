"""A hundred thousand records, and texts of ten million characters: everything is said, in time that grows as they do,
and what a platform has no room for is cut with a line that says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pytest_unlearn.gate.baseline import compared
from pytest_unlearn.gate.decide import decide
from pytest_unlearn.gate.diff import diff, history
from pytest_unlearn.gate.runs import read_files
from pytest_unlearn.gate.verdict import MOST as REASONS
from pytest_unlearn.gate.waivers import NONE
from pytest_unlearn.records import merge
from pytest_unlearn.report import github, sarif
from pytest_unlearn.report.files import STEP, TEXTS, write
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.report.markdown import markdown
from pytest_unlearn.report.text import concise

Make = Callable[..., Any]
TODAY = date(2026, 1, 10)
WEIGHTS = {"candidate": {"forgot/model.safetensors": "ab" * 32}}
VERDICTS = ("pass", "fail", "inconclusive", "pass")
HUGE = "é" * 10**7


@pytest.fixture
def many(check: Make, run: Make) -> Callable[..., list[dict[str, Any]]]:
    """A run of `n` checks of 500 scenarios, a quarter of which fail; a tenth more was left out."""

    def made(n: int, name: str, turn: int = 0) -> list[dict[str, Any]]:
        def one(i: int) -> dict[str, Any]:
            verdict, claim = VERDICTS[(i + turn) % 4], ("forget", "utility")[i % 2]
            more = {"kind": "direct", "seconds": 1.5, "weights": WEIGHTS, "file": f"f{i % 500}.unlearn.yaml"}
            line = check(f"c{i:06}", verdict, claim, leaked=[f"{i:08x}"] if verdict == "fail" else [], **more)
            line["tallies"][0] |= {"units": 12, "outcomes": {"bits": "f0f", "units": "1*12", "of": "x"}}
            return dict(line)

        out = tuple(check(f"o{i}", file=f"f{i % 500}.unlearn.yaml") for i in range(n // 10))
        return list(run(*map(one, range(n)), run=name, out=out))

    return made


def seconds(lines: Callable[..., list[dict[str, Any]]], folder: Path, n: int) -> dict[str, float]:
    """Processor time of each step on `n` records; that nothing is lost on the way is looked at too."""
    took: dict[str, float] = {}

    def timed(what: str, step: Callable[[], Any]) -> Any:
        before = time.process_time()
        found = step()
        took[what] = time.process_time() - before
        return found

    for turn, name in enumerate(("r1", "r2")):
        place = folder / f"{name}-{n}"
        place.mkdir()
        text = "".join(f"{json.dumps(line)}\n" for line in lines(n, name, turn)[:-1])
        (place / f"records-{name}-main.jsonl").write_text(text, encoding="utf-8")
        merged = timed("merge", lambda place=place, name=name: merge(place, name, 1))
        assert (len(merged.lines), merged.notes) == (n + 2, ())
    old, new = (timed("read", lambda name=name: read_files([folder / f"{name}-{n}"])) for name in ("r1", "r2"))
    found = timed("gate", lambda: Lines(decide(new, NONE, TODAY, compared(new, folder)), new))
    assert found.verdict.counts == {
        "passed": n // 2, "failed": n // 4, "inconclusive": n // 4, "left out": n // 10
    }  # fmt: skip
    assert len(timed("diff", lambda: diff(old, new))) >= n // 2
    assert len(timed("history", lambda: history([old, new, new]))) == n
    texts = {kind: timed(kind, lambda kind=kind: TEXTS[kind](found)) for kind in TEXTS}
    assert len(json.loads(texts["summary"])["checks"]) == n
    assert texts["csv"].count("\n") == 1 + n + n // 10
    assert len(texts["markdown"].encode()) < STEP
    assert len(timed("concise", lambda: concise(new[1:-1], 80))) == n // 2 + 1
    timed("terminal", lambda: found.verdict.terminal(80))
    return took


def test_ten_times_the_records_take_no_more_than_ten_times_as_long(
    many: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    small, large = (seconds(many, tmp_path, n) for n in (400, 4000))
    slow = {what: (small[what], took) for what, took in large.items() if took > 25 * small[what] + 0.3}
    assert not slow  # twice and a half what a line would be, for a machine that is busy; a square would be 100


@pytest.mark.slow
def test_a_hundred_thousand_records_are_judged_and_told(
    many: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    took = seconds(many, tmp_path, 100_000)
    assert max(took.values()) < 60, took


def test_what_is_cut_says_so(many: Callable[..., list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MOST", 50)
    records = many(1000, "r1")
    found = Lines(decide(records, NONE, TODAY), records)
    (run,) = sarif.sarif(found)["runs"]
    assert len(run["results"]) == 50
    said = [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    assert len(said) == 52
    assert said[0] == "200 more results are in the records: no more than 50 are written here"
    assert said[1].endswith("more notifications are in the records: no more than 50 are written here")
    lines = found.verdict.terminal(80)
    more = len(found.verdict.reasons) - REASONS
    assert lines[-1] == f"  and {more} more, which are in the summary and in the records"
    assert "more are in the records." in markdown(found)


def test_a_page_of_a_step_that_is_nearly_full_gets_the_verdict_alone(
    check: Make, run: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    records = run(check("a"), check("b", claim="utility"))
    found = Lines(decide(records, NONE, TODAY), records)
    page.write_bytes(b"x" * (STEP - 200))
    assert list(write(found, {})) == []
    told = page.read_text(encoding="utf-8").lstrip("x")
    assert told == "gate\\: open \\(2 passed\\)\n\nThe page of this step is full: the rest is in the records.\n"
    page.write_bytes(b"x" * STEP)
    assert list(write(found, {})) == []
    assert page.stat().st_size == STEP


def test_a_text_of_ten_million_characters_is_kept_and_shown_in_part(check: Make, run: Make, tmp_path: Path) -> None:
    records = run(check("a", "fail", reason=HUGE), check("b", "error", claim="utility", reason=f"x {HUGE}"))
    (tmp_path / "records.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in records), encoding="utf-8")
    lines = read_files([tmp_path])
    assert lines[1]["reason"] == HUGE
    found = Lines(decide(lines, NONE, TODAY), lines)
    for kind in ("markdown", "sarif"):
        assert len(TEXTS[kind](found)) < 20_000
    assert json.loads(TEXTS["summary"](found))["checks"][0]["reason"] == HUGE
    told = [*found.verdict.terminal(80), *github.commands(found, tmp_path), *concise(lines[1:3], 80)]
    assert sum(map(len, told)) < 20_000
    assert " ... (9,998,007 more characters)" in " ".join(line.strip() for line in told)
