"""`unlearn store`: the models that were converted, trained and unlearned, and how to get rid of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from pytest_unlearn.cli.sizes import bytes_of, shown
from pytest_unlearn.cli.table import table
from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.subjects.entry import Entry
from pytest_unlearn.subjects.store import Store

app = typer.Typer(help="Look at the store of models, and clear it.", no_args_is_help=True)

_AGE = re.compile(r"(\d+)\s*([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@app.command("ls")
def ls() -> None:
    """List the models that are kept, those used last first."""
    store = Store()
    entries = sorted(store.entries(), key=lambda entry: entry.used, reverse=True)
    _table(entries)
    typer.echo(f"{_sum(entries)} in {store.root}")


@app.command("prune")
def prune(
    older_than: Annotated[
        str | None, typer.Option(help="models not used for so long: 12h, 30d, 4w", metavar="AGE")
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help="those used longest ago, until the rest takes no more: 5GB", metavar="SIZE")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Remove models that were not used for long, or that take too much room. They are made again when needed."""
    if older_than is None and keep is None:
        raise UnlearnError("say which models go: --older-than 30d, or --keep 5GB")
    age = None if older_than is None else age_of(older_than)
    most = None if keep is None else bytes_of(keep)
    store = Store()
    going = store.prune(older_than=age, keep_bytes=most, dry=True)
    if not going:
        typer.echo(f"nothing to remove; {_sum(store.entries())} in {store.root}")
        return
    _table(going)
    if not yes and not typer.confirm(f"Remove {_sum(going)}?"):
        raise typer.Exit(1)
    gone = store.prune(older_than=age, keep_bytes=most)
    typer.echo(f"removed {_sum(gone)}")


def age_of(text: str) -> timedelta:
    """`30d` as a time: hours, days or weeks; raises UnlearnError."""
    found = _AGE.fullmatch(text.strip().lower())
    if found is None:
        raise UnlearnError(f"'{text}' is no age: write 12h, 30d or 4w")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _table(entries: list[Entry]) -> None:
    rows = [[entry.kind, entry.what, _ago(entry.used), shown(entry.bytes), entry.key[:12]] for entry in entries]
    if rows:
        table(["kind", "what", ">used", ">size", "key"], rows)
        typer.echo("")


def _sum(entries: list[Entry]) -> str:
    models = "1 model" if len(entries) == 1 else f"{len(entries)} models"
    return f"{models}, {shown(sum(entry.bytes for entry in entries))}"


def _ago(used: datetime) -> str:
    hours = max(0, int((datetime.now(UTC) - used.astimezone(UTC)).total_seconds() // 3600))
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} d ago"
