"""What is public is complete: it imports, says what it is, and names nothing that is private."""

from __future__ import annotations

import ast
import inspect
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar

import pytest

from pytest_unlearn import api, registry

WORD = re.compile(r"\b[A-Z]\w*")
UNSETTLED = (registry.WORLDS, registry.ZOO)
FAMILIES = [one for one in vars(registry).values() if isinstance(one, registry.Registry) and one not in UNSETTLED]
# The knowledge's pairs and a method's pair of rows share a name, and nobody who writes either has to write the former
UNNAMED = {"Closure.__init__", "Closure.pairs", "Closure.kept_pairs", "Kept.__init__", "Kept.pairs"}


@pytest.fixture(scope="module")
def internal() -> set[str]:
    """What is not promised of public classes, and not on the page either."""
    names: set[str] = runpy.run_path(str(Path(__file__).parents[1] / "tools" / "public_names.py"))["INTERNAL"]
    return names


def things() -> list[Any]:
    """The public functions and classes; the others are type aliases."""
    found = [getattr(api, name) for name in api.__all__]
    return [one for one in found if isinstance(one, type | FunctionType)]


def functions(thing: Any) -> Iterator[tuple[str, FunctionType]]:
    """A function, or the public methods and properties of a class and what makes it."""
    if isinstance(thing, FunctionType):
        yield thing.__name__, thing
        return
    for name, value in vars(thing).items():
        value = value.__func__ if isinstance(value, classmethod) else value
        value = getattr(value, "fget", None) or getattr(value, "func", value)
        own = name == "__init__" and value.__module__ == thing.__module__
        if isinstance(value, FunctionType) and (own or not name.startswith("_")):
            yield f"{thing.__name__}.{name}", value


def annotations(thing: Any) -> Iterator[tuple[str, str]]:
    """What stands for each parameter, result and field, by the name of its home."""
    for name, function in functions(thing):
        yield from ((name, str(kind)) for kind in function.__annotations__.values())
    if isinstance(thing, type):
        for field, kind in inspect.get_annotations(thing).items():
            if not field.startswith("_"):
                yield f"{thing.__name__}.{field}", str(kind)


@pytest.mark.parametrize("name", api.__all__)
def test_a_public_name_is_there_and_public(name: str) -> None:
    assert getattr(api, name) is not None
    assert not name.startswith("_")


def test_every_name_that_the_module_imports_is_listed() -> None:
    imported = {
        name.name
        for node in ast.parse(inspect.getsource(api)).body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for name in node.names
    }
    assert sorted(imported) == api.__all__


@pytest.mark.parametrize("thing", things(), ids=lambda thing: thing.__name__)
def test_a_public_function_or_class_says_what_it_is(thing: Any) -> None:
    assert (thing.__doc__ or "").strip()
    assert not thing.__doc__.startswith(f"{thing.__name__}(")  # the signature, which dataclass writes where nothing is


@pytest.mark.parametrize("thing", things(), ids=lambda thing: thing.__name__)
def test_every_parameter_and_result_of_it_is_annotated(thing: Any) -> None:
    for name, function in functions(thing):
        parameters = {one for one in inspect.signature(function).parameters if one not in {"self", "cls"}}
        assert parameters | {"return"} == set(function.__annotations__), name


@pytest.mark.parametrize("thing", things(), ids=lambda thing: thing.__name__)
def test_every_type_of_ours_that_it_names_is_public_too(thing: Any, internal: set[str]) -> None:
    module = sys.modules[thing.__module__]
    for place, kind in annotations(thing):
        for word in WORD.findall(kind) if place not in internal | UNNAMED else ():
            meant = getattr(module, word, None)
            ours = not isinstance(meant, TypeVar) and str(getattr(meant, "__module__", "")).startswith("pytest_unlearn")
            assert not ours or getattr(api, word, None) is meant, f"{place}: {kind}"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.family)
def test_every_bundled_kind_registers_as_a_plug_in_would(family: registry.Registry[Any]) -> None:
    registers = [one for one in things() if isinstance(one, FunctionType) and _fills(one, family)]
    (register,) = registers
    for name in family.names():
        source = Path(inspect.getsourcefile(family.get(name).make) or "").read_text(encoding="utf-8")
        assert re.search(rf'@{register.__name__}\(\s*"{name}"', source)


def _fills(register: FunctionType, family: registry.Registry[Any]) -> bool:
    """Whether a decorator registers in a family."""
    names = {name for name, one in vars(registry).items() if one is family}
    return bool(names & set(register.__code__.co_names)) and "register" in register.__code__.co_names


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = {"torch", "transformers", "hypothesis", "pydantic", "networkx", "numpy", "scipy"}
    code = f"import sys; import pytest_unlearn.api; print(*{heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
