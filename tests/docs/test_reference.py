"""The reference is what the code says, and the code says something about every key."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.main import get_command

import pytest_unlearn
from pytest_unlearn.cli.app import app
from pytest_unlearn.scenario.schema import schema

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "tools" / "make_reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")
        spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["scenario.schema.json", "scenario.md", "cli.md", "options.md", "api.md"])
def test_a_page_is_what_the_tool_makes(reference: ModuleType, name: str) -> None:
    there = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert there == reference.pages()[name], f"docs/reference/{name} is stale: run `python tools/make_reference.py`"


def test_the_page_of_commands_has_every_command(reference: ModuleType) -> None:
    text = reference.cli()
    assert all(f"## `unlearn {command.name}" in text for command in app.registered_commands)


def test_the_page_of_commands_has_every_option_as_it_is_typed(reference: ModuleType) -> None:
    shown = set(re.findall(r"^\| `(--[a-z-]+)", reference.cli(), re.MULTILINE))
    commands = [get_command(app)]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
    typed = {name for command in commands for option in command.params for name in option.opts if name[0] == "-"}
    assert shown == typed


def variables() -> set[str]:
    """The environment variables that the package asks for."""
    found = set()
    for path in Path(pytest_unlearn.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            asked = isinstance(node, ast.Call) and ast.unparse(node.func) in {"os.environ.get", "os.getenv"}
            indexed = isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ"
            if asked or indexed:
                name = node.args[0] if isinstance(node, ast.Call) else node.slice  # type: ignore[attr-defined]
                found.add(ast.literal_eval(name))
    return found


def test_the_page_of_options_has_every_environment_variable_that_is_read(reference: ModuleType) -> None:
    assert set(reference.ENVIRONMENT) == variables()


def test_the_page_of_options_has_every_exit_code_that_a_run_of_checks_can_have(reference: ModuleType) -> None:
    codes = {code for code in pytest.ExitCode if code.name != "MAX_WARNINGS_ERROR"}  # asked for by an option of pytest
    assert set(reference.EXITS) == codes


def test_the_page_of_the_api_has_every_public_name_once(reference: ModuleType) -> None:
    from pytest_unlearn import api

    lines = reference.public().splitlines()
    assert sorted(api.__all__) == sorted(line.split("`")[1] for line in lines if line.startswith("### `"))


def keys(part: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(part, dict):
        for name, value in part.get("properties", {}).items():
            yield f"{path}/{name}", value
        for name, value in part.items():
            yield from keys(value, f"{path}/{name}")
    elif isinstance(part, list):
        for item in part:
            yield from keys(item, path)


def test_every_key_of_the_schema_has_a_description_and_an_example() -> None:
    silent = {
        path
        for path, value in keys(schema())
        if "const" not in value and not ({"description", "examples"} <= value.keys())
    }
    assert silent == set()


def test_every_shipped_scenario_names_the_schema() -> None:
    for path in (ROOT / "scenarios").glob("*.unlearn.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        mark, _, name = first.partition("$schema=")
        assert mark == "# yaml-language-server: "
        assert (path.parent / name).resolve() == ROOT / "docs" / "reference" / "scenario.schema.json"
