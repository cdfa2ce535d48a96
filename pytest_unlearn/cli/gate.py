"""`unlearn gate`: the verdict of a gate on records of runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.cli.files import root_of
from pytest_unlearn.cli.masked import learn
from pytest_unlearn.records import masked


def gate(
    records: Annotated[list[Path], typer.Argument(help="records of runs, or the folders they are in: .unlearn")],
    waivers: Annotated[
        Path | None, typer.Option(help="the file of waivers; else unlearn-waivers.yaml of the project", metavar="FILE")
    ] = None,
    summary: Annotated[Path | None, typer.Option(help="write all of it as JSON", metavar="FILE")] = None,
    markdown: Annotated[Path | None, typer.Option(help="write a page for people", metavar="FILE")] = None,
    sarif: Annotated[
        Path | None, typer.Option(help="write what leaks or is lost, for code scanning (SARIF 2.1.0)", metavar="FILE")
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="write a statement about the weights, to be signed (in-toto)", metavar="FILE")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="write a table of all checks", metavar="FILE")] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="write the same for notebooks, with pyarrow", metavar="FILE")
    ] = None,
) -> None:
    """Say whether records open the gate; the exit code is that of `pytest --unlearn-gate`.

    Several files are judged together, as one release: a check that is judged twice must pass twice.
    """
    from pytest_unlearn.gate.gate import gate as judge
    from pytest_unlearn.gate.runs import read_files
    from pytest_unlearn.report import github
    from pytest_unlearn.report.files import clear, write
    from pytest_unlearn.report.lines import Lines

    given = {
        "summary": summary, "markdown": markdown, "sarif": sarif, "evidence": evidence, "csv": csv, "parquet": parquet,
    }  # fmt: skip
    wanted = {kind: path for kind, path in given.items() if path}
    root = root_of(Path.cwd() / "here")
    learn(lines := read_files(records), root)
    clear(wanted)
    found = judge(lines, root, waivers).masked()
    lines = [masked(line) for line in lines]
    for line in found.terminal(shutil.get_terminal_size().columns):
        typer.echo(line)
    for line in write(Lines(found, lines), wanted):
        typer.echo(line, err=True)
    for line in github.commands(Lines(found, lines), root) if github.wanted() else ():
        typer.echo(line)
    raise typer.Exit(found.exit)
