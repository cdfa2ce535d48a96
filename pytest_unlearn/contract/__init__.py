"""What registered kinds must do, as tests that come with the package: `pytest --unlearn-contract module:method`."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.registry import METHODS

pytest.register_assert_rewrite("pytest_unlearn.contract.methods", "pytest_unlearn.contract.tiny")


def only(config: pytest.Config) -> None:
    """Let this run collect nothing of its own; raises UsageError where a method is not there."""
    config.addinivalue_line("markers", "gpu: needs a CUDA or MPS device")
    for given in config.getoption("unlearn_contract"):
        _load(given)
    config.args = []


def items(session: pytest.Session) -> list[pytest.Item]:
    """The contract of methods. It belongs to no folder, so that no conftest of ours or above us is loaded."""
    path = Path(__file__).with_name("methods.py")
    module: pytest.Module = pytest.Module.from_parent(session, path=path, nodeid="unlearn-contract")
    return list(session.genitems(module))


def names(config: pytest.Config) -> list[str]:
    """The methods that the contract is held to: those of the command line, else all."""
    given: list[str] = config.getoption("unlearn_contract", None) or []
    return [one.partition(":")[2] for one in given] or METHODS.names()


def _load(given: str) -> None:
    module, _, name = given.partition(":")
    if not module or not name:
        raise pytest.UsageError(f"--unlearn-contract {given}: write MODULE:METHOD, as in our_methods:until_rare")
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise pytest.UsageError(
            f"--unlearn-contract {given}: the module cannot be imported: {error}. Install its package, or run "
            "`python -m pytest` in its folder"
        ) from None
    try:
        METHODS.get(name)
    except UnlearnError as error:
        raise pytest.UsageError(f"--unlearn-contract {given}: {error}") from None
