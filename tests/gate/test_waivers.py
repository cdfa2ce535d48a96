"""The file of waivers: what it may say, and what is told of a mistake in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.gate.gate import gate
from pytest_unlearn.gate.waivers import FILE, Excuses, read_waivers

NOW = date(2026, 1, 10)
GOOD = """\
version: 1
waivers:
  - {check: w/t/a, finding: 1f0c92ab, reason: known, owner: Ann, issue: "#7", expires: 2026-04-10}
  - check: w/t/b
    finding: [aaaaaaaa, "12345678"]
    reason: known too
    owner: Ann
    expires: 2026-01-01
quarantine:
  - {check: w/t/c, reason: flips, owner: Bob, issue: "#8", expires: 2026-02-01}
"""
Read = Callable[[str], Excuses]


@pytest.fixture
def read_text(tmp_path: Path) -> Read:
    def read(text: str) -> Excuses:
        path = tmp_path / FILE
        path.write_text(text, encoding="utf-8")
        return read_waivers(path, NOW)

    return read


def test_a_file_says_what_may_leak_until_when(read_text: Read) -> None:
    found = read_text(GOOD)
    first, second = found.waivers
    assert (first.check, first.findings, first.owner, first.issue) == ("w/t/a", {"1f0c92ab"}, "Ann", "#7")
    assert (first.expires, first.days_left(NOW), first.at.line) == (date(2026, 4, 10), 90, 3)
    assert (second.findings, second.days_left(NOW)) == ({"aaaaaaaa", "12345678"}, -9)
    assert second.told(NOW) == "known too (Ann, expired 9 days ago)"
    quarantined = found.quarantined("w/t/c")
    assert quarantined is not None and quarantined.told(date(2026, 1, 31)) == "flips (Bob, 1 day left)"


def test_every_leak_must_be_covered_by_a_live_waiver(read_text: Read) -> None:
    found = read_text(GOOD)
    assert found.covers("w/t/a", ["1f0c92ab"], NOW) is found.waivers[0]
    assert found.covers("w/t/a", ["1f0c92ab", "aaaaaaaa"], NOW) is None
    assert found.covers("w/t/a", [], NOW) is None
    assert found.covers("w/t/b", ["aaaaaaaa"], NOW) is None  # expired
    assert found.covers("w/t/b", ["1f0c92ab"], date(2025, 12, 1)) is None  # of another check


ENTRY = "{check: w/t/a, finding: aaaaaaaa, reason: r, owner: o, expires: 2026-02-01}"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "1:1: expected a mapping, got nothing: a file of waivers has the keys version and waivers"),
        ("waivers: []", "1:1: missing required key 'version': write `version: 1`"),
        ("version: 2", "1:10: version must be 1, got 2: this release reads no other"),
        (f"version: 1\nwaivers:\n- {ENTRY.replace('owner: o, ', '')}", "3:3: missing required key 'owner'"),
        (
            f"version: 1\nwaivers:\n- {ENTRY.replace('owner', 'ownr')}",
            "3:48: unknown key 'ownr' - did you mean 'owner'?",
        ),
        (
            f"version: 1\nwaivers:\n- {ENTRY.replace('2026-02-01', 'soon')}",
            "3:67: expected a day such as 2026-03-01, got 'soon'",
        ),
        (
            f"version: 1\nwaivers:\n- {ENTRY.replace('2026-02-01', '2026-04-11')}",
            "3:67: expires must be at most 90 days ahead, by 2026-04-10",
        ),
        (
            f"version: 1\nwaivers:\n- {ENTRY.replace('aaaaaaaa', 'direct')}",
            "3:27: 'direct' is no fingerprint: a record has them, 8 digits from 0 to f",
        ),
        (
            f"version: 1\nwaivers:\n- {ENTRY}\n- {ENTRY}",
            "4:3: w/t/a aaaaaaaa stands here a second time: keep one entry",
        ),
        (
            "version: 1\nwaivers:\n- " + ENTRY.replace("reason: r", 'reason: " "'),
            "3:45: reason says nothing: whoever reads this must know",
        ),
        (
            "version: 1\nquarantine:\n- {check: a, reason: r, owner: o, expires: 2026-02-01}",
            "missing required key 'issue'",
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(read_text: Read, tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_text(text)
    (problem,) = caught.value.problems
    assert complaint in str(problem).splitlines()[0]


def test_every_mistake_is_told_at_once(read_text: Read) -> None:
    with pytest.raises(ScenarioError) as caught:
        read_text(f"version: 1\nwaivers:\n- {ENTRY.replace('aaaaaaaa', 'x')}\n- {ENTRY.replace('2026-02-01', 'y')}")
    assert [problem.mark.line for problem in caught.value.problems] == [3, 4]


def test_a_gate_reads_the_file_of_its_project(
    check: Callable[..., object], run: Callable[..., list[dict[str, object]]], tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text(GOOD.replace("2026-04-10", "2026-03-01"), encoding="utf-8")
    lines = run(
        check("b"),
        check("u", claim="utility"),
        check("a", "fail", leaked=["1f0c92ab"]),
        gate={"max_waived": 1},
    )
    assert gate(lines, tmp_path, now=date(2026, 1, 1)).is_open
    assert gate(lines, tmp_path, now=NOW).exit == 22  # the entry about w/t/b is past its day
    (tmp_path / FILE).unlink()
    assert gate(lines, tmp_path, now=NOW).exit == 1
