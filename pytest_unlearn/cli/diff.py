"""`unlearn diff`: what became of each check between runs."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.cli.files import root_of
from pytest_unlearn.cli.masked import learn
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.redact import current

WIDTH = 100


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
    for some in several:
        learn(some, root_of(Path.cwd() / "here"))
    if len(several) > 2:
        table(["check", *map(str, records)], [[id, *cells] for id, cells in history(several)])
        typer.echo()
    width = min(WIDTH, shutil.get_terminal_size().columns)
    steps = compare(*several[-2:])
    for step in steps:
        typer.echo(
            textwrap.fill(
                current().text(f"{step.id}: {step.text}"),
                width,
                initial_indent=f"{step.move:<15}",
                subsequent_indent=" " * 15,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    worse = sum(step.move in BAD for step in steps)
    typer.echo(f"{worse} worse, {len(steps) - worse} better or new" if steps else "nothing moved")
    raise typer.Exit(int(worse > 0))
