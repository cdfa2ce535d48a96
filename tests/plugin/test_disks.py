"""Real runs where the disk is full or may not be written, beside another run, and with a clock that goes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import pytest_unlearn.metrics.perplexity_ratio
import pytest_unlearn.runner.session
import pytest_unlearn.worlds.world
from pytest_unlearn import records
from pytest_unlearn.records import load, read
from pytest_unlearn.subjects import memo

Project = Callable[..., Path]
CHECKS = """\
  low: {measure: perplexity_ratio, limit: 0.5}
  high: {measure: perplexity_ratio, limit: 1.5}
  inverse: {ask: inverse, search: 40, grade: text}
"""
SHOWN = ["3 checks: 2 fail, 1 pass", "gate: closed, exit code 1 (1 passed, 2 failed)"]
TOGETHER = """
import os, pathlib, time

def pytest_runtest_setup(item):
    if item.name == "inverse":
        pathlib.Path(f"begun-{os.getpid()}").touch()
        end = time.monotonic() + 120
        while len(list(pathlib.Path().glob("begun-*"))) < 2 and time.monotonic() < end:
            time.sleep(0.05)
"""


@cache
def may_mount() -> bool:
    """Whether a process here may mount something that only it sees."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def place(project: Project) -> Path:
    """A project in which nothing was forgotten."""
    path = project(checks=CHECKS)
    text = path.read_text(encoding="utf-8").replace(", reference: retrained", "")
    path.write_text(f"{text}gate: {{require: [utility]}}\n", encoding="utf-8")
    (path.parent / "out").mkdir()
    return path.parent


def start(place: Path, *before: str) -> subprocess.Popen[str]:
    """A run that writes to `out`; `before`: what a shell does first."""
    pytest_ = f"{sys.executable} -m pytest -p no:cacheprovider -p no:randomly --unlearn-gate --unlearn-dir=out"
    command = ["unshare", "-m", "sh", "-ec"] if before else ["sh", "-ec"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [*command, "\n".join([*before, f"{pytest_} || code=$?", "cp -r out after", "exit $code"])],
        cwd=place, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def ended(run: subprocess.Popen[str]) -> tuple[int, list[str]]:
    said, _ = run.communicate(timeout=300)
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    return run.returncode, said.splitlines()


def test_a_disk_that_is_full_hides_no_verdict_and_opens_no_gate(place: Path) -> None:
    needs_mount_here()
    code, lines = ended(start(place, "mount -t tmpfs -o size=12k none out"))
    assert code == 1
    assert [line for line in SHOWN if line not in lines] == []
    told = f"unlearn: the records are not kept: {place / 'out' / 'records.jsonl'} cannot be written ([Errno 28] "
    assert [line for line in lines if line.startswith(told)] != []
    assert any("the memo" in line and "cannot be used" in line for line in lines)
    (part,) = (place / "after").glob("records-*.jsonl")
    assert (load(part).damaged, load(part).torn) == ((), False)  # what is there is whole


def test_a_folder_that_may_not_be_written_hides_no_verdict_and_opens_no_gate(place: Path) -> None:
    needs_mount_here()
    code, lines = ended(start(place, "mount --bind out out", "mount -o remount,ro,bind out"))
    assert code == 1
    assert [line for line in SHOWN if line not in lines] == []
    told = f"unlearn: the records are not kept: {place / 'out' / 'records.jsonl'} cannot be written ([Errno 30] "
    assert [line for line in lines if line.startswith(told)] != []
    assert list((place / "after").iterdir()) == []


def test_workers_hand_over_what_they_could_not_write(place: Path, pytester: pytest.Pytester) -> None:
    (place / "file").write_text("in the way", encoding="utf-8")
    result = pytester.runpytest_subprocess("--unlearn-gate", "--unlearn-dir=file/out", "-n", "1")
    assert result.ret == 1
    assert [line for line in SHOWN if line not in result.outlines] == []
    assert any("the records are not kept: " in line for line in result.outlines)


def needs_mount_here() -> None:
    if not may_mount():
        pytest.skip("nothing may be mounted here: run this as root on Linux")


@pytest.mark.parametrize("begun", ["together", "one first"])
def test_two_runs_in_one_folder_keep_what_each_has_found(begun: str, place: Path) -> None:
    (place / "conftest.py").write_text(TOGETHER, encoding="utf-8")
    first = start(place)
    while begun == "one first" and not list((place / "out").glob("records-*")):
        assert first.poll() is None
        time.sleep(0.05)
    second = start(place)
    for code, lines in (ended(first), ended(second)):
        assert code == 1
        assert [line for line in SHOWN if line not in lines] == []
    found = sorted((place / "out").glob("records*"))
    assert [path.name for path in found][1:] == ["records.jsonl"]
    assert found[0].name.startswith("records.")
    told = [[(line["check"], line["verdict"]) for line in read(path) if "check" in line] for path in found]
    assert told[0] == told[1] == [("high", "pass"), ("inverse", "fail"), ("low", "fail")]
    assert len({line["run"] for path in found for line in read(path)}) == 2


class Back(datetime):
    """A clock that goes back by a day each time it is looked at."""

    looked = 0

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        cls.looked += 1
        return datetime(2026, 1, 10, tzinfo=UTC) - timedelta(days=cls.looked)


def test_a_clock_that_goes_back_changes_neither_verdicts_nor_their_order(
    place: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.runpytest_inprocess("--unlearn-dir=before")
    monkeypatch.setattr(records, "datetime", Back)
    monkeypatch.setattr(pytest_unlearn.runner.session, "datetime", Back)
    monkeypatch.setattr(memo.time, "time_ns", lambda: 10**18 - Back.looked)
    for _ in range(2):  # the second answers from what the first remembers
        result = pytester.runpytest_inprocess("--unlearn-gate", "--unlearn-dir=out")
        assert SHOWN[1] in result.outlines
        told = [
            [(line["line"], line.get("id"), line.get("verdict"), line.get("tallies")) for line in read(path)]
            for path in (place / "before" / "records.jsonl", place / "out" / "records.jsonl")
        ]
        assert told[0] == told[1]
    assert Back.looked > 5
