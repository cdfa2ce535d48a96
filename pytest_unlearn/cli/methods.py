"""`unlearn methods`: what a scenario can say after `method:`, told by the files that register it."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, asdict, fields
from typing import Annotated, Any

import typer

from pytest_unlearn.cli.listing import doc, keys, listed
from pytest_unlearn.registry import METHODS, Entry
from pytest_unlearn.training.data import passes

PAPER = re.compile(r"^Paper: (.+?)(?=\n\n|\nNeeds: |\Z)", re.MULTILINE | re.DOTALL)
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


def methods(
    name: Annotated[str | None, typer.Argument(help="one method, in full")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """List the unlearning methods, those of plug-ins too, or tell all about one.

    Cost is what a step puts through the model, forward and backward, relative to fine-tuning on as many rows.
    """
    if name is None:
        entries = [METHODS.get(one) for one in METHODS.names()]
        if as_json:
            typer.echo(json.dumps([plain(entry) for entry in entries], indent=1))
            return
        listed([(entry.name, [entry.about, "; ".join([*_facts(entry), *_paper(entry)])]) for entry in entries])
        return
    entry = METHODS.get(name)
    if as_json:
        typer.echo(json.dumps(plain(entry, full=True), indent=1))
        return
    band = entry.facts["band"]
    typer.echo("\n".join([doc(entry), "", *_facts(entry), *([] if band is None else [str(band)]), "", "keys:"]))
    for line in keys(entry.config) or ["none of its own"]:
        typer.echo(f"  {line}")
    typer.echo("\nin a scenario, with the keys as they are unless given:\n")
    for line in snippet(entry).splitlines():
        typer.echo(f"  {line}")


def plain(entry: Entry[Any], *, full: bool = False) -> dict[str, Any]:
    """A method as plain data; `full` with its docstring, the schema of its keys and a snippet."""
    about = {
        "name": entry.name,
        "about": entry.about,
        "needs": sorted(entry.facts["needs"]),
        "reach": entry.facts["reach"],
        "cost": passes(entry),
        "band": None if entry.facts["band"] is None else asdict(entry.facts["band"]),
        "paper": paper(entry),
    }
    if not full:
        return about
    from pytest_unlearn.scenario.schema import options

    return {**about, "doc": doc(entry), "keys": options(entry.config), "snippet": snippet(entry)}


def paper(entry: Entry[Any]) -> str | None:
    """What the docstring of a method's file says after `Paper:`; None where it says nothing."""
    found = PAPER.search(doc(entry))
    return " ".join(found[1].split()) if found else None


def snippet(entry: Entry[Any]) -> str:
    """The lines of a scenario that use a method with its defaults, as far as they can be written.

    A key that has none stands with its example.
    """
    from pytest_unlearn.scenario.schema import options
    from pytest_unlearn.scenario.words import line as written

    lines = ["candidate:", f"  method: {entry.name}"]
    for field in fields(entry.config):
        key = options(entry.config)[field.name]
        required = field.default is MISSING and field.default_factory is MISSING
        value = key["examples"][0] if required and "examples" in key else key.get("default")
        if value is not None:
            lines.append(f"  {field.name}: {written(value)}")
    return "\n".join(lines)


def _facts(entry: Entry[Any]) -> list[str]:
    cost = passes(entry)
    return [
        f"needs: {', '.join(sorted(entry.facts['needs'])) or 'nothing'}",
        f"reach: {entry.facts['reach']}",
        f"cost: {'no steps' if cost is None else f'{cost:g}'}",
    ]


def _paper(entry: Entry[Any]) -> list[str]:
    """The number of the paper, or what stands for it; nothing where the docstring names none."""
    found = paper(entry)
    arxiv = ARXIV.search(found or "")
    return [] if found is None else [f"paper: {f'arXiv:{arxiv[1]}' if arxiv else re.split('[,;]', found)[0]}"]
