"""What is planted amid facts, in other words, languages and letters is caught by the check that puts it so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_unlearn.cli.world import world
from pytest_unlearn.registry import ZOO
from pytest_unlearn.runner.calibrate import Calibration, Row, calibrate, models
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.worlds.versed import WAYS

KEPT = ("contexts_kept", "letters_kept", "synonyms_kept", "translation_kept")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calibration]:
    folder = tmp_path_factory.mktemp("versed")
    world(folder, 40, 3, transforms=True)
    scenario = load_scenario(folder / "world-3.unlearn.yaml", folder)
    session = Session(Settings(root=folder, folder=folder / ".unlearn", device="cpu"))
    yield calibrate([scenario], [models(scenario, (*KEPT, "honest_tuned"), references=1)], session)
    session.close()


def row_of(found: Calibration, label: str) -> Row:
    return next(row for row in found.rows if row.model.candidate.label == label)


@pytest.mark.slow
def test_everything_is_as_it_must_be(found: Calibration) -> None:
    assert found.problems == ()
    assert set(row_of(found, "original").failed) == {"direct", "paraphrase", "alias", "inverse", *WAYS}
    for honest in ("reference#0", "honest_tuned"):
        assert row_of(found, honest).failed == ()


@pytest.mark.slow
@pytest.mark.parametrize("label", KEPT)
def test_each_way_of_asking_is_caught_by_its_own_check_and_by_no_other(found: Calibration, label: str) -> None:
    wanted = {aim.removeprefix("transform.") for aim in ZOO.get(label).facts["caught_by"]}
    assert set(row_of(found, label).failed) == wanted
