"""`unlearn diff`: what became of each check between runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.errors import UnlearnError


def diff(
    records: Annotated[list[Path], typer.Argument(help="records of two runs or more, the oldest first")],
) -> None:
    """Say what is better, worse, newly leaking or no longer looked at between the last two of some records.

    Three and more are a history: a column each. Exit code 0 where nothing is worse, 1 where something is.
    """
    from pytest_unlearn.cli.table import table
    from pytest_unlearn.gate.diff import BAD, history
    from pytest_unlearn.gate.diff import diff as compare
    from pytest_unlearn.gate.runs import read_files

    if len(records) < 2:
        raise UnlearnError("name the records of two runs at least, the older ones first")
    several = [read_files([path]) for path in records]
    if len(several) > 2:
        table(["check", *map(str, records)], [[id, *cells] for id, cells in history(several)])
        typer.echo()
    steps = compare(*several[-2:])
    for step in steps:
        typer.echo(f"{step.move:<13}  {step.id}: {step.text}")
    worse = sum(step.move in BAD for step in steps)
    typer.echo(f"{worse} worse, {len(steps) - worse} better or new" if steps else "nothing moved")
    raise typer.Exit(int(worse > 0))
