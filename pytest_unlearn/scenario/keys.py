"""The keys of a scenario file: which there are, of what type, in which range, and which of them have to wait."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Ge, Lt, MinLen
from pydantic import AfterValidator

from pytest_unlearn.scenario.model import Example, Gate, Seeds

Verb = Literal["ask", "keep", "measure"]

LATER: dict[str, frozenset[str]] = {
    "the file": frozenset({"retain"}),
    "model": frozenset({"candidates"}),
    "model name": frozenset({"endpoint", "base", "adapter"}),
    "candidate": frozenset({"seeds", "wrap"}),
    "knowledge": frozenset({"levels"}),
    "selector": frozenset({"level", "at", "questions", "documents", "class", "interactions"}),
    "check": frozenset({"level", "transforms", "decode", "after", "budget"}),
    "search": frozenset({"strategy", "budget"}),
}
"""Keys of grammar version 1 that this release cannot run yet, by the mapping they stand in."""

DECIDES: dict[Verb, tuple[str, ...]] = {
    "ask": ("search", "limit"),
    "keep": ("margin",),
    "measure": ("limit", "at_least", "between"),
}
"""The keys by which a check of each verb can decide; a check has exactly one."""

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")


_SLUG = re.compile(r"[A-Za-z0-9_.-]+")


def is_slug(text: str) -> bool:
    """Whether a label or the id of a check can be part of a node id, a file name and a mark."""
    return _SLUG.fullmatch(text) is not None and text.strip(".") != ""


def not_a_slug(text: str) -> str:
    """The message for one that cannot."""
    return f"'{text}' cannot be an id: use letters, digits, `_`, `.` and `-`"


def _line(text: str) -> str:
    if not text or not text.isprintable() or "/" in text:
        raise ValueError("a name is one line without `/`")
    return text


def _tag(text: str) -> str:
    if not _TAG.fullmatch(text):
        raise ValueError(f"'{text}' is not a tag: start with a letter, then letters, digits, `_`, `.` and `-`")
    return text


Name = Annotated[str, AfterValidator(_line)]
Tags = tuple[Annotated[str, AfterValidator(_tag)], ...]
Share = Annotated[float, Ge(0), Lt(1)]
Floor = Annotated[int, Ge(1)]
NotEmpty = Annotated[str, MinLen(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKeys:
    """The keys of a scenario. Those of type Any are read further on their own."""

    version: Any
    name: Name = ""
    tags: Tags = ()
    seeds: Seeds = field(default_factory=Seeds)
    model: Any
    knowledge: Any
    forget: Any
    checks: Any
    defaults: Any = None
    gate: Gate = field(default_factory=Gate)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelKeys:
    """The keys of `model`."""

    original: Any
    candidate: Any = None
    reference: Any = None
    system: Any = None
    remote: Literal["allowed"] | None = None
    trust_remote_code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFile:
    """`system: {file: PATH}`."""

    file: NotEmpty


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeKeys:
    """The keys of `knowledge`."""

    entities: Any = None
    relations: Any = None
    facts: Any = None
    types: Any = None
    include: Annotated[tuple[NotEmpty, ...], MinLen(1)] = ()
    source: NotEmpty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectorKeys:
    """The keys of a selector."""

    entity: NotEmpty = ""
    relation: NotEmpty = ""
    where: Annotated[dict[str, str], MinLen(1)] | None = None
    fact: tuple[NotEmpty, NotEmpty, NotEmpty] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckKeys:
    """The keys of every check."""

    min_known: Floor = 5
    grade: Any = None
    tags: Tags = ()
    xfail: NotEmpty | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKeys(CheckKeys):
    """The keys of a check that asks."""

    ask: str = ""
    search: Annotated[int, Ge(1)] = 0
    limit: Share = 0.0
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepKeys(CheckKeys):
    """The keys of a check that keeps."""

    keep: str = ""
    margin: Share = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureKeys(CheckKeys):
    """The keys of a check that measures."""

    measure: str = ""
    limit: float = 0.0
    at_least: float = 0.0
    between: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultKeys(CheckKeys):
    """The keys of `defaults`, beside those of the kinds that the file uses."""

    confidence: Annotated[float, Ge(0.5), Lt(1)] = 0.99
    search: Annotated[int, Ge(1)] = 0
    limit: Share = 0.0
    margin: Share = 0.0


VERBS: dict[Verb, Any] = {"ask": AskKeys, "keep": KeepKeys, "measure": MeasureKeys}
