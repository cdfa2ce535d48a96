"""Every YAML and Python block of the documentation is executed: scenarios are validated, code is run.

A block with a file name beside its language, such as `jsonl data/forget.jsonl`, is a file of its page's scenarios.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_unlearn.checks.askable import askable
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.scenario.load import load_scenario

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[object]:
    return [
        pytest.param(page, text, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
        if kind == language
    ]


@pytest.mark.parametrize(("page", "text"), blocks("yaml"))
def test_a_scenario_in_the_documentation_is_valid(page: Path, text: str, tmp_path: Path) -> None:
    for name, content in FILE.findall(page.read_text(encoding="utf-8")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    path = tmp_path / "example.unlearn.yaml"
    path.write_text(text, encoding="utf-8")
    scenario = load_scenario(path, tmp_path)
    knowledge = askable(scenario, tmp_path)
    closures = [forgetting(knowledge, target, scenario.retain) for target in scenario.targets]
    assert all(one.target or one.pairs or one.documents for one in closures)


@pytest.mark.parametrize(("page", "text"), blocks("python"))
def test_code_in_the_documentation_runs(page: Path, text: str) -> None:
    exec(compile(text, "example", "exec"), {"__name__": "example"})
