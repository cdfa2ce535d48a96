"""Every YAML and Python block of the documentation is executed: scenarios are validated, code is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_unlearn.knowledge.build import build
from pytest_unlearn.knowledge.closure import forgetting
from pytest_unlearn.scenario.load import load_scenario

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[object]:
    return [
        pytest.param(text, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
        if kind == language
    ]


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_scenario_in_the_documentation_is_valid(text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.unlearn.yaml"
    path.write_text(text, encoding="utf-8")
    scenario = load_scenario(path, tmp_path)
    knowledge = build(scenario.knowledge, tmp_path)
    assert all(forgetting(knowledge, target).target for target in scenario.targets)


@pytest.mark.parametrize("text", blocks("python"))
def test_code_in_the_documentation_runs(text: str) -> None:
    exec(compile(text, "example", "exec"), {"__name__": "example"})
