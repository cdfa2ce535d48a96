"""The JSON Schema of a scenario file, for editors: draft 7, as yaml-language-server reads it.

It is built from the dataclasses that the border reads a file by, so that both know the same keys; what a key means
comes from their docstrings. It accepts some of what the loader refuses (names that do not exist, ranges of percents),
and nothing that the loader reads is refused by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from itertools import combinations
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf

from pytest_unlearn.registry import GRADERS, METHODS, PLUG_INS, SOURCES, TRANSFORMS, Registry
from pytest_unlearn.scenario.border import hints_of, keys_of
from pytest_unlearn.scenario.checks import FAMILIES
from pytest_unlearn.scenario.keys import (
    DECIDES,
    VERBS,
    AdapterKeys,
    DefaultKeys,
    EntityKeys,
    FileKeys,
    KnowledgeKeys,
    MaterialKeys,
    MethodKeys,
    ModelKeys,
    RelationKeys,
    SelectorKeys,
    SystemFile,
    TransformKeys,
    TypeKeys,
)
from pytest_unlearn.scenario.meanings import meanings
from pytest_unlearn.scenario.nodes import document_of
from pytest_unlearn.scenario.transforms import PRESETS

Schema: TypeAlias = dict[str, Any]

PERCENT = r"^\s*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*%\s*$"
SLUG = r"^[A-Za-z0-9_.-]+$"
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    Any: {},
}
_DECIDING = {key for keys in DECIDES.values() for key in keys}
_NAME: Schema = {"type": "string", "minLength": 1}


def schema() -> Schema:
    """The schema of a scenario that may name every kind registered here, those of plug-ins too."""
    root = _object(
        FileKeys,
        version={"const": 1},
        model={"anyOf": [_NAME, _models()]},
        knowledge=_knowledge(),
        forget=_ref("forget"),
        retain={**_object(MaterialKeys), "minProperties": 1},
        checks=_named(_ref("check"), ids=True),
        defaults=_ref("defaults"),
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An unlearning scenario of pytest-unlearn (*.unlearn.yaml)",
        **root,
        "definitions": {**_selectors(), **_candidates(), **_graders(), **_transforms(), **_checks()},
    }


def options(config: type) -> Schema:
    """The schema of each option of a dataclass, by name."""
    found: Schema = _object(config)["properties"]
    return found


def _object(config: Any, *, given: frozenset[str] = frozenset(), **known: Schema) -> Schema:
    """A mapping with the options of a dataclass. `known`: schemas of keys whose type does not say all of it.

    Keys in `given` may come from elsewhere, so that they are not required.
    """
    hints = hints_of(config)
    properties = {
        field.name: _described(config, field, known.get(field.name, hints[field.name])) for field in fields(config)
    }
    needed = [f.name for f in fields(config) if f.default is MISSING and f.default_factory is MISSING]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if (required := [key for key in needed if key not in given]) else {}),
    }


def _described(config: Any, field: Field[Any], kind: Any) -> Schema:
    meaning, found = meanings(config)[field.name], kind if isinstance(kind, dict) else _of(kind)
    described: Schema = {"description": meaning.text} if meaning.text else {}
    default = None if field.name in _DECIDING else _plain(field.default)
    if default is not None:
        described["default"] = default
    example = document_of(meaning.example, Path("example")).data if meaning.example else default
    if example is not None:
        described["examples"] = [example]
    return {**described, **({"allOf": [found]} if "$ref" in found else found)}  # draft 7 reads nothing beside a $ref


def _plain(value: Any) -> Any:
    """A default as YAML says it; None where it stands for a key that is not given."""
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value] or None
    if isinstance(value, Enum):
        return value.value
    return value if isinstance(value, bool | int | float) or (isinstance(value, str) and value) else None


def _of(hint: Any, ranges: tuple[Any, ...] = ()) -> Schema:
    """An annotation of a dataclass as the border reads it: `5%` for a float, one value for a tuple of values."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _of(args[0], (*args[1:], *ranges))
    if hint in _PLAIN:
        return {**_PLAIN[hint], **_ranged(ranges, "Length")}
    if hint is float:
        return {"anyOf": [{"type": "number", **_ranged(ranges, "Length")}, {"type": "string", "pattern": PERCENT}]}
    if isinstance(hint, type) and is_dataclass(hint):
        return _object(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, UnionType):
        return {"anyOf": [_of(member, ranges) for member in args]}
    if origin is tuple and args[-1] is Ellipsis:
        one = _of(args[0])
        return {"anyOf": [one, {"type": "array", "items": one, **_ranged(ranges, "Items")}]}
    if origin is tuple:
        return {"type": "array", "items": [_of(one) for one in args], "minItems": len(args), "maxItems": len(args)}
    if origin in (list, set, frozenset):
        return {"type": "array", "items": _of(args[0]), **_ranged(ranges, "Items")}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(args[1]), **_ranged(ranges, "Properties")}
    return {}


