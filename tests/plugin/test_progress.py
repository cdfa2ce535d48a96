"""What a person sees while checks run, and how long each took."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_unlearn.report.progress import told
from pytest_unlearn.runner.drive import Round
from pytest_unlearn.subjects.effort import Effort

Project = Callable[..., Path]
SHOWN = re.compile(r"\x1b\[K ([^\x1b]+)\x1b\[(\d+)D")
SLOW = """
import time
from dataclasses import dataclass
from pytest_unlearn.metrics.measure import Measured, metric

@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    pass

@metric("slow")
def slow(config: Config, sight):
    time.sleep(1.8)
    yield from ()
    return Measured(0.5, 0.5, 0.5, 1, "bootstrap")
"""


@pytest.fixture
def slow(project: Project, pytester: pytest.Pytester) -> Path:
    """A project with one check that takes a while."""
    path = project(checks="  slow: {measure: slow, limit: 1}\n")
    path.write_text(path.read_text(encoding="utf-8").replace(", reference: retrained", ""), encoding="utf-8")
    (pytester.path / "conftest.py").write_text(SLOW, encoding="utf-8")
    return path.parent


def on_terminal(folder: Path, *options: str, **environment: str) -> str:
    """What pytest writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in ("CI", "BUILD_NUMBER", "COLUMNS")}
    command = [sys.executable, "-m", "pytest", "-p", "no:randomly", *options]
    with subprocess.Popen(
        command, cwd=folder, stdout=theirs, stderr=theirs, env=clean | {"TERM": "xterm"} | environment
    ):
        os.close(theirs)
        pieces = []
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end was closed
                break
            if not piece:
                break
            pieces.append(piece)
    os.close(ours)
    return b"".join(pieces).decode()


def test_a_terminal_shows_the_check_that_is_judged_and_nothing_of_it_stays(slow: Path) -> None:
    text = on_terminal(slow)
    shown = SHOWN.findall(text)
    assert shown, text
    assert all(re.fullmatch(r"slow: \d+ s", line) and int(back) == len(line) + 1 for line, back in shown)
    assert "1 passed" in text
    assert text.rindex("\x1b[K") > text.rindex("slow: ")  # wiped, and pytest goes on where it was
    left = SHOWN.sub("", text).replace("\x1b[K", "")
    assert re.search(r"^w\.unlearn\.yaml (\x1b\[\d+m)*\.", left, re.MULTILINE)


@pytest.mark.parametrize(("options", "environment"), [(["-q"], {}), ([], {"CI": "true"}), (["-n", "1"], {})])
def test_quiet_runs_ci_logs_and_workers_show_none(slow: Path, options: list[str], environment: dict[str, str]) -> None:
    text = on_terminal(slow, *options, **environment)
    assert "1 passed" in text
    assert not SHOWN.search(text)


def test_a_pipe_shows_none(slow: Path, pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "\x1b[K" not in result.stdout.str()


def test_progress_counts_what_this_round_has_answered_and_guesses_the_rest() -> None:
    effort = Effort(answered=100)
    now = Round("candidate", 512, SimpleNamespace(effort=effort), 100, started=0.0)  # type: ignore[arg-type]
    assert told("alias", None, False, 3.4) == "alias: 3 s"
    assert told("alias", None, True, 3.4) == "alias: making the models, 3 s"
    assert told("alias", now, False, 3.4) == "alias: 3 s"
    effort.answered = 340
    fixed = SimpleNamespace(done=now.done, seconds=8.0, asked=now.asked, subject=now.subject)
    assert told("alias", fixed, False, 9.0) == "alias: 240 of 512 by the candidate, 30/s, 9 s left"  # type: ignore[arg-type]
    slow = SimpleNamespace(done=4, seconds=8.0, asked=10, subject="original")
    assert told("alias", slow, False, 9.0) == "alias: 4 of 10 by the original, 0.5/s, 12 s left"  # type: ignore[arg-type]


@pytest.mark.parametrize(("n", "lines"), [(1, 1), (0, 3), (9, 3)])
def test_the_slowest_checks_are_listed_with_what_they_asked(
    project: Project, pytester: pytest.Pytester, n: int, lines: int
) -> None:
    measure = "{measure: perplexity_ratio, limit: 1.5}"
    path = project(checks="".join(f"  c{i}: {measure}\n" for i in range(3)))
    path.write_text(path.read_text(encoding="utf-8").replace(", reference: retrained", ""), encoding="utf-8")
    output = pytester.runpytest_inprocess(f"--unlearn-durations={n}").outlines
    listed = output[next(i for i, line in enumerate(output) if "slowest checks" in line) + 1 :]
    found = [
        re.fullmatch(r" +(\d+\.\d) s  w/people/c\d  .*\d+ requests \(\d+ remembered\), \d+ b.*", one) for one in listed
    ]
    times = [float(one[1]) for one in found if one]
    assert len(times) == lines
    assert times == sorted(times, reverse=True)
