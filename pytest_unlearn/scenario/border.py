"""The border: plain YAML data becomes config dataclasses, or a list of mistakes.

One mechanism serves the sections of the file and every registered kind: a frozen dataclass of options becomes a strict
pydantic model that knows no other key, built once, and what passes it becomes the dataclass. Two liberties are granted
here: `5%` for a float, and one value for a tuple of values.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Generic, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Strict,
    Tag,
    TypeAdapter,
    ValidationError,
    create_model,
)

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.registry import PLUG_INS, Entry, Registry, UnknownNameError, Use
from pytest_unlearn.scenario.keys import DECIDES, LATER, VERBS, CheckKeys, Verb
from pytest_unlearn.scenario.nodes import Where
from pytest_unlearn.scenario.problems import PLAIN, Problems, shown

Made = TypeVar("Made")

_PERCENT = re.compile(r"\s*([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\s*%\s*")


class Border(BaseModel):
    """Base of every model of the file."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


class Shape(Generic[Made]):
    """How a piece of the file is read: `hint` is its annotation."""

    def __init__(self, hint: Any) -> None:
        self._hint, self._adapter = hint, TypeAdapter[Made](hint)

    def read(
        self, data: Any, where: Where, problems: Problems, homes: Mapping[str, Where] | None = None
    ) -> Made | None:
        """`data` as what it stands for; None when it has mistakes, which are then in `problems`."""
        try:
            return self._adapter.validate_python(data)
        except ValidationError as error:
            problems.invalid(error.errors(include_url=False), self._hint, data, where, homes)
            return None


@cache
def shape_of(config: type[Made]) -> Shape[Made]:
    """How a mapping is read as `config`, a dataclass."""
    return Shape(_border(config))


@cache
def check_shape(verb: Verb, config: type) -> Shape[tuple[CheckKeys, Any]]:
    """How the mapping of a check is read as the keys of its verb and the config of its kind."""
    keys: Any = VERBS[verb]
    reserved = {*keys_of(keys), *VERBS, *LATER["check"], *DECIDES["ask"], *DECIDES["keep"], *DECIDES["measure"]}
    if taken := [name for name in keys_of(config) if name in reserved]:
        raise UnlearnError(f"{config.__name__} has the option '{taken[0]}', which is a key of every check: rename it")
    model = create_model(f"{config.__name__}{keys.__name__}", __base__=Border, **_options(keys), **_options(config))
    return Shape(Annotated[model, AfterValidator(lambda made: (_made(keys, made), _made(config, made)))])


def waiting(section: str, data: dict[str, Any], where: Where, problems: Problems) -> dict[str, Any]:
    """`data` without the keys that have to wait for a later release; each of them is a mistake."""
    later = LATER[section]
    if later.isdisjoint(data):
        return data
    for key in data.keys() & later:
        message = f"`{key}` is part of the scenario grammar, but this version cannot run it yet"
        problems.add((*where, key), message, key=True)
    return {key: value for key, value in data.items() if key not in later}


def entry_of(
    registry: Registry[Any],
    name: Any,
    where: Where,
    problems: Problems,
    elsewhere: Callable[[str], str] = lambda name: "",
    *,
    key: bool = False,
) -> Entry[Any] | None:
    """What a registered name stands for; None when there is none, which is then in `problems`.

    `elsewhere` may say more about a name that is unknown here. `key`: the name stands as a key.
    """
    if not isinstance(name, str):
        problems.add(where, f"expected the name of a {registry.family}, got {shown(name)}")
        return None
    try:
        return registry.get(name)
    except UnknownNameError as error:
        message = elsewhere(name) or str(error)
    except ImportError as error:
        message = f"the {registry.family} '{name}' cannot be imported: {error}"
    except UnlearnError as error:
        message = str(error)
    problems.add(where, message, key=key)
    return None


def read_uses(registry: Registry[Any], value: Any, where: Where, problems: Problems) -> tuple[Use, ...]:
    """Kinds with their options, in order: a name, a mapping of a name to its config, or a list of these.

    A value that is no mapping is the first option of its kind: `{verbatim: 20}`.
    """
    items = value if isinstance(value, list) else [value]
    found: dict[str, Use] = {}
    for i, item in enumerate(items):
        here = (*where, i) if isinstance(value, list) else where
        for name, given in item.items() if isinstance(item, dict) else [(item, None)]:
            place = (*here, name) if isinstance(item, dict) else here
            entry = entry_of(registry, name, place, problems, key=isinstance(item, dict))
            if entry is None:
                continue
            if name in found:
                problems.add(place, f"the {registry.family} '{name}' is given twice", key=True)
            options = keys_of(entry.config)
            if given is not None and not isinstance(given, dict) and options:
                given = {options[0]: given}
            config = shape_of(entry.config).read({} if given is None else given, place, problems)
            found[name] = Use(name, config)
    if not items or value == {}:
        problems.add(where, "must not be empty")
    return tuple(found.values())


def read_method(entry: Entry[Any], options: Mapping[str, Any], where: Where, problems: Problems) -> Any:
    """The config of a method with the plug-ins that `wrap` names; None when its own options have mistakes."""
    own = dict(options)
    wraps = own.pop("wrap", None) if "wrap" in keys_of(entry.config) else None
    config = shape_of(entry.config).read(own, where, problems)
    if wraps is None:
        return config
    uses = read_uses(PLUG_INS, wraps, (*where, "wrap"), problems)
    return replace(config, wrap=uses) if config is not None else None


def keys_of(*configs: type) -> list[str]:
    """The names of the options of some dataclasses, in order."""
    return [field.name for config in configs for field in fields(config)]


def hints_of(config: type) -> dict[str, Any]:
    """What each field of a dataclass may be.

    Its annotations are looked up where it was made, for its module may be gone: a run of pytest inside of a test takes
    along what it has imported.
    """
    found: dict[str, Any] = {}
    for one in reversed(config.__mro__):
        own = SimpleNamespace(__annotations__=vars(one).get("__annotations__", {}))
        names = getattr(vars(one).get("__init__"), "__globals__", None)
        found |= get_type_hints(own, names, include_extras=True)
    return found


@cache
def _model(config: type) -> type[Border]:
    return create_model(config.__name__, __base__=Border, __doc__=config.__doc__, **_options(config))


@cache
def _options(config: Any) -> dict[str, Any]:
    """The fields of a pydantic model for a dataclass, by a name that pydantic does not use itself."""
    hints, found = hints_of(config), dict[str, Any]()
    for field in fields(config):
        name, factory = field.name, field.default_factory
        if factory is not MISSING:
            info = Field(default_factory=factory, alias=name)
        else:
            info = Field(... if field.default is MISSING else field.default, alias=name)
        found[_attribute(name)] = (_border(hints[name]), info)
    return found


def _attribute(name: str) -> str:
    return f"{name}_" if hasattr(BaseModel, name) else name


@cache
def _attributes(config: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name, _attribute(name)) for name in keys_of(config))


def _made(config: Any, made: Border) -> Any:
    """The dataclass, from what the file gave; what it objects to is a mistake of the file."""
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
    if _is_mapping(hint):
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


def _is_mapping(hint: Any) -> bool:
    return isinstance(hint, type) and is_dataclass(hint)


def _union(members: tuple[Any, ...]) -> Any:
    """A union; where it has mappings among its members, the keys of a mapping choose which one is meant."""
    mappings: dict[str, Any] = {f"<{member.__name__}>": member for member in members if _is_mapping(member)}
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
