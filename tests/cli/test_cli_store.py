"""`unlearn store`: what is kept, and what goes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pytest_unlearn.cli.app import app
from pytest_unlearn.cli.store import age_of
from pytest_unlearn.errors import UnlearnError

Run = Callable[..., tuple[int, str]]
MAKE = """\
from pytest_unlearn.subjects.store import Store
for key, size in (("a" * 40, 3000), ("b" * 40, 2000)):
    Store().make("candidates", key, lambda folder: (folder / "w").write_bytes(b"x" * size), f"candidate {key[0]}")
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a store of two models, which another process made."""
    monkeypatch.setenv("UNLEARN_CACHE", str(tmp_path / "store"))
    subprocess.run([sys.executable, "-c", MAKE], check=True)

    def run(*words: str, answer: str = "") -> tuple[int, str]:
        result = CliRunner().invoke(app, ["store", *words], input=answer)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_ls_lists_what_is_kept_and_how_much_it_is(store: Run, tmp_path: Path) -> None:
    code, out = store("ls")
    assert code == 0
    assert sorted(line.split()[-1] for line in out.splitlines() if line.startswith("candidates")) == [
        "a" * 12,
        "b" * 12,
    ]
    assert "0 h ago" in out
    assert out.splitlines()[-1].startswith("2 models, 5.")
    assert str(tmp_path / "store") in out.replace("\n", "")


def test_prune_shows_what_would_go_and_asks(store: Run, tmp_path: Path) -> None:
    code, out = store("prune", "--keep", "1B", answer="n\n")
    assert code == 1
    assert "Remove 2 models, 5." in out
    assert len(list((tmp_path / "store" / "candidates").glob("[ab]*"))) == 2


def test_prune_removes_until_the_rest_fits(store: Run, tmp_path: Path) -> None:
    code, out = store("prune", "--keep", "4KB", "--yes")
    assert (code, out.splitlines()[-1][:16]) == (0, "removed 1 model,")
    assert len(list((tmp_path / "store" / "candidates").glob("[ab]*"))) == 1


def test_prune_removes_what_was_not_used_for_so_long(store: Run, tmp_path: Path) -> None:
    code, out = store("prune", "--older-than", "1h")
    assert (code, out[:17]) == (0, "nothing to remove")
    assert store("prune", "--older-than", "0h", "--yes")[0] == 0
    assert list((tmp_path / "store" / "candidates").glob("[ab]*")) == []
    assert store("ls")[1].startswith("0 models, 0 B in ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say which models go: --older-than 30d, or --keep 5GB"),
        (["--older-than", "old"], "'old' is no age: write 12h, 30d or 4w"),
        (["--keep", "all"], "'all' is no size: write 500MB or 5GB"),
    ],
)
def test_a_mistake_is_told(store: Run, words: list[str], message: str) -> None:
    with pytest.raises(UnlearnError) as caught:
        store("prune", *words)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "age"), [("12h", timedelta(hours=12)), ("30d", timedelta(days=30)), (" 4 W", timedelta(weeks=4))]
)
def test_an_age_is_read(text: str, age: timedelta) -> None:
    assert age_of(text) == age
