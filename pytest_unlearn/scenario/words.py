"""What a key may hold, in words: the JSON Schema of a value as the reference pages and the command line tell it."""

from __future__ import annotations

from typing import Any

import yaml

from pytest_unlearn.scenario.schema import PERCENT, Schema

_LIMITS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


def kind(value: Schema, *, mappings: bool = False) -> str:
    """What a value may be and in which range, in a few words; empty where an example says it better.

    `mappings`: tell the keys of a mapping too, where each can be told.
    """
    if mappings and "properties" in value:
        told = {key: kind(one, mappings=True) for key, one in value["properties"].items()}
        return "" if "" in told.values() else f"{{{', '.join(f'{key}: {what}' for key, what in told.items())}}}"
    if "enum" in value:
        return " or ".join(f"`{one}`" for one in value["enum"])
    if "anyOf" in value:
        kinds = [kind(one, mappings=mappings) for one in value["anyOf"] if one.get("pattern") != PERCENT]
        return "" if "" in kinds else " or ".join(dict.fromkeys(kinds))
    if value.get("type") == "array":
        items = value.get("items")
        return f"{len(items)} values" if isinstance(items, list) else "a list"
    name = _NAMES.get(value.get("type", ""), "")
    limits = [f"{word} {value[key]:g}" for key, word in _LIMITS.items() if key in value and value[key] < 1e9]
    return " ".join(filter(None, [name, " and ".join(limits)])) if name else ""


def line(value: Any) -> str:
    """A value as YAML on one line, as one would write it."""
    written = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True, sort_keys=False)
    return written.strip().removesuffix("...").strip()
