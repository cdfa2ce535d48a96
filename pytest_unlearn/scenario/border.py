"""The border: plain YAML data becomes config dataclasses, or a list of mistakes.

One mechanism serves the sections of the file and every registered kind: a frozen dataclass of options becomes a strict
pydantic model that knows no other key, built once; what passes it becomes the dataclass. Two liberties of the grammar are
granted here: `5%` for a float, and one value for a tuple of values.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from annotated_types import Ge, Lt, MinLen
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag
from pydantic import TypeAdapter, create_model

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.scenario.model import Gate, Seeds

Config = TypeVar("Config")
Verb = Literal["ask", "keep", "measure"]

PLAIN = "<plain>"  # the tag of a union's members that are not mappings; the others' is their name in such brackets

LATER: dict[str, frozenset[str]] = {
    "the file": frozenset({"retain"}),
    "model": frozenset({"candidates", "endpoint", "name", "key", "base", "adapter"}),
    "model name": frozenset({"endpoint", "name", "key", "base", "adapter"}),
    "candidate": frozenset({"seeds", "wrap", "endpoint", "base", "adapter"}),
    "knowledge": frozenset({"levels"}),
    "selector": frozenset({"level", "at", "questions", "documents", "class", "interactions"}),
    "check": frozenset({"level", "transforms", "decode", "after", "examples", "budget"}),
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
_PERCENT = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\s*%\s*")


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
    seeds: Seeds = Seeds()
    model: Any
    knowledge: Any
    forget: Any
    checks: Any
    defaults: Any = None
    gate: Gate = Gate()


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


VERBS: dict[Verb, type[CheckKeys]] = {"ask": AskKeys, "keep": KeepKeys, "measure": MeasureKeys}


class Border(BaseModel):
    """Base of every model of the file."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


@cache
def adapter(config: type[Config]) -> TypeAdapter[Config]:
    """What turns a mapping into `config`, a dataclass; raises pydantic's ValidationError."""
    return TypeAdapter(_border(config))


@cache
def check_adapter(verb: Verb, config: type) -> TypeAdapter[tuple[CheckKeys, Any]]:
    """What turns the mapping of a check into the keys of its verb and the config of its kind."""
    keys = VERBS[verb]
    own, reserved = _options(config), {*_options(keys), *VERBS, *LATER["check"], *DECIDES["ask"], *DECIDES["measure"]}
    if taken := sorted({*own} & reserved):
        raise UnlearnError(f"{config.__name__} has the option '{taken[0]}', which is a key of every check: rename it")
    model = create_model(f"{config.__name__}{keys.__name__}", __base__=Border, **_options(keys), **own)
    return TypeAdapter(Annotated[model, AfterValidator(lambda made: (_made(keys, made), _made(config, made)))])


def keys_of(*configs: type) -> list[str]:
    """The names of the options of some dataclasses, in order."""
    return [field.name for config in configs for field in fields(config)]


@cache
def _model(config: type) -> type[Border]:
    return create_model(config.__name__, __base__=Border, __doc__=config.__doc__, **_options(config))


@cache
def _options(config: type) -> dict[str, Any]:
    """The fields of a pydantic model for a dataclass, by a name that pydantic does not use itself."""
    hints, found = get_type_hints(config, include_extras=True), dict[str, Any]()
    for field in fields(config):
        factory = field.default_factory
        default = ... if field.default is MISSING and factory is MISSING else field.default
        info = Field(default, alias=field.name) if factory is MISSING else Field(default_factory=factory, alias=field.name)
        found[_attribute(field.name)] = (_border(hints[field.name]), info)
    return found


def _attribute(name: str) -> str:
    return f"{name}_" if hasattr(BaseModel, name) else name


@cache
def _attributes(config: type) -> tuple[tuple[str, str], ...]:
    return tuple((name, _attribute(name)) for name in keys_of(config))


def _made(config: type[Config], made: Border) -> Config:
    """The dataclass, from what the file gave: the rest keeps its defaults. Its own objections are mistakes of the file."""
    given, values = made.model_fields_set, made.__dict__
    try:
        return config(**{name: values[here] for name, here in _attributes(config) if here in given})
    except UnlearnError as error:
        raise ValueError(str(error)) from None


def _border(hint: Any, ranges: tuple[Any, ...] = ()) -> Any:
    """An annotation of a dataclass as one that pydantic reads from YAML; ranges stay nearest to what they limit."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _border(args[0], (*args[1:], *ranges))
    if hint is float:
        return _with(hint, *ranges, BeforeValidator(_number))
    if isinstance(hint, type) and is_dataclass(hint):
        return _with(_model(hint), AfterValidator(lambda made: _made(hint, made)), *ranges)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _with(hint, Strict(False), *ranges)
    if origin in (Union, UnionType):
        return _with(_union(args), *ranges)
    if origin is tuple and args[-1] is Ellipsis:
        return _with(tuple[_border(args[0]), ...], *ranges, BeforeValidator(_several))  # type: ignore[misc]
    if origin in (tuple, list, set, frozenset):
        return _with(origin[tuple(map(_border, args))], Strict(False), *ranges)
    if origin in (dict, Mapping):
        return _with(dict[args[0], _border(args[1])], *ranges)  # type: ignore[valid-type, misc]
    return _with(hint, *ranges)


def _union(members: tuple[Any, ...]) -> Any:
    """A union; where it has mappings among its members, the keys of a mapping choose which one is meant."""
    mappings = {f"<{member.__name__}>": member for member in members if is_dataclass(member)}
    plain = [_border(member) for member in members if member not in mappings.values() and member is not NoneType]
    kinds = [Annotated[_border(member), Tag(tag)] for tag, member in mappings.items()]
    if not plain and len(kinds) == 1:
        chosen: Any = _border(*mappings.values())
    elif mappings:
        if plain:
            kinds.append(Annotated[Union[tuple(plain)], Tag(PLAIN)])  # noqa: UP007 - built from a list
        keys = {tag: keys_of(member) for tag, member in mappings.items()}
        fallback = PLAIN if plain else next(iter(mappings))
        meant = Discriminator(lambda value: _nearest(value, keys) if isinstance(value, dict) else fallback)
        chosen = Annotated[Union[tuple(kinds)], meant]  # noqa: UP007
    else:
        chosen = Union[tuple(plain)]  # noqa: UP007
    return chosen | None if NoneType in members else chosen


def _nearest(value: dict[str, Any], keys: dict[str, list[str]]) -> str:
    def likeness(tag: str) -> tuple[int, float]:
        ratios = [difflib.SequenceMatcher(None, a, b).ratio() for a in value for b in keys[tag]]
        return sum(key in keys[tag] for key in value), max(ratios, default=0.0)

    return max(keys, key=likeness)


def _with(hint: Any, *extras: Any) -> Any:
    return cast(Any, Annotated)[(hint, *extras)] if extras else hint


def _number(value: Any) -> Any:
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    return float(f"{found[1]}e-2") if found else value


def _several(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str | int | float) else value
