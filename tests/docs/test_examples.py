"""Every YAML and Python block of the documentation is executed: scenarios are validated, code is run.

A block with a file name beside its language, such as `jsonl data/forget.jsonl`, is a file of its page. By its name it
is a scenario (`*.unlearn.yaml`), knowledge (`*.knowledge.yaml`), or YAML of something else; a block of YAML without a
name is a scenario. The blocks of Python without a name are one program a page, which can import those that are files.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from pytest_unlearn.cli.draft import draft
from pytest_unlearn.knowledge.build import build
from pytest_unlearn.scenario.nodes import read_yaml

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    name: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Those of a page. A scenario without a name gets one, and so does a file that the page shows again."""
    found: list[Block] = []
    for number, (language, name, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
        if (language, name) == ("yaml", ""):
            name = f"example-{number}.unlearn.yaml"
        elif name in (block.name for block in found if name):
            name = str(Path(name).with_name(f"{number}-{Path(name).name}"))
        found.append(Block(language, name, text))
    return found


def with_block(language: str, name: str) -> list[object]:
    """The pages with a block in a language whose name fits a pattern."""
    return [
        pytest.param(page, id=page.stem)
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
        if any(block.language == language and re.search(name, block.name) for block in blocks(page))
    ]


def write(page: Path, folder: Path, console: ModuleType) -> dict[str, str]:
    """Make the project of a page with all of its files; returns the environment of its programs."""
    console.start(folder)
    for block in blocks(page):
        if block.name:
            (folder / block.name).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.name).write_text(block.text, encoding="utf-8")
    if (folder / "pyproject.toml").exists():
        console.install(folder)
    return {**console.environment(folder), "OMP_NUM_THREADS": "1"}  # as for other tests: the models are tiny


def program(page: Path) -> str:
    """The Python of a page, each line at its place in the page, so that an error names it."""
    text, found = page.read_text(encoding="utf-8"), ""
    for block in BLOCK.finditer(text):
        if (block[1], block[2]) == ("python", None):
            found += "\n" * (text.count("\n", 0, block.start(3)) - found.count("\n")) + block[3]
    return found


@pytest.mark.parametrize("page", with_block("yaml", r"\.unlearn\.yaml$"))
def test_the_scenarios_of_a_page_are_valid(page: Path, tmp_path: Path, console: ModuleType) -> None:
    environment = write(page, tmp_path, console)
    names = [block.name for block in blocks(page) if block.language == "yaml" and block.name.endswith(".unlearn.yaml")]
    words = ["unlearn", "validate", *names]
    run = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    told = [line for line in run.stderr.splitlines() if ": note: " not in line]  # of models that only a reader has
    assert (run.returncode, told) == (0, [])


@pytest.mark.parametrize("page", with_block("yaml", r"(?<!\.unlearn)\.ya?ml$"))
def test_other_yaml_of_a_page_can_be_read(page: Path, tmp_path: Path, console: ModuleType) -> None:
    write(page, tmp_path, console)
    for name in (block.name for block in blocks(page) if block.language == "yaml"):
        if name.endswith(".knowledge.yaml"):
            assert build(draft("model", None, tmp_path / name, None).knowledge, tmp_path).facts
        else:
            assert read_yaml(tmp_path / name).data


@pytest.mark.parametrize("page", with_block("python", r"^$"))
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, console: ModuleType) -> None:
    environment = write(page, tmp_path, console)
    words = [sys.executable, "-c", program(page)]
    run = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
