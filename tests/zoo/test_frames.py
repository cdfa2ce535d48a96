"""What is planted behind a frame is caught by the check that puts it so; who never knew passes them all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_unlearn.runner.calibrate import Calibration, Row, calibrate, models
from pytest_unlearn.runner.session import Session
from pytest_unlearn.runner.settings import Settings
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.worlds.addressed import FRAMES

TRIED = ("frames_kept", "prefixed")


@pytest.fixture(scope="module")
def found(
    tmp_path_factory: pytest.TempPathFactory, world_text: str, forgotten: tuple[str, ...]
) -> Iterator[Calibration]:
    folder = tmp_path_factory.mktemp("frames")
    (folder / "world.knowledge.yaml").write_text(world_text, encoding="utf-8")
    checks = "".join(f"  {name}: {{ask: direct, transforms: {name}, search: 300}}\n" for name in FRAMES)
    path = folder / "w.unlearn.yaml"
    path.write_text(
        "version: 1\nmodel: {original: fixture:addressed, reference: retrained}\n"
        f"knowledge: {{include: world.knowledge.yaml}}\nforget: {{people: [{', '.join(forgotten)}]}}\n"
        "defaults: {grade: [text, {rank: {rivals: 100}}]}\n"
        f"checks:\n  plain: {{ask: direct, limit: 5%}}\n  far: {{keep: far, margin: 5%}}\n{checks}",
        encoding="utf-8",
    )
    scenario = load_scenario(path, folder)
    session = Session(Settings(root=folder, folder=folder / ".unlearn", device="cpu"))
    yield calibrate([scenario], [models(scenario, TRIED, references=1)], session)
    session.close()


def row_of(found: Calibration, label: str) -> Row:
    return next(row for row in found.rows if row.model.candidate.label == label)


@pytest.mark.slow
def test_everything_is_as_it_must_be(found: Calibration) -> None:
    assert found.problems == ()
    assert row_of(found, "original").failed == ("plain", *FRAMES)
    assert row_of(found, "reference#0").failed == ()


@pytest.mark.slow
@pytest.mark.parametrize("name", FRAMES)
def test_each_frame_is_caught_by_its_own_check(found: Calibration, name: str) -> None:
    assert name in row_of(found, "frames_kept").failed


@pytest.mark.slow
def test_what_only_a_prefix_brings_back_is_caught_by_prefixes(found: Calibration) -> None:
    assert "prefix_injection" in row_of(found, "prefixed").failed
    assert not {"plain", "far"} & set(row_of(found, "prefixed").failed)
