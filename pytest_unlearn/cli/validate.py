"""`unlearn validate`: every mistake of some scenario files, without running a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pytest_unlearn.checks.askable import askable
from pytest_unlearn.cli.files import root_of, scenario_files, typed
from pytest_unlearn.errors import ScenarioError
from pytest_unlearn.knowledge.private import told
from pytest_unlearn.runner.candidates import absent
from pytest_unlearn.runner.needs import unmet
from pytest_unlearn.scenario.expand import cases
from pytest_unlearn.scenario.load import load_scenario


def validate(paths: Annotated[list[Path], typer.Argument(help="scenario files, or folders of them")]) -> None:
    """Check scenario files and the knowledge they name; exit 2 when one has a mistake."""
    broken = 0
    files = scenario_files(paths)
    for path in files:
        root = root_of(path)
        try:
            scenario = load_scenario(path, root)
            knowledge = askable(scenario, root)
            if problems := unmet(scenario, root):
                raise ScenarioError(problems)
        except ScenarioError as error:
            broken += 1
            typer.echo(typed(told(error, path)), err=True)
            continue
        typer.echo(f"{typed(path)}: {len(cases(scenario))} checks, {len(knowledge.facts)} facts")
        for name in absent(scenario):
            typer.echo(typed(name), err=True)
    if broken:
        typer.echo(f"{broken} of {len(files)} files have mistakes", err=True)
        raise typer.Exit(2)
