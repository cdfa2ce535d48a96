"""The jobs of `docs/how-to/run-in-ci.md` do what the page says: their steps run here, as far as one machine can.

Left out are what installs the package, what signs, and the actions of others, of which only the files that they take
are looked for. The nightly job pushes to a repository in a folder.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jsonschema
import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "run-in-ci.md"
RECIPES = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))
WORKFLOWS = [name for name in RECIPES if name.startswith(".github/")]
ELSEWHERE = ("python -m pip install ", "cosign ")
ACTIONS = {"actions/checkout@v4", "actions/setup-python@v5", "actions/cache@v4"}
CHECKS = "  inverse: {ask: inverse, search: 40, grade: text}\n  own: {measure: perplexity_ratio, limit: 1.2}\n"
GATE = "gate: {require: [forget, utility]}\n"

Project = Callable[..., Path]


class Step(NamedTuple):
    """A command of a job, or what one of the actions of others takes; `when`: in which state of the job."""

    command: str
    files: tuple[str, ...]
    when: str


@pytest.fixture
def place(project: Project, pytester: pytest.Pytester) -> tuple[Path, dict[str, Path]]:
    """A repository whose checks name no candidate, and two candidates: one that never learned the target, one that
    forgot nothing."""
    root = pytester.path
    made = load_scenario(project(checks=CHECKS, candidate="{method: retrain}"), root)
    session = Session(Settings(root=root, folder=root / "made"))
    case = cases(made)[0]
    subjects = session.subjects(session.scene(case), case.candidate)
    leaky = root / "leaky"
    model = AutoModelForCausalLM.from_pretrained(subjects["original"].subject.folder)  # type: ignore[attr-defined]
    with torch.no_grad():
        model.model.norm.weight.mul_(1.0001)
    model.save_pretrained(leaky)
    AutoTokenizer.from_pretrained(subjects["original"].subject.folder).save_pretrained(leaky)  # type: ignore[attr-defined]
    session.close()
    text = project(checks=CHECKS, candidate="").read_text("utf-8")
    (root / "checks").mkdir()
    (root / "checks" / "people.unlearn.yaml").write_text(text + GATE, "utf-8")
    (root / "w.unlearn.yaml").unlink()
    (root / "world.knowledge.yaml").rename(root / "checks" / "world.knowledge.yaml")
    return root, {"clean": subjects["candidate"].subject.folder, "leaky": leaky}  # type: ignore[attr-defined]


def steps(name: str) -> tuple[list[Step], dict[str, str]]:
    """The steps of a recipe and its environment."""
    if name == "Jenkinsfile":
        text = RECIPES[name]
        commands = [Step(one, (), "success()") for one in re.findall(r"sh '(.*)'$", text, re.MULTILINE)]
        kept = re.findall(r"(?:junit|artifacts:) '(.*)'$", text, re.MULTILINE)
        told = dict(re.findall(r"(\w+) = ['\"](.*)['\"]$", text, re.MULTILINE))
        return [*commands, Step("", tuple(", ".join(kept).split(", ")), "always()")], told
    data = yaml.safe_load(RECIPES[name])
    if name == ".gitlab-ci.yml":
        (job,) = data.values()
        kept = (job["artifacts"]["reports"]["junit"], *job["artifacts"]["paths"])
        commands = [Step(one, (), "success()") for one in (*job["before_script"], *job["script"])]
        return [*commands, Step("", kept, job["artifacts"]["when"].replace("always", "always()"))], job["variables"]
    (job,) = data["jobs"].values()
    return [_step(one) for one in job["steps"]], job["env"]


def _step(data: Mapping[str, Any]) -> Step:
    given = data.get("with", {})
    files = given.get("path", given.get("sarif_file", ""))
    if "uses" in data and data["uses"] in ACTIONS:
        files = ""
    return Step(data.get("run", ""), tuple(files.split()), data.get("if", "success()"))


def done(name: str, root: Path, candidate: Path, environment: Mapping[str, str]) -> list[tuple[str, int]]:
    """What ran, with exit codes, as the service of a recipe would run it."""
    told, given = steps(name)
    known = {"CI": "true", "DEVICE": "cpu", "CANDIDATE": str(candidate), "OMP_NUM_THREADS": "1"}
    if name in WORKFLOWS:
        known |= {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(root / "step.md"), "GITHUB_WORKSPACE": str(root)}
    assert {"CANDIDATE", "UNLEARN_CACHE"} <= given.keys() <= {"CANDIDATE", "UNLEARN_CACHE", "DEVICE"}
    found: list[tuple[str, int]] = []
    for step in told:
        failed = any(code for _, code in found)
        if step.when != "always()" and failed != (step.when == "failure()"):
            continue
        for file in step.files:
            assert (root / file).exists(), f"{name} keeps {file}, which is not there"
        if step.command and not step.command.startswith(ELSEWHERE):
            words = ["bash", "-eo", "pipefail", "-c", step.command]
            run = subprocess.run(
                words, cwd=root, env={**environment, **known}, capture_output=True, text=True, check=False
            )
            found.append((step.command, run.returncode))
            assert "Traceback" not in run.stderr, run.stderr
    return found


@pytest.fixture
def environment(console: ModuleType, store: Path, place: tuple[Path, dict[str, Path]]) -> dict[str, str]:
    """Of a job: little of this one's."""
    found: dict[str, str] = console.environment(place[0])
    return found | {"UNLEARN_CACHE": str(store)}


