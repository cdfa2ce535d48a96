"""Whatever stops a run, the store holds whole models only, and the next run makes what is missing."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_unlearn.records import read
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario

pytestmark = pytest.mark.slow  # each test starts two or three processes that load torch
Project = Callable[..., Path]
CHECK = "  fluency: {measure: perplexity_ratio, limit: 1000}"
METHOD = '''
import contextlib, os, pathlib, time
from pytest_unlearn.training.data import FORGET
from pytest_unlearn.methods.grad_ascent import GradAscentConfig, grad_ascent
from pytest_unlearn.registry import METHODS

class Slow:
    """A subject whose weights are saved and then not handed over."""
    def __init__(self, subject):
        self._subject = subject
    @contextlib.contextmanager
    def open(self):
        with self._subject.open() as opened:
            self._opened = opened
            yield self
    def save(self, folder):
        self._opened.save(folder)
        pathlib.Path("saved").touch()
        time.sleep(60)

@METHODS.register("counted", needs=frozenset({FORGET}), reach="weights", on=frozenset({"weights"}), version=1)
def counted(subject, data, config: GradAscentConfig, seed):
    with open("trainings", "a") as log:
        log.write("training\\n")
    made = grad_ascent(subject, data, config, seed)
    return Slow(made) if "SLOW" in os.environ else made
'''


@pytest.fixture
def place(project: Project, pytester: pytest.Pytester, store: Path) -> Path:
    """A project whose candidate is made by a method that counts, from a model in a folder; its store is empty."""
    path = project(checks=CHECK)
    session = Session(Settings(root=pytester.path, folder=pytester.path / "made"))
    path.write_text(path.read_text().replace(", reference: retrained", ""))
    case = cases(load_scenario(path, pytester.path))[0]
    original = session.subjects(session.scene(case), case.candidate)["original"]
    shutil.copytree(original.subject.folder, pytester.path / "base")  # type: ignore[attr-defined]
    steps(path, 1)
    (pytester.path / "conftest.py").write_text(METHOD)
    return pytester.path


def steps(path: Path, count: int) -> None:
    text = path.read_text().splitlines()
    text[1] = f"model: {{original: ./base, candidate: {{method: counted, lr: 1e-7, steps: {count}}}}}"
    path.write_text("\n".join(text))


def run(place: Path, folder: str = ".unlearn", slow: bool = False, most: int | None = None) -> subprocess.Popen[str]:
    """A run in a process of its own; `most` is the size that a file of it may have."""
    environment = {**os.environ, "UNLEARN_CACHE": str(place / "store"), "PYTHONPATH": os.pathsep.join(sys.path)}

    def limited() -> None:
        if most is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--unlearn-dir={folder}"],
        cwd=place, env={**environment, **({"SLOW": "1"} if slow else {})}, preexec_fn=limited,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def came(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end and process.poll() is None, f"{path} never came"
        time.sleep(0.01)


def trainings(place: Path) -> int:
    return len((place / "trainings").read_text().splitlines())


def stored(place: Path) -> list[str]:
    """Candidates in the store, and folders that were left beside them."""
    found = (place / "store" / "candidates").iterdir()
    return [".building" if ".building-" in path.name else "whole" for path in found if path.is_dir()]


def test_control_c_in_training_leaves_nothing_and_the_next_run_trains_again(place: Path) -> None:
    steps(place / "w.unlearn.yaml", 400)
    stopped = run(place)
    came(place / "trainings", stopped)
    time.sleep(0.5)
    assert stored(place) == [".building"]
    stopped.send_signal(signal.SIGINT)
    said, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == pytest.ExitCode.INTERRUPTED, said
    assert stored(place) == []
    (last,) = [line for line in read(place / ".unlearn" / "records.jsonl") if line["line"] == "end"]
    assert (last["exit"], last["counts"]) == (2, {})
    again = run(place)
    assert again.wait(120) == 0
    assert (trainings(place), stored(place)) == (2, ["whole"])


def test_a_kill_while_a_candidate_is_saved_leaves_nothing_that_counts(place: Path) -> None:
    killed = run(place, slow=True)
    came(place / "saved", killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    assert stored(place) == [".building"]
    assert not [line for line in read(next((place / ".unlearn").glob("records-*"))) if line["line"] == "end"]
    assert run(place).wait(120) == 0
    assert (trainings(place), stored(place)) == (2, ["whole"])


def test_a_disk_that_is_full_is_told_and_leaves_nothing(place: Path) -> None:
    size = (place / "base" / "model.safetensors").stat().st_size
    full = run(place, most=size - 1)
    said, _ = full.communicate(timeout=120)
    assert full.returncode == pytest.ExitCode.TESTS_FAILED
    reason = next(line for line in read(place / ".unlearn" / "records.jsonl") if line["line"] == "check")["reason"]
    assert reason.startswith(f"the candidate by counted cannot be kept in {place / 'store'}: "), said
    assert reason.endswith(". Make room there, or set UNLEARN_CACHE to a folder that can be written")
    assert "File too large" in reason
    assert stored(place) == []
    assert run(place).wait(120) == 0
    assert (trainings(place), stored(place)) == (2, ["whole"])


def test_of_two_processes_that_need_one_candidate_one_trains_it(place: Path) -> None:
    steps(place / "w.unlearn.yaml", 100)
    both = [run(place, folder) for folder in ("one", "other")]
    assert [process.wait(120) for process in both] == [0, 0]
    assert (trainings(place), stored(place)) == (1, ["whole"])
    digests = {
        line["digests"]["candidate"]
        for folder in ("one", "other")
        for line in read(place / folder / "records.jsonl")
        if line["line"] == "check"
    }
    assert len(digests) == 1
