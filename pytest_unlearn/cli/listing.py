"""`unlearn probes` and `unlearn zoo`, and how what a scenario can name is told."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import shutil
import textwrap
from collections.abc import Sequence
from itertools import repeat
from typing import Annotated, Any

import typer

from pytest_unlearn.registry import METRICS, PROBES, TRANSFORMS, UTILITY, ZOO, Entry, Registry

WIDTH = 80


def probes(name: Annotated[str | None, typer.Argument(help="one probe kind, in full")] = None) -> None:
    """List what `ask`, `keep`, `measure` and `transforms` can name, or tell all about one of them."""
    families: tuple[tuple[str, Registry[Any]], ...] = (
        ("ask", PROBES),
        ("keep", UTILITY),
        ("measure", METRICS),
        ("transforms", TRANSFORMS),
    )
    if name is None:
        for verb, registry in families:
            typer.echo(f"{verb}:")
            _all(registry)
        return
    registry = next((registry for _, registry in families if name in registry.names()), PROBES)
    entry = registry.get(name)
    typer.echo(doc(entry))
    typer.echo("\nkeys:")
    for line in keys(entry.config) or ["none of its own"]:
        typer.echo(f"  {line}")


def zoo(name: Annotated[str | None, typer.Argument(help="one planted leak, in full")] = None) -> None:
    """List the models that only pretend to forget, `candidate: zoo:NAME`, or tell what must catch one of them."""
    if name is None:
        _all(ZOO)
        return
    entry = ZOO.get(name)
    typer.echo(f"{doc(entry)}\n\n{entry.make.__doc__}\n")
    for word, kinds in (("caught by", entry.facts["caught_by"]), ("missed by", entry.facts["missed_by"])):
        typer.echo(textwrap.fill(f"{word}: {', '.join(sorted(kinds)) or '-'}", 80, subsequent_indent="  "))
    if entry.facts["until"]:
        typer.echo(f"open until: {entry.facts['until']}")


def listed(entries: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Print names, each with its paragraphs beside it."""
    width, columns = max((len(name) for name, _ in entries), default=0), shutil.get_terminal_size().columns
    for name, paragraphs in entries:
        for title, text in zip((name, *repeat("", len(paragraphs) - 1)), paragraphs, strict=True):
            first = f"  {title:<{width}}  "
            typer.echo(textwrap.fill(text, columns, initial_indent=first, subsequent_indent=" " * len(first)))


def doc(entry: Entry[Any]) -> str:
    """What the file that registers a kind says about it."""
    return inspect.cleandoc(importlib.import_module(entry.make.__module__).__doc__ or entry.make.__doc__ or "")


def keys(config: type) -> list[str]:
    """The options of a config with their ranges, defaults and meanings, as lines."""
    from pytest_unlearn.scenario.schema import options
    from pytest_unlearn.scenario.words import kind, line

    lines = []
    for field in dataclasses.fields(config):
        key = options(config)[field.name]
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        told = kind(key, mappings=True)
        told += ", required" if required else f", default {line(key['default'])}" if "default" in key else ""
        indent = " " * 4
        lines += textwrap.wrap(f"{field.name}: {told.removeprefix(', ')}", WIDTH - 4, subsequent_indent="  ")
        lines += textwrap.wrap(key.get("description", ""), WIDTH - 4, initial_indent=indent, subsequent_indent=indent)
    return lines


def _all(registry: Registry[Any]) -> None:
    listed([(name, [registry.get(name).about]) for name in registry.names()])
