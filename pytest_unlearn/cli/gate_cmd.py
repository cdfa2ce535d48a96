"""`unlearn gate`: the verdict of a gate on records of runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.cli.files import root_of


def gate(
    records: Annotated[list[Path], typer.Argument(help="records of runs, or the folders they are in: .unlearn")],
    waivers: Annotated[
        Path | None, typer.Option(help="the file of waivers; else unlearn-waivers.yaml of the project", metavar="FILE")
    ] = None,
) -> None:
    """Say whether records open the gate; the exit code is that of `pytest --unlearn-gate`.

    Several files are judged together, as one release: a check that is judged twice must pass twice.
    """
    from pytest_unlearn.gate.gate import gate as judge
    from pytest_unlearn.gate.runs import read_files

    found = judge(read_files(records), root_of(Path.cwd() / "here"), waivers)
    for line in found.terminal(shutil.get_terminal_size().columns):
        typer.echo(line)
    raise typer.Exit(found.exit)
