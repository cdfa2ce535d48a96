"""Every mistake of a file at once, each in one short sentence at its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pytest_unlearn.errors import Problem, ScenarioError, did_you_mean
from pytest_unlearn.scenario.nodes import Document, Where

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PLAIN = "<plain>"  # tags the members of a union that are not mappings; the others are tagged by name, in such brackets
_SHOWN = 40  # characters of a wrong value that a message repeats
_DIGITS = re.compile(r"[+-]?\d+(\.\d+)?")
_QUOTED = re.compile("'([^']*)'")

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "none_required": "nothing",
    **dict.fromkeys(["model_type", "dict_type"], "a mapping"),
    **dict.fromkeys(["list_type", "tuple_type", "set_type", "frozen_set_type"], "a list"),
}
_BOUNDS: dict[str, Callable[[Any], str]] = {
    "greater_than": lambda at: f"must be above {at['gt']:g}",
    "greater_than_equal": lambda at: f"must be at least {at['ge']:g}",
    "less_than": lambda at: f"must be below {at['lt']:g}",
    "less_than_equal": lambda at: f"must be at most {at['le']:g}",
    "multiple_of": lambda at: f"must be a multiple of {at['multiple_of']:g}",
    "finite_number": lambda at: "must be a finite number",
    "string_too_short": lambda at: _at_least(at, "characters"),
    "string_too_long": lambda at: f"must have at most {at['max_length']} characters",
    "too_short": lambda at: _at_least(at, "items"),
    "too_long": lambda at: f"must have at most {at['max_length']} items",
    "value_error": lambda at: str(at["error"]),
}

_HINTS = {"version": ": write `version: 1`"}


class Problems:
    """The mistakes found in one file so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._found: dict[Problem, None] = {}

    def add(self, where: Where, message: str, *, key: bool = False) -> None:
        """A mistake in a value, or in its key. Told once, however often it is found."""
        self._found[self.document.problem(where, message, key=key)] = None

    def invalid(
        self,
        errors: Sequence[ErrorDetails],
        kind: Any,
        data: Any,
        where: Where,
        homes: Mapping[str, Where] | None = None,
    ) -> None:
        """What pydantic objects to in `data`, which stands at `where`.

        `kind` is the annotation it was read as. `homes` gives the place of keys that were merged in from elsewhere.
        """
        for here, message, key in _told(errors, kind, data):
            home = (homes or {}).get(str(here[0])) if here else None
            self.add((*home, *here[1:]) if home else (*where, *here), message, key=key)

    def stop(self) -> None:
        """Raise ScenarioError, in the order of the file, if there is any mistake."""
        if self._found:
            raise ScenarioError(sorted(self._found, key=_order))


def shown(value: Any) -> str:
    """A value of the file as a message names it."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return repr(text) if isinstance(value, str) else text


def unknown(key: str, known: Iterable[str]) -> str:
    """The message for a key that is not one of the known ones."""
    return f"unknown key '{key}'{did_you_mean(key, known)}"


def quoted(keys: Iterable[str]) -> list[str]:
    """Keys as a message names them."""
    return [f"`{key}`" for key in keys]


def joined(names: Iterable[str]) -> str:
    """`a, b or c`."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def _order(problem: Problem) -> tuple[int, int, str]:
    return problem.mark.line, problem.mark.column, problem.message


def _told(errors: Sequence[ErrorDetails], kind: Any, data: Any) -> list[tuple[Where, str, bool]]:
    """(place in `data`, message, whether it is about the key)."""
    extra: dict[Where, str] = {}
    groups: dict[Where, list[ErrorDetails]] = {}
    for error in errors:
        here = _place(data, error["loc"])
        if error["type"] == "too_short" and _long_enough(_at(data, here), error):
            continue
        if error["type"] == "extra_forbidden":
            extra[here] = unknown(str(here[-1]), _keys(_along(kind, error["loc"][:-1])))
        else:
            groups.setdefault(here, []).append(error)
    told = [(here, message, True) for here, message in extra.items()]
    for here, group in groups.items():
        meant = {text for place, text in extra.items() if place[:-1] == here}
        told += [(here, text, key) for text, key in _group(group, kind, _at(data, here), meant)]
    return told


def _group(group: list[ErrorDetails], kind: Any, value: Any, meant: set[str]) -> list[tuple[str, bool]]:
    """What is wrong at one place: required keys, or a bound that is missed, or all that one of was expected."""
    missing = [error for error in group if error["type"] == "missing"]
    if missing and isinstance(value, dict):
        keys = [str(error["loc"][-1]) for error in missing]
        keys = [key for key in keys if not any(text.endswith(f" - did you mean '{key}'?") for text in meant)]
        return [(f"missing required key '{key}'{_HINTS.get(key, '')}", True) for key in keys]
    size = _fixed(_along(kind, missing[0]["loc"][:-1] if missing else group[0]["loc"]))
    if size is not None and (missing or group[0]["type"] == "too_long"):
        return [(f"expected {size} items, got {len(value)}", False)]
    for error in group:
        if error["type"] not in _EXPECTED and error["type"] not in ("literal_error", "enum"):
            tell = _BOUNDS.get(error["type"])
            return [(tell(error.get("ctx", {})) + _share(error, value) if tell else error["msg"], False)]
    return [(_expected(group, kind, value), False)]


