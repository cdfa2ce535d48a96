"""Kinds that users may add: one file, one registered name, one frozen config dataclass.

A built-in is found by its file name, so that looking one up imports that file and no other. A user's is found by an
entry point of the group `pytest_unlearn.<family>`, loaded at the first look-up of a name that is not built in.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from pytest_unlearn.errors import UnlearnError, did_you_mean

Made = TypeVar("Made", bound=Callable[..., Any])


class UnknownNameError(UnlearnError):
    """A name that no registered kind has; the message suggests the nearest."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[Made]):
    """What a name stands for. `facts` is what the decorator was told beside the name."""

    name: str
    make: Made
    config: type
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> str:
        """The first line of the docstring of the file that registers it."""
        doc = importlib.import_module(self.make.__module__).__doc__ or self.make.__doc__ or ""
        return doc.strip().split("\n")[0]


@dataclass(frozen=True, slots=True)
class Use:
    """A registered name and its config dataclass."""

    name: str
    config: Any


class Registry(Generic[Made]):
    """Names of one family, e.g. probe kinds. `package` holds the built-in files, each named as it registers."""

    def __init__(self, family: str, package: str, skip: tuple[str, ...] = ()) -> None:
        self.family, self.package, self._skip = family, package, skip
        self._entries: dict[str, Entry[Made]] = {}

    def register(self, name: str, **facts: Any) -> Callable[[Made], Made]:
        """Decorator: the `config` annotation of the function or class names its config dataclass."""

        def decorate(make: Made) -> Made:
            hint = make.__annotations__["config"]
            home = getattr(make, "__globals__", None) or vars(sys.modules[make.__module__])
            config = hint if isinstance(hint, type) else home[hint]
            self._entries[name] = Entry(name, make, config, facts)
            return make

        return decorate

    def names(self) -> list[str]:
        """Every name that can be looked up, without importing any of them."""
        package = importlib.import_module(self.package)
        files = [m.name for m in pkgutil.iter_modules(package.__path__) if not m.ispkg and m.name not in self._skip]
        return sorted({*files, *self._entries, *(point.name for point in self._points())})

    def get(self, name: str) -> Entry[Made]:
        """The entry called `name`; raises UnknownNameError with a suggestion."""
        if name not in self._entries:
            known = self.names()
            if name not in known:
                raise UnknownNameError(f"unknown {self.family} '{name}'" + did_you_mean(name, known))
            point = next((p for p in self._points() if p.name == name), None)
            if point is not None:
                point.load()
            else:
                importlib.import_module(f"{self.package}.{name}")
            if name not in self._entries:
                raise UnlearnError(
                    f"the {self.family} '{name}' was loaded, but it does not register that name: decorate its function "
                    f"with `register('{name}')`"
                )
        return self._entries[name]

    def _points(self) -> list[Any]:
        return list(entry_points(group=self.package))


PROBES: Registry[Callable[..., Any]] = Registry(
    "probe kind", "pytest_unlearn.probes", skip=("asked", "mentions", "probe", "question", "space")
)
TRANSFORMS: Registry[Callable[..., Any]] = Registry(
    "transform",
    "pytest_unlearn.probes.transforms",
    skip=("transform", "wording", "composed", "framed", "kept", "letters", "scope"),
)
GRADERS: Registry[Callable[..., Any]] = Registry("grader", "pytest_unlearn.graders", skip=("grade", "names"))
UTILITY: Registry[Callable[..., Any]] = Registry("utility check", "pytest_unlearn.utility", skip=("kept",))
METRICS: Registry[Callable[..., Any]] = Registry("metric", "pytest_unlearn.metrics", skip=("measure",))
METHODS: Registry[Callable[..., Any]] = Registry("method", "pytest_unlearn.methods")
PLUG_INS: Registry[Callable[..., Any]] = Registry("plug-in", "pytest_unlearn.methods.wraps")
SOURCES: Registry[Callable[..., Any]] = Registry("knowledge source", "pytest_unlearn.knowledge.sources")
WORLDS: Registry[Callable[..., Any]] = Registry(
    "recipe", "pytest_unlearn.worlds", skip=("data", "train", "generate", "patients")
)
ZOO: Registry[Callable[..., Any]] = Registry("zoo model", "pytest_unlearn.zoo", skip=("leak",))
