"""The tool that runs the commands of a page, for tests that run its blocks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def console() -> ModuleType:
    """`tools/make_console.py`."""
    file = Path(__file__).parents[2] / "tools" / "make_console.py"
    spec = importlib.util.spec_from_file_location("make_console", file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