def _ranged(ranges: tuple[Any, ...], unit: str) -> Schema:
    """Ranges in the words of the schema; `unit` is what a length counts."""
    found: Schema = {}
    for limit in ranges:
        match limit:
            case Ge(ge):
                found["minimum"] = ge
            case Gt(gt):
                found["exclusiveMinimum"] = gt
            case Le(le):
                found["maximum"] = le
            case Lt(lt):
                found["exclusiveMaximum"] = lt
            case MultipleOf(multiple_of):
                found["multipleOf"] = multiple_of
            case MinLen(min_length):
                found[f"min{unit}"] = min_length
            case MaxLen(max_length):
                found[f"max{unit}"] = max_length
    return found


def _ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _named(value: Schema, *, ids: bool = False) -> Schema:
    """A mapping of names to values; with `ids` of ids, at least one."""
    named: Schema = {"type": "object", "additionalProperties": value}
    return {**named, "propertyNames": {"pattern": SLUG}, "minProperties": 1} if ids else named


def _one_or_more(one: Schema) -> Schema:
    return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}


def _models() -> Schema:
    system = {"anyOf": [{"type": "string"}, _object(SystemFile)]}
    candidate, several = _ref("candidate"), _named(_ref("candidate"), ids=True)
    model = {"anyOf": [_NAME, _object(AdapterKeys)]}
    return _object(ModelKeys, original=model, candidate=candidate, candidates=several, reference=model, system=system)


def _knowledge() -> Schema:
    triple = {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3}
    objects = _named(_one_or_more({"type": "string"}))
    tables = {
        "description": "CSV tables with the columns subject, relation and object, relative to this file",
        "examples": ["facts.csv"],
        "anyOf": [_one_or_more(_NAME), objects],  # unless it is a relation that is called `file`
    }
    found = _object(
        KnowledgeKeys,
        entities=_named({"anyOf": [_NAME, _object(EntityKeys)]}),
        relations={"anyOf": [_named(_object(RelationKeys)), {"type": "array", "items": _NAME, "minItems": 1}]},
        facts={"anyOf": [{"type": "array", "items": triple}, {**_named(objects), "properties": {"file": tables}}]},
        types=_named(_object(TypeKeys)),
        levels=_one_or_more(_NAME),
        source={"type": "string", "enum": SOURCES.names()},
    )
    return {**found, "minProperties": 1}


def _selectors() -> Schema:
    """A mapping is a selector as soon as it has a key of one; else its keys are labels."""
    keys = [{"required": [key]} for key in keys_of(SelectorKeys)]
    chosen = [one for one in keys if one not in ({"required": ["where"]}, {"required": ["at"]})]
    together = {"where": ["relation"], "level": ["at"], "at": ["level"]}
    selector = {**_object(SelectorKeys), "anyOf": chosen, "dependencies": together}
    selects = {"anyOf": [{"not": {"type": "object"}}, *keys]}
    return {
        "selector": _one_or_more({"anyOf": [_NAME, selector]}),
        "forget": {"if": selects, "then": _ref("selector"), "else": _named(_ref("selector"), ids=True)},
    }


def _candidates() -> Schema:
    found, chosen = _chosen("candidate", "method", METHODS, wrap=_ref("wrap"))
    seeds = _object(MethodKeys)["properties"]["seeds"]
    for one in found.values():
        one["properties"]["seeds"] = seeds
    adapter = {"if": {"type": "object", "required": ["base"]}, "then": _object(AdapterKeys)}
    method = {"if": {"type": "object"}, "then": {**chosen, "required": ["method"]}, "else": _NAME}
    plug_ins = {"plug_in": _uses(PLUG_INS), "wrap": _one_or_more(_ref("plug_in"))}
    return {**found, **plug_ins, "candidate": {**adapter, "else": method}}


