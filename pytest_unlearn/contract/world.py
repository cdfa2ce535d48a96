"""The small world on which every method says how much it makes a model forget, and what that leaves."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pytest_unlearn.runner.make import Maker
from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.runner.scene import scene
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.subjects.devices import pick
from pytest_unlearn.subjects.requests import Score
from pytest_unlearn.training.data import Data
from pytest_unlearn.training.watch import questions, recalled

PEOPLE, GONE = 60, 10
SCENARIO = """\
version: 1
model: {{original: fixture:world, candidate: {{method: none}}}}
knowledge: {{include: world.knowledge.yaml}}
forget: {{people: [{names}]}}
checks:
  direct: {{ask: direct, limit: 5%}}
"""


@cache
def small_world() -> tuple[Any, Data]:
    """A model that knows the world, trained unless the store has it, and what a method is given there."""
    import yaml

    from pytest_unlearn.worlds.generate import people

    text = people(PEOPLE, 0)
    names = [name for name, one in yaml.safe_load(text)["entities"].items() if one["type"] == "person"][:GONE]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "world.knowledge.yaml").write_text(text, encoding="utf-8")
        path = root / "w.unlearn.yaml"
        path.write_text(SCENARIO.format(names=", ".join(names)), encoding="utf-8")
        scenario = load_scenario(path, root)
        told = scene(scenario, scenario.targets[0], root)
        maker = Maker(Settings(root=root, folder=root / "run"), pick("cpu"), Residency())
        original: Any = maker.original(told)
    return original.subject, told.data()


def shares(subject: Any) -> tuple[float, float]:
    """Recall and retention of a subject, each in [0, 1], as `Band` explains them."""
    _, data = small_world()
    return _share(subject, data.watch), _share(subject, questions(data.holdout))


def _share(subject: Any, asked: Sequence[Score]) -> float:
    return sum(map(recalled, asked, subject.answer(asked))) / len(asked)
