"""Every error message and warning that a person can meet stands in a test, word for word."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parent
PACKAGE = TESTS.parent / "pytest_unlearn"
TELLING = frozenset({"Problem", "Failed", "warn"})  # calls that tell what they are given, as `raise` does
TOLD = frozenset({"message", "why", "findings"})  # parameters of functions that tell what they are given
PASSING = frozenset({"join", "fromkeys", "getattr", "next"})  # calls whose result holds the texts that they are given
REPORTS = frozenset({"NotPassedError"})  # a verdict in full, which is no error
GAP = "\0"  # stands for what is filled in
Function = ast.FunctionDef | ast.AsyncFunctionDef
UNPROVOKED = frozenset(
    {"subjects/gguf.py: {}: the output head is not that of the file. Use another version of transformers"}
)
"""What only another version of a dependency than the pinned one can provoke."""


class Scope(NamedTuple):
    """A function, or a whole module."""

    node: ast.AST
    module: ast.Module
    place: str


def messages() -> dict[str, str]:
    """Each message of the package, with GAP for what is filled in, to its place.

    These are texts that reach an exception, a warning or a list of problems: names are followed to what they are given
    in their function or module, calls to what the functions of that name return (methods: those of the same file).
    """
    scopes = [scope for file in sorted(PACKAGE.rglob("*.py")) for scope in _scopes(file)]
    functions: dict[str, list[Scope]] = {}
    for scope in scopes:
        if isinstance(scope.node, Function):
            functions.setdefault(scope.node.name, []).append(scope)
    telling = TELLING | {name for name, all_of in functions.items() if any(TOLD & _parameters(s.node) for s in all_of)}
    todo = [(told, scope) for scope in scopes for told in _told(scope.node, telling)]
    seen: set[ast.AST] = set()
    found: dict[str, str] = {}
    while todo:
        expression, scope = todo.pop()
        if expression in seen:
            continue
        seen.add(expression)
        for node in _said(expression):
            if isinstance(node, ast.Constant | ast.JoinedStr) and _is_sentence(text := _template(node)):
                found.setdefault(text, f"{scope.place}:{node.lineno}")
            elif isinstance(node, ast.Name):
                todo += [(value, scope) for value in _given(node.id, scope)]
            elif isinstance(node, ast.Call):
                called = functions.get(_name(node.func), [])
                here = [one for one in called if one.place == scope.place]
                for one in here or (called if isinstance(node.func, ast.Name) else []):
                    todo += [(value, one) for value in _returned(one.node)]
    return found


def _scopes(file: Path) -> Iterator[Scope]:
    module = ast.parse(file.read_text(encoding="utf-8"))
    place = str(file.relative_to(PACKAGE))
    yield Scope(module, module, place)
    yield from (Scope(node, module, place) for node in ast.walk(module) if isinstance(node, Function))


@cache
def _inside(scope: ast.AST) -> list[ast.AST]:
    """What belongs to a function or module itself, not to a function inside it."""
    found = []
    for child in ast.iter_child_nodes(scope):
        if not isinstance(child, Function):
            found += [child, *_inside(child)]
    return found


def _told(scope: ast.AST, telling: frozenset[str]) -> Iterator[ast.expr]:
    for node in _inside(scope):
        match node:
            case ast.Raise(exc=ast.Call(func=error) as told) if _name(error) not in REPORTS:
                yield told
            case ast.Call(func=ast.Attribute(value=grown, attr="append" | "add")) if _name(grown).endswith("problems"):
                yield from node.args
            case ast.Call() if _name(node.func) in telling:
                yield from (*node.args, *(keyword.value for keyword in node.keywords))
            case ast.AugAssign(target=grown, value=told) if _name(grown).endswith("problems"):
                yield told


def _parameters(function: ast.AST) -> set[str]:
    return {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}


def _given(name: str, scope: Scope) -> list[ast.expr]:
    """What a name is given, in its function or else in its module."""
    return _values(scope.node).get(name) or _values(scope.module).get(name, [])


@cache
def _values(scope: ast.AST) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in _inside(scope):
        match node:
            case ast.Assign(targets=targets, value=value):
                pass
            case ast.AugAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                targets = [target]
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                targets = [target]
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                targets = [target]
            case ast.Call(func=ast.Attribute(value=target, attr="append" | "extend"), args=[value]):
                targets = [target]
            case _:
                continue
        for part in (part for target in targets for part in ast.walk(target)):
            if isinstance(part, ast.Name):
                found.setdefault(part.id, []).append(value)
    return found


def _returned(function: ast.AST) -> list[ast.expr]:
    given = (node for node in _inside(function) if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom))
    return [node.value for node in given if node.value is not None]


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """A piece of code and what it consists of; of a text with gaps, only what fills them."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from _walk(child)


def _said(node: ast.AST) -> Iterator[ast.AST]:
    """The same, without what something else is made of: what is taken apart, or given to most calls."""
    yield node
    for child in ast.iter_child_nodes(node):
        match node, child:
            case ast.JoinedStr(), ast.Constant():
                continue
            case ast.Attribute() | ast.Subscript(), ast.Name(id=name) if name.upper() != name:  # not a table
                continue
            case ast.Call(func=made), _ if child is not made and not (_name(made) in PASSING or _is_error(made)):
                continue
        yield from _said(child)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_error(function: ast.AST) -> bool:
    return _name(function).endswith("Error")


def _template(node: ast.Constant | ast.JoinedStr) -> str:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in parts)


def _is_sentence(text: str) -> bool:
    return len(re.findall(r"[A-Za-z]{2,}", text)) > 1 and " " in text.strip()


def _texts() -> set[str]:
    """The texts of the tests, but those of this file."""
    files = (file for file in TESTS.rglob("*.py") if file != Path(__file__))
    nodes = (node for file in files for node in _walk(ast.parse(file.read_text(encoding="utf-8"))))
    return {_template(node) for node in nodes if isinstance(node, ast.Constant | ast.JoinedStr)}


def _stands_in(message: str, text: str) -> bool:
    """Whether the words of a message stand in a text, in their order."""
    end = 0
    for words in message.split(GAP):
        start = text.find(words, end)
        if start < 0:
            return False
        end = start + len(words)
    return True


def untested() -> list[str]:
    """Messages that stand in no test, each with its place."""
    texts = _texts()
    found = (
        f"{place}: {message.replace(GAP, '{}')}"
        for message, place in messages().items()
        if not any(_stands_in(message, text) for text in texts)
    )
    return sorted(one for one in found if re.sub(r"(\.py):\d+", r"\1", one) not in UNPROVOKED)


def test_every_message_stands_in_a_test() -> None:
    assert untested() == []


def test_messages_are_found_where_they_are_raised_collected_and_returned() -> None:
    found = messages()
    assert f"the knowledge file {GAP} cannot be read: {GAP}" in found  # an argument of what is raised
    assert f"the column '{GAP}' is named twice" in found  # returned, in a list, by a function
    assert f"must be above {GAP}" in found  # from a table of functions
    assert f"'{GAP}' is a {GAP}: write `{GAP}: {GAP}`" in found  # from a function inside another


if __name__ == "__main__":
    print(*untested(), sep="\n")
