"""`unlearn methods`, `unlearn probes` and `unlearn zoo`: what a scenario can name."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
import types
import typing
from typing import Annotated, Any

import typer

from pytest_unlearn.registry import METHODS, METRICS, PROBES, TRANSFORMS, UTILITY, ZOO, Registry
from pytest_unlearn.scenario.meanings import meanings

NAMES = {float: "number", int: "whole number", str: "text", bool: "true | false", type(None): "null"}


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
            _table(registry)
        return
    registry = next((registry for _, registry in families if name in registry.names()), PROBES)
    entry = registry.get(name)
    typer.echo(_doc(entry))
    typer.echo("\nkeys:")
    for line in _keys(entry.config) or ["none of its own"]:
        typer.echo(f"  {line}")


def zoo(name: Annotated[str | None, typer.Argument(help="one planted leak, in full")] = None) -> None:
    """List the models that only pretend to forget, `candidate: zoo:NAME`, or tell what must catch one of them."""
    if name is None:
        _table(ZOO)
        return
    entry = ZOO.get(name)
    typer.echo(f"{_doc(entry)}\n\n{entry.make.__doc__}\n")
    for word, kinds in (("caught by", entry.facts["caught_by"]), ("missed by", entry.facts["missed_by"])):
        typer.echo(textwrap.fill(f"{word}: {', '.join(sorted(kinds)) or '-'}", 80, subsequent_indent="  "))
    if entry.facts["until"]:
        typer.echo(f"open until: {entry.facts['until']}")


def _table(registry: Registry[Any]) -> None:
    names = registry.names()
    width = max(map(len, names), default=0)
    columns = shutil.get_terminal_size().columns
    for name in names:
        indent = " " * (width + 4)
        typer.echo(textwrap.fill(registry.get(name).about, columns, initial_indent=f"  {name:<{width}}  ",
                                 subsequent_indent=indent))  # fmt: skip


def _doc(entry: Any) -> str:
    import importlib

    return (importlib.import_module(entry.make.__module__).__doc__ or "").strip()


def _keys(config: type) -> list[str]:
    hints, told = typing.get_type_hints(config), meanings(config)
    lines = []
    for field in dataclasses.fields(config):
        lines.append(f"{field.name}: {_type(hints[field.name])}{_default(field.default)}")
        lines += textwrap.wrap(told[field.name].text, 76, initial_indent="    ", subsequent_indent="    ")
    return lines


def _type(hint: Any) -> str:
    """An annotation in the words of YAML."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return " | ".join(map(str, args))
    if origin in (typing.Union, types.UnionType):
        return " | ".join(dict.fromkeys(_type(arg) for arg in args))
    if dataclasses.is_dataclass(hint):
        return f"{{{', '.join(field.name for field in dataclasses.fields(hint))}}}"
    if origin in (tuple, list):
        return f"list of {_type(args[0])}"
    return NAMES.get(hint, str(getattr(hint, "__name__", hint)))


def _default(value: Any) -> str:
    """What stands for a key that is not given; nothing where that cannot be written."""
    if value is dataclasses.MISSING:
        return ", required"
    if value is None or dataclasses.is_dataclass(value):
        return ""
    if isinstance(value, tuple):
        return f", default [{', '.join(map(str, value))}]" if value else ""
    return f", default {str(value).lower() if isinstance(value, bool) else value}"
