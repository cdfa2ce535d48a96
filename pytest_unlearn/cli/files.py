"""Which files a command line means."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pytest_unlearn.errors import UnlearnError

SUFFIX, KNOWLEDGE = ".unlearn.yaml", ".knowledge.yaml"
ROOT_MARKS = ("pyproject.toml", "pytest.ini", "tox.ini", "setup.cfg", ".git")


def scenario_files(paths: Iterable[Path]) -> list[Path]:
    """The scenario files named, and those below the folders named; raises UnlearnError when there are none."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(path.rglob(f"*{SUFFIX}"))
        elif path.is_file():
            if path.name.endswith(KNOWLEDGE):
                raise UnlearnError(f"{path} is a knowledge file: name a scenario that includes it")
            found.append(path)
        else:
            raise UnlearnError(f"there is no file or folder {path}")
    if not found:
        raise UnlearnError(f"no scenario found; scenario files end in {SUFFIX}")
    return [path.resolve() for path in found]


def typed(what: object) -> str:
    """A path, or a text with paths in it, as they are typed in the current folder."""
    return str(what).replace(f"{Path.cwd()}/", "")


def root_of(path: Path) -> Path:
    """The project that a file belongs to: the nearest folder above it with a project file, as pytest finds it."""
    for folder in path.resolve().parents:
        if any((folder / mark).exists() for mark in ROOT_MARKS):
            return folder
    return path.resolve().parent


def project_of(finding: Path, scenario: str) -> Path:
    """The project that holds the scenario of a finding: that of the finding, else that of the current folder."""
    here = root_of(Path.cwd() / "here")
    return next((root for root in (root_of(finding), here) if (root / scenario).is_file()), here)


def writable(*paths: Path | None) -> None:
    """Raise UnlearnError, before anything is trained, for a file that cannot be written in the end."""
    for path in filter(None, paths):
        if path.is_dir() or not os.access(path.resolve().parent, os.W_OK):
            raise UnlearnError(f"{path} cannot be written: name a file in a folder that is there")
