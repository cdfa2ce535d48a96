"""What the documentation shows of a terminal is what the commands say."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from pytest_unlearn.errors import SubjectError
from pytest_unlearn.subjects.fetch import NAMES, ready
from pytest_unlearn.subjects.store import Store

ROOT = Path(__file__).parents[2]
PAGES = {page: page.read_text("utf-8") for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]}
MAKE = "run `python tools/make_console.py`"


def marked(comment: str) -> list[object]:
    return [pytest.param(text, id=page.stem) for page, text in PAGES.items() if comment in text]


@pytest.mark.parametrize("text", marked("<!-- console: "))
def test_a_page_shows_what_commands_say_that_need_no_model(console: ModuleType, text: str) -> None:
    for block in console.blocks(text, models=False):
        assert not block.stale(), f"{MAKE}: it says\n{block.made}"


@pytest.mark.slow
@pytest.mark.parametrize("text", marked("<!-- console, models: "))
def test_a_page_shows_what_commands_say_that_ask_models(
    console: ModuleType, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Numbers aside, which may differ between machines."""
    monkeypatch.delenv("UNLEARN_CACHE", raising=False)  # models that were fetched are in the user's own store
    asked = [step["command"] for step in console.STEP.finditer(text) if step["models"]]
    for name in (name for name in NAMES if any(name in command for command in asked)):
        try:
            ready(name, Store())
        except SubjectError as error:
            pytest.skip(str(error))
    for block in console.blocks(text, models=True):
        assert not block.stale(numbers=False), f"{MAKE} --models: it says\n{block.made}"


@pytest.mark.parametrize("text", marked("<!-- console"))
def test_every_comment_stands_before_a_block_that_shows_its_command(console: ModuleType, text: str) -> None:
    steps = [step for step in console.STEP.finditer(text) if step["command"]]
    assert len(steps) == text.count("<!-- console")
    for step in steps:
        assert step["shown"].startswith(f"$ {step['command']}\n"), MAKE


def test_output_is_never_pasted_by_hand() -> None:
    """A block of a terminal that no tool makes shows commands alone: every line of it is one."""
    for page, text in PAGES.items():
        for block in re.findall(r"(?<!-->\n)^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            assert all(line.startswith("$ ") for line in block.splitlines()), f"{page.name}:\n{block}"


PAGE = """\
<!-- console: cat it.txt -->
```console
```
```text it.txt
first
```
<!-- console: cat it.txt -->
```console
stale
```
<!-- console, models: echo asked -->
```console
```
"""


def test_a_file_is_there_from_where_it_stands(console: ModuleType) -> None:
    before, after = console.blocks(PAGE, models=False)
    assert before.made == "$ cat it.txt\ncat: it.txt: No such file or directory\n"
    assert after.made == "$ cat it.txt\nfirst\n"


def test_a_command_that_needs_a_model_runs_only_when_that_is_wanted(console: ModuleType) -> None:
    assert [block.command for block in console.blocks(PAGE, models=True)] == ["cat it.txt", "cat it.txt", "echo asked"]


def test_paths_are_those_of_somebody_else(console: ModuleType, tmp_path: Path) -> None:
    assert console.said("pwd; echo $HOME/x", tmp_path) == "/home/you/project\n/home/you/x\n"


def test_a_command_sees_80_columns_and_no_colours(console: ModuleType, tmp_path: Path) -> None:
    assert console.said("echo $COLUMNS $TERM $CI", tmp_path) == "80 dumb\n"


def test_an_output_is_stale_when_more_than_its_times_differs(console: ModuleType) -> None:
    def block(made: str) -> bool:
        shown = "4 probes, 2.5 s, seed 0\n=== 1 failed in 12.03s ===\n"
        stale: bool = console.Block("c", False, shown, made, 0, 0).stale()
        return stale

    assert not block("4 probes, 3.1 s, seed 0\n=== 1 failed in 61.20s (0:01:01) ===\n")
    assert block("5 probes, 2.5 s, seed 0\n=== 1 failed in 12.03s ===\n")
