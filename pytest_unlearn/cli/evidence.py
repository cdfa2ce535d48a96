"""`unlearn evidence`: whether weights are those that a statement is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Hold weights against the statement of a gate.", no_args_is_help=True)


@app.callback()
def evidence() -> None:
    """Hold weights against the statement of a gate."""


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="what --unlearn-evidence has written")],
    folders: Annotated[list[Path], typer.Argument(help="the folders of the model that is to be released")],
) -> None:
    """Say whether every file of weights in some folders was judged, and by a gate that was open.

    Exit code 0 where that is so, 1 where it is not. Digests are compared; a signature is checked by the tool that
    made it.
    """
    from pytest_unlearn.report.evidence import verify as check

    found = check(file, folders)
    for path in found.named:
        typer.echo(f"judged      {path}")
    for path in found.unnamed:
        typer.echo(f"not judged  {path}")
    typer.echo(f"{found.result}: {'these weights were judged' if not found.unnamed else 'other weights were judged'}")
    raise typer.Exit(int(not found.holds))
