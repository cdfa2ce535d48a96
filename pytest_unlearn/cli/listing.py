"""`unlearn methods` and `unlearn probes`: what a scenario can name."""

from __future__ import annotations

import dataclasses
import textwrap
import typing
from typing import Annotated, Any

import typer

from pytest_unlearn.registry import METHODS, METRICS, PROBES, UTILITY, Registry
from pytest_unlearn.scenario.meanings import meanings


def methods(name: Annotated[str | None, typer.Argument(help="one method, in full")] = None) -> None:
    """List the bundled unlearning methods, or tell all about one."""
    if name is None:
        _table(METHODS)
        return
    entry = METHODS.get(name)
    typer.echo(_doc(entry))
    typer.echo(f"\nneeds: {', '.join(sorted(entry.facts['needs'])) or 'nothing'}")
    typer.echo(f"reach: {entry.facts['reach']}\n\nkeys:")
    for line in _keys(entry.config):
        typer.echo(f"  {line}")


def probes(name: Annotated[str | None, typer.Argument(help="one probe kind, in full")] = None) -> None:
    """List what `ask`, `keep` and `measure` can name, or tell all about one of them."""
    families: tuple[tuple[str, Registry[Any]], ...] = (("ask", PROBES), ("keep", UTILITY), ("measure", METRICS))
    if name is None:
        for verb, registry in families:
            typer.echo(f"{verb}:")
            _table(registry)
        return
    registry = next((registry for _, registry in families if name in registry.names()), PROBES)
    entry = registry.get(name)
    typer.echo(_doc(entry))
    typer.echo("\nkeys:")
    for line in _keys(entry.config) or ["none of its own"]:
        typer.echo(f"  {line}")


def _table(registry: Registry[Any]) -> None:
    names = registry.names()
    width = max(map(len, names), default=0)
    for name in names:
        typer.echo(f"  {name:<{width}}  {registry.get(name).about}")


def _doc(entry: Any) -> str:
    import importlib

    return (importlib.import_module(entry.make.__module__).__doc__ or "").strip()


def _keys(config: type) -> list[str]:
    hints, told = typing.get_type_hints(config), meanings(config)
    lines = []
    for field in dataclasses.fields(config):
        lines.append(f"{field.name}: {_type(hints[field.name])}, default {field.default!r}")
        lines += textwrap.wrap(told[field.name].text, 76, initial_indent="    ", subsequent_indent="    ")
    return lines


def _type(hint: Any) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return " | ".join(map(str, typing.get_args(hint)))
    return str(getattr(hint, "__name__", hint)).replace("typing.", "")
