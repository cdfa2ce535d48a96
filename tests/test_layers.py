"""The import graph points down, and what is read at collection stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pytest_unlearn"
LAYERS = (
    {
        "plugin",
        "collect",
        "workers",
        "gating",
        "redacting",
        "telling",
        "fixtures",
        "strategies",
        "asserting",
        "cli",
        "api",
        "contract",
    },
    {"report"},
    {"gate"},
    {"runner"},
    {"checks"},
    {"zoo"},
    {"probes", "graders", "utility", "metrics", "methods", "worlds"},
    {"training"},
    {"verdict"},
    {"knowledge"},
    {"subjects"},
    {"scenario"},
    {"errors", "registry", "records", "lazy", "digest", "names", "sizes", "options", "redact"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
HEAVY = ("torch", "transformers", "hypothesis", "pydantic", "networkx", "numpy", "scipy", "yaml")


def imports(path: Path) -> set[str]:
    """The parts of the package that a file imports when it runs; imports for type checkers do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    checked = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in node.body
        for inner in ast.walk(child)
    }
    found = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.ImportFrom)
            and id(node) not in checked
            and (node.module or "").startswith("pytest_unlearn")
        ):
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {name.name for name in node.names}
    return found


def files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_imports_from_a_layer_above_its_own(path: Path) -> None:
    layer = LEVEL[path.relative_to(PACKAGE).parts[0].removesuffix(".py")]
    above = {name for name in imports(path) if LEVEL[name] < layer}
    assert not above


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    assert loaded_by("import pytest_unlearn.plugin") == set()


def test_collecting_a_scenario_loads_no_torch_and_no_hypothesis() -> None:
    assert loaded_by("import pytest_unlearn.collect").isdisjoint({"torch", "transformers", "hypothesis", "scipy"})


def test_looking_up_every_registered_name_loads_no_torch() -> None:
    everything = "from pytest_unlearn import registry as r; " + "; ".join(
        f"[r.{family}.get(n) for n in r.{family}.names()]"
        for family in (
            *("PROBES", "TRANSFORMS", "GRADERS", "UTILITY", "METRICS", "METHODS", "PLUG_INS", "SOURCES", "WORLDS"),
            "ZOO",
        )
    )
    assert loaded_by(everything).isdisjoint({"torch", "transformers", "hypothesis"})


def test_the_page_about_the_architecture_draws_these_layers() -> None:
    page = (PACKAGE.parent / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    drawn = page.split("## The layers")[1].split("```text\n")[1].split("```")[0]
    names = [re.findall(r"(\w+)(?:\.py|/)", line.split("   ")[0]) for line in drawn.splitlines()]
    levels = [LEVEL[name] for line in names for name in line]
    assert levels == sorted(levels)
    assert {name for line in names for name in line} == LEVEL.keys()