@pytest.mark.parametrize("name", ["github-workflows", "gitlab-ci"])
def test_the_jobs_are_what_their_service_reads(name: str) -> None:
    home = importlib.util.find_spec("check_jsonschema")
    assert home is not None and home.submodule_search_locations
    folder = Path(home.submodule_search_locations[0]) / "builtin_schemas" / "vendor"
    schema = json.loads((folder / f"{name}.json").read_text("utf-8"))
    chosen = WORKFLOWS if name == "github-workflows" else [".gitlab-ci.yml"]
    assert chosen
    for recipe in chosen:
        data = yaml.safe_load(RECIPES[recipe])
        data = {"on" if key is True else key: value for key, value in data.items()}
        jsonschema.Draft7Validator(schema).validate(data)


def test_every_recipe_installs_the_package_first_and_validates_before_it_asks() -> None:
    assert len(RECIPES) == 5
    for name in RECIPES:
        commands = [step.command for step in steps(name)[0] if step.command]
        assert commands[0] == "python -m pip install torch pytest-unlearn"
        assert commands[1] == "unlearn validate checks/" or "nightly" in name


@pytest.mark.parametrize("name", [name for name in RECIPES if "nightly" not in name and name != "Jenkinsfile"])
def test_a_model_that_never_learned_the_target_gets_through(
    name: str, place: tuple[Path, dict[str, Path]], environment: dict[str, str]
) -> None:
    root, models = place
    found = done(name, root, models["clean"], environment)
    assert [code for _, code in found] == [0] * len(found)
    assert len(found) == (3 if "release" in name else 2)
    assert json.loads((root / ".unlearn" / "summary.json").read_text("utf-8"))["gate"]["open"] is True
    assert (name not in WORKFLOWS) or "open" in (root / "step.md").read_text("utf-8")


@pytest.mark.parametrize("name", [WORKFLOWS[0], "Jenkinsfile"])
def test_a_model_that_forgot_nothing_does_not_and_its_files_are_kept_all_the_same(
    name: str, place: tuple[Path, dict[str, Path]], environment: dict[str, str]
) -> None:
    root, models = place
    assert [code for _, code in done(name, root, models["leaky"], environment)] == [0, 1]
    assert json.loads((root / ".unlearn" / "summary.json").read_text("utf-8"))["gate"]["exit"] == 1


def test_the_nightly_job_hands_over_what_it_found(
    place: tuple[Path, dict[str, Path]], environment: dict[str, str]
) -> None:
    root, models = place

    def git(*words: str) -> str:
        run = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *words]
        return subprocess.run(run, cwd=root, capture_output=True, text=True, check=True).stdout

    (root / ".gitignore").write_text("leaky/\nmade/\nremote.git/\nstep.md\nverdict.md\n", "utf-8")
    git("init", "--quiet", "--bare", "remote.git")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "Begin")
    git("remote", "add", "origin", "remote.git")
    (nightly,) = (name for name in WORKFLOWS if "nightly" in name)
    assert [code for _, code in done(nightly, root, models["leaky"], environment)] == [1, 0]
    (branch,) = git("ls-remote", "--heads", "origin").splitlines()
    assert re.search(r"refs/heads/unlearn-\d{8}$", branch)
    assert git("diff", "--name-only", "HEAD~1").split() == ["checks/people.unlearn.yaml"]
    pinned, _ = load_scenario(root / "checks" / "people.unlearn.yaml", root).checks
    assert len(pinned.examples) == len(list((root / ".unlearn" / "findings").iterdir())) > 0
