"""The `unlearn` command. It looks at scenarios and models; checks are run by pytest alone."""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version
from typing import Annotated

import typer

from pytest_unlearn.cli import (
    calibrate,
    clean,
    compare,
    diff,
    evidence,
    fetch,
    gate,
    known,
    lint,
    listing,
    methods,
    new,
    pin,
    replay,
    schema,
    show,
    store,
    validate,
    world,
)
from pytest_unlearn.errors import UnlearnError

app = typer.Typer(
    name="unlearn",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # paragraphs of help flow
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pytest-unlearn {version('pytest-unlearn')}")
        raise typer.Exit


@app.callback()
def unlearn(
    told: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="the version")] = False,
) -> None:
    """Look at unlearning scenarios and the models they name. Run them with pytest."""


app.command("show")(show.show)
app.command("validate")(validate.validate)
app.command("lint")(lint.lint)
app.command("new")(new.new)
app.command("known")(known.known_facts)
app.command("world")(world.world)
app.command("gate")(gate.gate)
app.command("diff")(diff.diff)
app.add_typer(evidence.app, name="evidence")
app.command("calibrate")(calibrate.calibrate)
app.command("compare")(compare.compare)
app.command("schema")(schema.schema)
app.add_typer(store.app, name="store")
app.command("clean")(clean.clean)
app.command("replay")(replay.replay)
app.command("pin")(pin.pin)
app.command("fetch")(fetch.fetch)
app.command("methods")(methods.methods)
app.command("zoo")(listing.zoo)
app.command("probes")(listing.probes)


def main() -> None:
    """Entry point: warnings and our own errors are told in words; an error ends with exit code 2."""
    warnings.showwarning = lambda message, *_, **__: print(f"unlearn: {message}", file=sys.stderr)
    try:
        app()
    except UnlearnError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
