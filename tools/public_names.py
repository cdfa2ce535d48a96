"""The names of `pytest_unlearn.api` as one would write them; `make_reference.py` makes a page of them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import Any

from pytest_unlearn import api

WIDTH = 100
INTERNAL = {  # what plug-ins are not promised of a public class; of `Frozen`, how the loop makes it
    *("Closure.cut", "Frozen.__init__", "Frozen.hold"),
    *("Knowledge.graph", "Knowledge.number", "Knowledge.reach", "Knowledge.ways"),
}


def homes() -> dict[str, str]:
    """Each public name and the module that defines it, in the order in which they are imported."""
    tree = ast.parse(inspect.getsource(api))
    return {
        name.name: node.module or ""
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for name in node.names
    }


def alias(name: str) -> str:
    """What a public type alias stands for; empty where the name is a class or a function."""
    tree = ast.parse(inspect.getsource(importlib.import_module(homes()[name])))
    found = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and target.id == name
    )
    return next((ast.unparse(value) for value in found), "")


def told(name: str) -> tuple[str, list[str]]:
    """The first paragraph of a docstring in one line, and the lines of the others after an empty one."""
    if alias(name):
        return "", []
    first, _, rest = inspect.cleandoc(getattr(api, name).__doc__ or "").partition("\n\n")
    return " ".join(first.split()), ["", *rest.split("\n")] if rest else []


def written(name: str) -> list[str]:
    """A public name as one would write it: a signature, and what can be read and called of a class."""
    thing, module = getattr(api, name), importlib.import_module(homes()[name])
    if stands := alias(name):
        return [f"{name} = {stands}"]
    if inspect.isfunction(thing):
        return _called(name, thing, module)
    if issubclass(thing, Enum):
        return [f"{name}.{member.name} = {member.value!r}" for member in thing]
    head = [name]
    if issubclass(thing, Exception):
        head = [f"{name}({', '.join(base.__name__ for base in thing.__bases__)})"]
    elif not _protocol(thing) and f"{name}.__init__" not in INTERNAL:
        head = _called(name, thing, module)
    return [*head, *(f"    {line}" for line in _members(thing, module))]


def _members(thing: type, module: ModuleType) -> Iterator[str]:
    """Public methods, properties and, of a protocol, attributes, each with the first line of its docstring."""
    if _protocol(thing):
        for field, kind in inspect.get_annotations(thing).items():
            yield f".{field}: {_plain(kind, module)}"
    for field, own in vars(thing).items():
        value = own.__func__ if isinstance(own, classmethod) else own
        value = getattr(value, "fget", None) or getattr(value, "func", value)
        if field.startswith("_") or f"{thing.__name__}.{field}" in INTERNAL or not inspect.isfunction(value):
            continue
        if value is own or isinstance(own, classmethod):
            yield from _called(f".{field}", value, module)
        else:
            yield f".{field}: {_signature(value, module).return_annotation}"
        if value.__doc__:
            yield f"    {value.__doc__.strip().splitlines()[0]}"


def _protocol(thing: type) -> bool:
    return getattr(thing, "_is_protocol", False)


class _Word(str):
    """An annotation that is shown as it is written."""

    def __repr__(self) -> str:
        return str(self)


def _called(name: str, thing: Any, module: ModuleType) -> list[str]:
    """A name with its signature, a parameter a line where it is long."""
    found = _signature(thing, module)
    if len(whole := f"{name}{found}") <= WIDTH:
        return [whole]
    lines, starred = [f"{name}("], False
    for one in found.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not starred:
            lines.append("    *,")
            starred = True
        lines.append(f"    {one},")
    gives = found.return_annotation
    return [*lines, ")" if gives is found.empty else f") -> {gives}"]


def _signature(thing: Any, module: ModuleType) -> inspect.Signature:
    """Without `self` and `cls`, and for a class without what calling it gives."""
    found = inspect.signature(thing)
    gives = found.empty if isinstance(thing, type) else found.return_annotation
    return found.replace(
        parameters=[
            one if one.annotation is one.empty else one.replace(annotation=_Word(_plain(one.annotation, module)))
            for one in found.parameters.values()
            if one.name not in {"self", "cls"}
        ],
        return_annotation=gives if gives is found.empty else _Word(_plain(gives, module)),
    )


def _plain(annotation: Any, module: ModuleType) -> str:
    """An annotation in words of the API. A name that means something else there is told apart by its module."""
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)

    def apart(word: re.Match[str]) -> str:
        meant = getattr(module, word[0], None)
        other = word[0] in api.__all__ and meant is not None and meant is not getattr(api, word[0])
        return f"{meant.__module__.removeprefix('pytest_unlearn.')}.{word[0]}" if other else word[0]

    return re.sub(r"\b[A-Z]\w*", apart, text)
