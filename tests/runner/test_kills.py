"""A run that is killed at any moment leaves records that can be read, and a store from which the next run goes on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pytest_unlearn.errors import GateError
from pytest_unlearn.gate.decide import decide
from pytest_unlearn.gate.runs import read_files
from pytest_unlearn.gate.waivers import NONE
from pytest_unlearn.records import load, read
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario

Project = Callable[..., Path]
SEED = 20260110
CHECKS = """\
  low: {measure: perplexity_ratio, limit: 0.5}
  high: {measure: perplexity_ratio, limit: 1.5}
  own: {measure: perplexity_ratio, statements: 8, limit: 1.2}
  direct: {ask: direct, limit: 5%, grade: text}
"""
SERVER = """
import os, sys
import pytest, torch, peft, scipy.stats, transformers.models.llama.modeling_llama
import pytest_unlearn.runner.session, pytest_unlearn.worlds.world, pytest_unlearn.metrics.perplexity_ratio
import pytest_unlearn.methods.grad_diff, pytest_unlearn.gate.gate, pytest_unlearn.report.files
torch.set_num_threads(1)
print("ready", flush=True)
for line in sys.stdin:
    folder = line.strip()
    if not (child := os.fork()):
        os.chdir(folder)
        os.environ["UNLEARN_CACHE"] = folder + "/store"
        out = os.open("out.txt", os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(out, 1), os.dup2(out, 2)
        os._exit(int(pytest.main(["-q", "-p", "no:cacheprovider", "--unlearn-gate"])))
    print(child, flush=True)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # it stays a zombie, so that no other process has its number
    sys.stdin.readline()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
CONFTEST = """
def pytest_runtest_logreport(report):
    if report.when == "call":
        with open("finished", "a") as log:
            log.write(f"{report.nodeid.rpartition('::')[2]}\\n")
"""


@dataclass
class Runs:
    """Starts runs, each in a process of its own with everything imported, and kills them."""

    server: subprocess.Popen[str]
    template: Path

    def place(self, folder: Path) -> Path:
        """A project like the others, with a store of its own."""
        shutil.copytree(self.template, folder)
        return folder

    def run(self, folder: Path, after: float | None = None) -> int:
        """The exit code of a run in a folder, which is killed after some seconds if it takes that long."""
        assert self.server.stdin
        assert self.server.stdout
        self.server.stdin.write(f"{folder}\n")
        self.server.stdin.flush()
        child = int(self.server.stdout.readline())
        if after is not None:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)
        self.server.stdin.write("\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())


@pytest.fixture
def runs(project: Project, pytester: pytest.Pytester, store: Path) -> Iterator[Runs]:
    """A project whose candidate is unlearned from a model in a folder."""
    path = project(checks=CHECKS, candidate="{method: grad_diff, steps: 2, lr: 1e-7}")
    path.write_text(path.read_text(encoding="utf-8").replace(", reference: retrained", ""), encoding="utf-8")
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    case = cases(load_scenario(path, pytester.path))[0]
    original = session.subjects(session.scene(case), case.candidate)["original"]
    template = pytester.path / "template"
    shutil.copytree(original.subject.folder, template / "base")  # type: ignore[attr-defined]
    for name in ("world.knowledge.yaml", "tox.ini"):
        shutil.copy(pytester.path / name, template / name)
    text = path.read_text(encoding="utf-8").replace("fixture:world", "./base")
    (template / "w.unlearn.yaml").write_text(text, encoding="utf-8")
    (template / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTEST_ADDOPTS": "-p no:randomly"}
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdout
    assert server.stdout.readline() == "ready\n"
    yield Runs(server, template)
    server.kill()
    server.wait()


def verdicts(folder: Path) -> dict[str, str]:
    return {line["check"]: line["verdict"] for line in read(folder / ".unlearn" / "records.jsonl") if "check" in line}


def look(folder: Path, wanted: dict[str, str]) -> str:
    """Hold what a killed run has left against the verdicts of a whole one; how far it had come."""
    out, finished = folder / ".unlearn", folder / "finished"
    done = set(finished.read_text(encoding="utf-8").split()) if finished.exists() else set()
    parts = sorted(out.glob("records*.jsonl"))
    found = {line["check"]: line["verdict"] for part in parts for line in load(part).lines if line["line"] == "check"}
    assert not [part for part in parts if load(part).damaged]
    assert done <= found.keys()
    assert found.items() <= wanted.items()
    if (memo := out / "memo.sqlite").exists():
        assert sqlite3.connect(memo).execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    try:
        lines = read_files([out])
    except GateError as error:
        why = str(error)
        lines = []
    if not lines:
        assert not found
        assert "there are no records" in why or "holds no records" in why
        return "before its plan"
    gate = decide(lines, NONE, date(2026, 1, 10))
    if lines[-1]["line"] == "end":
        return "after its end"
    assert gate.exit == 1
    said = [reason.text for reason in gate.reasons]
    assert any(text.endswith("was cut off: it has no last line") for text in said)
    never = [text for text in said if text.startswith("it was planned and has no verdict")]
    assert len(never) == len(wanted) - len(found)
    return f"after {len(found)} checks"


def killed(runs: Runs, tmp_path: Path, times: int) -> list[str]:
    """What `times` kills at random moments have left."""
    whole = runs.place(tmp_path / "whole")
    begun = time.monotonic()
    code = runs.run(whole)
    usual = time.monotonic() - begun
    wanted = verdicts(whole)
    assert wanted.keys() == {"low", "high", "own", "direct"}, (whole / "out.txt").read_text()
    assert {"pass", "fail"} <= set(wanted.values())
    source = random.Random(SEED)
    came = []
    for i in range(times):
        folder = runs.place(tmp_path / f"killed-{i}")
        share = source.random()
        runs.run(folder, share * usual)
        came.append(look(folder, wanted))
        assert runs.run(folder) == code, (folder / "out.txt").read_text()
        assert verdicts(folder) == wanted
        assert read_files([folder / ".unlearn"])[-1]["line"] == "end"
        shutil.rmtree(folder)
    return came


def test_a_run_that_is_killed_leaves_what_it_has_found_and_the_next_one_goes_on(runs: Runs, tmp_path: Path) -> None:
    came = killed(runs, tmp_path, 8)
    assert len(set(came)) > 1, came  # not all of them at the same point


@pytest.mark.slow
def test_fifty_runs_that_are_killed(runs: Runs, tmp_path: Path) -> None:
    came = killed(runs, tmp_path, 50)
    assert len(set(came)) > 2, came
