"""`unlearn world` and `unlearn zoo`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_unlearn.checks.askable import askable
from pytest_unlearn.cli.app import main
from pytest_unlearn.registry import ZOO
from pytest_unlearn.scenario.load import load_scenario
from pytest_unlearn.worlds.generate import people, world_of
from pytest_unlearn.worlds.versed import WAYS
from pytest_unlearn.worlds.well_read import well_read_lessons


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["unlearn", *words])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_a_world_is_a_knowledge_file_and_a_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pytest.ini").touch()
    assert run(monkeypatch, "world", str(tmp_path), "--size", "40", "--seed", "7") == 0
    assert (tmp_path / "world-7.knowledge.yaml").read_text() == people(40, 7)
    scenario = load_scenario(tmp_path / "world-7.unlearn.yaml", tmp_path)
    assert len(scenario.targets[0].selectors) == 7
    assert {check.claim for check in scenario.checks} == {"forget", "utility"}


def test_a_world_with_documents_asks_for_them_and_for_choices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").touch()
    assert run(monkeypatch, "world", str(tmp_path), "--documents", "--seed", "7") == 0
    scenario = load_scenario(tmp_path / "world-7.unlearn.yaml", tmp_path)
    assert scenario.models.original.text == "fixture:well_read"
    assert {check.kind for check in scenario.checks} >= {"continuation", "multiple_choice"}
    told = {path.read_text() for path in (tmp_path / "world-7.documents").glob("*.txt")}
    taught = {lesson.example.answer for lesson in well_read_lessons(world_of(60, 7)) if lesson.way == "document"}
    assert len(told) == 11
    assert {text.rstrip("\n") for text in told} < taught
    (tmp_path / "world-7.knowledge.yaml").unlink()
    (tmp_path / "world-7.unlearn.yaml").unlink()
    assert run(monkeypatch, "world", str(tmp_path), "--documents", "--seed", "7") == 2
    assert capsys.readouterr().err == (
        f"{tmp_path / 'world-7.documents'} is there already, and is left as it is; name another folder or seed\n"
    )


def test_a_world_with_transforms_has_a_check_for_each_and_words_in_other_languages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pytest.ini").touch()
    assert run(monkeypatch, "world", str(tmp_path), "--transforms", "--seed", "7") == 0
    scenario = load_scenario(tmp_path / "world-7.unlearn.yaml", tmp_path)
    assert scenario.models.original.text == "fixture:versed"
    assert {use.name for check in scenario.checks if check.transforms for use in check.transforms.uses} == set(WAYS)
    assert askable(scenario, tmp_path).relations.keys() == {"lives_in", "works_for", "plays"}
    for path in tmp_path.glob("world-7.*edge.yaml"):
        path.unlink()
    (tmp_path / "world-7.unlearn.yaml").unlink()
    capsys.readouterr()
    assert run(monkeypatch, "world", str(tmp_path), "--transforms", "--seed", "7") == 2
    assert capsys.readouterr().err == (
        f"{tmp_path / 'world-7.de.wording.yaml'} is there already, and is left as it is; name another folder or seed\n"
    )
    assert run(monkeypatch, "world", str(tmp_path), "--transforms", "--documents") == 2
    assert capsys.readouterr().err == (
        "--documents and --transforms need different originals: write two worlds, of two seeds\n"
    )


def test_a_world_overwrites_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / "world-0.unlearn.yaml"
    there.write_text("mine")
    assert run(monkeypatch, "world", str(tmp_path)) == 2
    assert capsys.readouterr().err == (f"{there} is there already, and is left as it is; name another folder or seed\n")
    assert there.read_text() == "mine"
    assert not (tmp_path / "world-0.knowledge.yaml").exists()


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert run(monkeypatch, "world", str(tmp_path / "file")) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'file'} cannot be written: File exists\n"


def test_the_zoo_is_listed_and_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(monkeypatch, "zoo") == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines() if not line.startswith("   ")] == ZOO.names()
    assert max(map(len, out.splitlines())) <= 80
    assert run(monkeypatch, "zoo", "second_best") == 0
    assert "open until: rank within the first k\n" in capsys.readouterr().out