def _graders() -> Schema:
    return {"grader": _uses(GRADERS), "grade": _one_or_more(_ref("grader"))}


def _transforms() -> Schema:
    """The same for transforms and presets, or a mapping that says which are drawn, and how."""
    several = _one_or_more(_ref("transform"))
    drawn = {"if": {"type": "object", "required": ["draw"]}, "then": _object(TransformKeys, draw=several)}
    return {"transform": _uses(TRANSFORMS, PRESETS), "transforms": {**drawn, "else": several}}


def _uses(registry: Registry[Any], more: Iterable[str] = ()) -> Schema:
    """A name, or a mapping of names to their options or to the first of them alone."""
    options: Schema = {}
    for entry in map(registry.get, registry.names()):
        made = _object(entry.config)
        first = [{key: one for key, one in value.items() if key != "default"} for value in made["properties"].values()]
        example = {key: value["examples"][0] for key, value in made["properties"].items() if "examples" in value}
        forms = [made, *first[:1], {"type": "null"}]
        options[entry.name] = {"description": entry.about, "examples": [example], "anyOf": forms}
    mapping = {"type": "object", "properties": options, "additionalProperties": False, "minProperties": 1}
    return {"anyOf": [{"type": "string", "enum": [*registry.names(), *more]}, mapping]}


def _checks() -> Schema:
    definitions: Schema = {}
    properties: Schema = {}
    rules: list[Schema] = []
    options: Schema = {}
    for verb, registry in FAMILIES.items():
        found, chosen = _chosen(f"check.{verb}", verb, registry, VERBS[verb], DECIDES[verb])
        definitions |= found
        properties |= chosen["properties"]
        rules += chosen["allOf"]
        for entry in map(registry.get, registry.names()):
            for key, option in _object(entry.config)["properties"].items():
                options.setdefault(key, []).append(option)
    defaults = _object(DefaultKeys, grade=_ref("grade"))
    for key, several in options.items():
        distinct = [one for i, one in enumerate(several) if one not in several[:i]]
        defaults["properties"].setdefault(key, distinct[0] if len(distinct) == 1 else {"anyOf": distinct})
    verbs = [{"required": [verb]} for verb in FAMILIES]
    check = {"type": "object", "properties": properties, "anyOf": verbs, "allOf": rules}
    return {**definitions, "check": check, "defaults": defaults}


def _chosen(
    prefix: str, key: str, registry: Registry[Any], keys: Any = None, decides: tuple[str, ...] = (), **known: Schema
) -> tuple[Schema, Schema]:
    """A definition for each registered kind, and the mapping whose `key` chooses among them.

    `keys` are those that every kind has; then what a kind requires may come from the defaults. Of `decides` there is at
    most one. `known`: schemas of keys whose type does not say all of it.
    """
    definitions: Schema = {}
    rules: list[Schema] = []
    names = registry.names()
    described = _object(keys)["properties"][key] if keys else {}
    for entry in map(registry.get, names):
        own = _object(entry.config, given=frozenset(keys_of(entry.config)) if keys else frozenset(), **known)
        common = _object(keys, grade=_ref("grade"), transforms=_ref("transforms"))["properties"] if keys else {}
        chooser: Schema = {"const": entry.name, "description": entry.about}
        pairs = [{"required": list(pair)} for pair in combinations(decides, 2)]
        definitions[f"{prefix}.{entry.name}"] = {
            "description": entry.about,
            **own,
            "properties": {**common, key: chooser, **own["properties"]},
            **({"not": {"anyOf": pairs}} if pairs else {}),
        }
        when = {"properties": {key: {"const": entry.name}}, "required": [key]}
        rules.append({"if": when, "then": _ref(f"{prefix}.{entry.name}")})
    chooser = {"description": f"which {registry.family}", "examples": names[-1:], **described, "enum": names}
    return definitions, {"type": "object", "properties": {key: chooser}, "allOf": rules}