def _long_enough(value: Any, error: ErrorDetails) -> bool:
    """Whether there are enough items, of which some are wrong: those are told, and are not counted."""
    fewest: int = error.get("ctx", {}).get("min_length", 0)
    return (len(value) if isinstance(value, list | dict) else 1) >= fewest


def _share(error: ErrorDetails, value: Any) -> str:
    """What may be meant where a share is above 1."""
    above = error["type"] in ("less_than", "less_than_equal") and 1 in error.get("ctx", {}).values()
    percent = above and isinstance(value, int | float) and 1 < value < 100
    return f": {value:g} percent is {value:g}% or {value / 100:g}" if percent else ""


def _expected(group: list[ErrorDetails], kind: Any, value: Any) -> str:
    options: dict[str, None] = {}
    for error in group:
        named = error.get("ctx", {}).get("expected")
        found = _QUOTED.findall(named or "")
        options |= dict.fromkeys([f"'{word}'" for word in found] or [named or _EXPECTED[error["type"]]])
    for loc in (error["loc"] for error in group):
        if PLAIN in loc and all(isinstance(tag, str) for tag in loc[loc.index(PLAIN) :]):
            mappings = map(_keys, _members(_along(kind, loc[: loc.index(PLAIN)])))
            options |= dict.fromkeys(f"{{{keys[0]}: ...}}" for keys in mappings if keys)
    words = [word[1:-1] for word in options if word.startswith("'")]
    hint = did_you_mean(value, words) if isinstance(value, str) and words else ""
    if "text" in options and isinstance(value, int | float):
        hint = ": put it in quotes"
    if options.keys() & {"a number", "a whole number"} and isinstance(value, str) and _DIGITS.fullmatch(value):
        hint = ": without quotes"
    return f"expected {joined(options)}, got {shown(value)}{hint if hint.startswith((' -', ':')) else ''}"


def _at_least(at: Any, what: str) -> str:
    return "must not be empty" if at["min_length"] == 1 else f"must have at least {at['min_length']} {what}"


def _place(data: Any, loc: Where) -> Where:
    """The path in the data: without the tags of unions, and without the index of a lone value read as a tuple."""
    here: list[str | int] = []
    for item in loc:
        if isinstance(data, list):
            found = isinstance(item, int) and item < len(data)
        else:
            found = isinstance(data, dict) and item in data
        if found:
            here.append(item)
            data = data[item]
    return tuple(here)


def _at(data: Any, here: Where) -> Any:
    for item in here:
        data = data[item]
    return data


def _along(kind: Any, loc: Where) -> Any:
    """The annotation of what stands at `loc`, tags of unions included; None where there is none."""
    for item in loc:
        kind = _inside(kind, item)
    return kind


def _inside(kind: Any, item: str | int) -> Any:
    bare = _bare(kind)
    origin, args = get_origin(bare), get_args(bare)
    if hasattr(bare, "model_fields"):
        named = {field.alias: field for field in bare.model_fields.values()}
        return named[item].annotation if item in named else None
    if origin in (Union, UnionType):
        tagged = next((member for member in args if item in _tags(member)), None)
        return tagged or next((found for member in args if (found := _inside(member, item)) is not None), None)
    return {dict: args[-1:], tuple: args[:1], list: args[:1], set: args[:1], frozenset: args[:1]}.get(origin, [None])[0]


def _bare(kind: Any) -> Any:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    return kind


def _tags(kind: Any) -> list[Any]:
    return [getattr(extra, "tag", None) for extra in get_args(kind)[1:]] if get_origin(kind) is Annotated else []


def _members(kind: Any) -> tuple[Any, ...]:
    bare = _bare(kind)
    return get_args(bare) if get_origin(bare) in (Union, UnionType) else (bare,)


def _keys(kind: Any) -> list[str]:
    """The keys of a mapping; of each that it may be."""
    models = (getattr(_bare(member), "model_fields", {}) for member in _members(kind))
    return [str(field.alias) for model in models for field in model.values()]


def _fixed(kind: Any) -> int | None:
    """The length of a tuple whose length is fixed."""
    for bare in map(_bare, _members(kind)):
        args = get_args(bare)
        if get_origin(bare) is tuple and args[-1:] != (...,):
            return len(args)
    return None
