"""Content addresses: one canonical form of plain data, one hash."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Hashable
from functools import cache
from pathlib import Path
from typing import Any

PLAIN = frozenset({str, int, float, bool, type(None)})


def canonical(value: Any) -> Any:
    """`value` as JSON-ready data in which equal things look equal: dataclasses carry their name, sets are sorted."""
    kind: Any = type(value)
    if kind in PLAIN:
        return value
    if kind is tuple or kind is list:
        return [item if type(item) in PLAIN else canonical(item) for item in value]
    if (names := _fields(kind)) is not None:
        return {"": kind.__name__, **{name: canonical(getattr(value, name)) for name in names}}
    if isinstance(value, dict):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((canonical(item) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, str | int | float):
        return value
    raise TypeError(f"no canonical form for {kind.__name__}")


@cache
def _fields(kind: Hashable) -> tuple[str, ...] | None:
    """The names of the fields of a dataclass; None for another type."""
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else None


def digest(*values: Any) -> str:
    """A hex digest of 40 characters (SHA-256, cut) of plain data."""
    text = json.dumps(canonical(values), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def file_digest(path: Path) -> str:
    """The full SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seed_of(*values: Any) -> int:
    """A stable 63-bit seed from plain data, the same in every process."""
    return int(digest(*values)[:16], 16) >> 1
