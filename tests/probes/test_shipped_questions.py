"""Questions of shipped scenarios: no answer in its question, no dangling slot, no double article, no wrong answer."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from pytest_unlearn.checks.askable import askable, asked_by
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.transforms.transform import words
from pytest_unlearn.registry import TRANSFORMS
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.scenario.model import Transforms, TransformUse

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.unlearn.yaml"))
SAMPLE, FEW = 50, 5  # questions of a check; put by each transform


PUT = [(), *((name,) for name in TRANSFORMS.names() if name != "cross_lingual")]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.split(".")[0])
def test_a_sample_of_each_check_is_well_formed(path: Path) -> None:
    scenario = load_scenario(path, ROOT)
    knowledge = askable(scenario, ROOT)
    random = Random(0)
    for target in scenario.targets:
        closure = forgetting(knowledge, target, scenario.retain)
        for check in scenario.checks:
            for put in PUT if check.verb == "ask" else ():
                if put and check.kind in ("cloze", "continuation"):
                    continue
                uses = tuple(TransformUse(name, TRANSFORMS.get(name).config(), check.at) for name in put)
                used = Transforms(uses, 1, "en", (), check.at) if put else check.transforms
                space = asked_by(replace(check, transforms=used), knowledge, closure)
                for _ in range((FEW if put else SAMPLE) if space.count() != 0 else 0):
                    well_formed(space.draw(random))


def well_formed(probe: Probe) -> None:
    said = words(probe.prompt)
    assert not re.search(r"\{\w*\}", said)
    assert not re.search(r"\b(the|a|an) (the|a|an)\b", said, re.IGNORECASE)
    if not probe.options:
        assert not mentions(said, [name for names in probe.gold for name in names])
        assert not any(mentions(said, names) for names in probe.rivals)
