"""Questions of shipped scenarios: no answer in its question, no dangling slot, no double article, no wrong answer."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

import pytest

from pytest_unlearn.checks.askable import askable, asked_by
from pytest_unlearn.checks.flaws import flaws
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.names import mentions
from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.probes.transforms.composed import Compositions, DrawnCompositions
from pytest_unlearn.probes.transforms.scope import Scope
from pytest_unlearn.probes.transforms.transform import words
from pytest_unlearn.probes.transforms.wording import wordings
from pytest_unlearn.registry import PROBES, TRANSFORMS
from pytest_unlearn.scenario.load import load_scenario

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.unlearn.yaml"))
SAMPLE, FEW = 50, 5  # questions of a check; put by each transform


PUT = [name for name in TRANSFORMS.names() if name != "cross_lingual"]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.split(".")[0])
def test_a_sample_of_each_check_is_well_formed(path: Path) -> None:
    scenario = load_scenario(path, ROOT)
    knowledge = askable(scenario, ROOT)
    random = Random(0)
    for target in scenario.targets:
        closure = forgetting(knowledge, target, scenario.retain)
        for check in scenario.checks:
            if check.verb != "ask":
                continue
            base = asked_by(check, knowledge, closure)
            for _ in range(SAMPLE if base.count() != 0 else 0):
                well_formed(base.draw(random))
            if base.count() == 0 or PROBES.get(check.kind).facts["raw"] or check.transforms:
                continue
            scope = Scope(knowledge, closure, wordings())
            for name in PUT:
                made = {name: (entry := TRANSFORMS.get(name)).make(entry.config(), scope)}
                with contextlib.suppress(UnlearnError):  # one that does not fit this kind
                    space = DrawnCompositions(Compositions(base, made, 1, "en"))
                    for _ in range(FEW):
                        well_formed(space.draw(random))


def well_formed(probe: Probe) -> None:
    assert list(flaws(probe)) == [], words(probe.prompt)
    if not probe.options:
        assert not any(mentions(words(probe.prompt), names) for names in probe.rivals)
