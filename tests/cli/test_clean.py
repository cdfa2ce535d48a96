"""`unlearn clean` removes what runs wrote, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_unlearn.cli.app import app
from pytest_unlearn.errors import UnlearnError

Clean = Callable[..., tuple[int, str]]


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clean:
    """Runs the command in a project that has been run, with an answer to its question."""
    (tmp_path / "pytest.ini").touch()
    (tmp_path / ".unlearn" / "findings").mkdir(parents=True)
    (tmp_path / ".unlearn" / "records.jsonl").write_text("x" * 2500)
    (tmp_path / ".unlearn" / "findings" / "a.json").write_text("{}")
    (tmp_path / "scenarios").mkdir()
    monkeypatch.chdir(tmp_path / "scenarios")

    def run(*words: str, answer: str = "") -> tuple[int, str]:
        result = CliRunner().invoke(app, ["clean", *words], input=answer)
        if isinstance(result.exception, UnlearnError):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_it_shows_what_there_is_and_asks(clean: Clean, tmp_path: Path) -> None:
    code, out = clean(answer="n\n")
    assert code == 1
    assert [line.split() for line in out.splitlines() if line.startswith(("findings", "records"))] == [
        ["findings", "1", "2", "B"],
        ["records.jsonl", "1", "2.5", "KB"],
    ]
    assert "2.5 KB? [y/N]" in out.replace("\n", "")
    assert (tmp_path / ".unlearn" / "records.jsonl").is_file()


def test_it_removes_the_folder_of_the_project_when_told_to(clean: Clean, tmp_path: Path) -> None:
    assert clean(answer="y\n")[0] == 0
    assert not (tmp_path / ".unlearn").exists()
    assert clean("--yes") == (0, f"nothing to remove: there is no folder {tmp_path / '.unlearn'}\n")


def test_yes_is_an_answer(clean: Clean, tmp_path: Path) -> None:
    code, out = clean("--yes")
    assert code == 0
    assert out.endswith(f"removed {tmp_path / '.unlearn'}, 2.5 KB\n")
    assert not (tmp_path / ".unlearn").exists()


def test_a_folder_that_no_run_wrote_is_left_alone(clean: Clean, tmp_path: Path) -> None:
    with pytest.raises(UnlearnError) as caught:
        clean(str(tmp_path / "scenarios"), "--yes")
    assert str(caught.value) == (
        f"{tmp_path / 'scenarios'} holds neither records.jsonl nor memo.sqlite: no run wrote it, and it is left alone"
    )
    assert (tmp_path / "scenarios").is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs rights there")
def test_a_link_is_not_followed(clean: Clean, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnlearnError) as caught:
        clean(str(tmp_path / "link"), "--yes")
    assert str(caught.value) == f"{tmp_path / 'link'} is a link: remove what it leads to yourself"
