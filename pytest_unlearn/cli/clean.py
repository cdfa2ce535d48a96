"""`unlearn clean`: remove what runs have written beside the scenarios."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.cli.files import root_of
from pytest_unlearn.cli.sizes import shown
from pytest_unlearn.cli.table import table
from pytest_unlearn.errors import UnlearnError

FOLDER = ".unlearn"
WRITTEN = ("records.jsonl", "memo.sqlite")  # what a run, or `unlearn known`, leaves in such a folder


def clean(
    folder: Annotated[
        Path | None, typer.Argument(help="the folder that --unlearn-dir named; else .unlearn of the project")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Remove the records, findings and remembered answers of this project, after showing what there is.

    Models stay: `unlearn store prune` removes those.
    """
    here = folder or root_of(Path.cwd() / FOLDER) / FOLDER
    if here.is_symlink():
        raise UnlearnError(f"{here} is a link: remove what it leads to yourself")
    if not here.is_dir():
        typer.echo(f"nothing to remove: there is no folder {here}")
        return
    if here.name != FOLDER and not any((here / name).is_file() for name in WRITTEN):
        raise UnlearnError(f"{here} holds neither {WRITTEN[0]} nor {WRITTEN[1]}: no run wrote it, and it is left alone")
    found = {path: (_files(path), _size(path)) for path in sorted(here.iterdir())}
    table(["what", ">files", ">size"], [[p.name, f"{n:,}", shown(size)] for p, (n, size) in found.items()])
    total = shown(sum(size for _, size in found.values()))
    if not yes and not typer.confirm(f"\nRemove {here}, {total}?"):
        raise typer.Exit(1)
    shutil.rmtree(here)
    typer.echo(f"removed {here}, {total}")


def _files(path: Path) -> int:
    return sum(one.is_file() for one in path.rglob("*")) if path.is_dir() else 1


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files)
