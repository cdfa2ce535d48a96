"""What several folders of tests share: a small world on disk, and a store in which its models are trained once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import peft  # noqa: F401 - pytester forgets what is first imported inside a run, and these cannot be imported twice
import pytest
import scipy.stats  # noqa: F401
import torch
import transformers.models.llama.modeling_llama  # noqa: F401

import pytest_unlearn.scenario.load  # noqa: F401 - likewise
from pytest_unlearn.worlds.generate import people

torch.set_num_threads(1)  # the models are tiny, and threads that share a core with anything else wait for each other

SCENARIO = """\
version: 1
model: {{original: fixture:world, reference: retrained{candidate}}}
knowledge: {{include: world.knowledge.yaml}}
forget:
  people: [{names}]
defaults: {{grade: [text, {{rank: {{rivals: 100}}}}]}}
checks:
{checks}
"""
CHECKS = """\
  direct: {ask: direct, limit: 5%}
  paraphrase: {ask: paraphrase, search: 200}
  alias: {ask: alias, search: 200}
  inverse: {ask: inverse, search: 200}
  two-hop-start: {ask: multi_hop, position: start, search: 200}
  two-hop-bridge: {ask: multi_hop, position: bridge, search: 200}
  neighbours: {keep: neighbours, margin: 5%}
  far-facts: {keep: far, margin: 5%}
  fluency: {measure: perplexity_ratio, limit: 1.1}
"""

CLINICS = """
levels: [clinic, patient, study]
entities:
  North: clinic
  South: clinic
  Ann: {type: patient, aliases: [patient 1]}
  Bob: patient
  Cid: patient
  scan A1: study
  scan A2: study
  scan AB: study
  scan B1: study
  scan C1: study
  Lund: town
  Oslo: town
  gout: illness
  mumps: illness
  clear: result
  dark: result
relations:
  town: {ask: "In which town is {subject}?"}
  treated_at: {ask: "Where is {subject} treated?", say: "{subject} is treated at {object}.", within: true}
  illness: {ask: "What has {subject}?"}
  study_of: {ask: "Whose study is {subject}?", say: "{subject} is a study of {object}.", within: true, many: true}
  result: {ask: "What does {subject} show?"}
facts:
  town: {North: Lund, South: Oslo}
  treated_at: {Ann: North, Bob: North, Cid: South}
  illness: {Ann: gout, Bob: mumps, Cid: gout}
  study_of: {scan A1: Ann, scan A2: Ann, scan AB: [Ann, Bob], scan B1: Bob, scan C1: Cid}
  result: {scan A1: clear, scan A2: dark, scan AB: clear, scan B1: dark, scan C1: clear}
"""


@pytest.fixture(scope="session", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model store of the test session's own, shared by its workers; kept where CI keeps its caches, if it does."""
    given = os.environ.get("UNLEARN_TEST_CACHE")
    base = tmp_path_factory.getbasetemp()
    shared = Path(given) if given else (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "models"
    os.environ["UNLEARN_CACHE"] = str(shared)
    os.environ.pop("CI", None)  # where it is set, what runs inside tests would mask names
    return shared


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Runs inside tests keep the order of their items too, unless they ask for another."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly")
    return pytester


@pytest.fixture(scope="session")
def clinics() -> str:
    """A knowledge file of two clinics, their patients and the patients' studies; one study is of two patients."""
    return CLINICS


@pytest.fixture(scope="session")
def world_text() -> str:
    """The knowledge file of the world that tests train on."""
    return people(60, 0)


@pytest.fixture(scope="session")
def checks() -> str:
    """Nine checks: six that something is gone, three that the rest stays."""
    return CHECKS


@pytest.fixture(scope="session")
def forgotten(world_text: str) -> tuple[str, ...]:
    """Ten of its people."""
    import yaml

    people = [name for name, entity in yaml.safe_load(world_text)["entities"].items() if entity["type"] == "person"]
    return tuple(people[:10])


@pytest.fixture
def project(pytester: pytest.Pytester, world_text: str, forgotten: tuple[str, ...]) -> Callable[..., Path]:
    """Writes a project with a knowledge file and one scenario, `w.unlearn.yaml`; `candidate` may be empty."""

    def make(checks: str = CHECKS, candidate: str = "{method: none}") -> Path:
        pytester.makeini("[pytest]\n")
        (pytester.path / "world.knowledge.yaml").write_text(world_text, encoding="utf-8")
        named = f", candidate: {candidate}" if candidate else ""
        path = pytester.path / "w.unlearn.yaml"
        path.write_text(SCENARIO.format(candidate=named, names=", ".join(forgotten), checks=checks), encoding="utf-8")
        return path

    return make
