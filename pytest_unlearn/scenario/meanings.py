"""What a key means, said once: in the docstring of the dataclass that has it.

The JSON Schema, the reference pages and `unlearn probes` and `methods` read it from there. A docstring says

    `key`: what it means, to the next key or the end of the paragraph, e.g. `a value as YAML`
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, fields
from functools import cache

_EXAMPLE = re.compile(r",? e\.g\. `([^`]+)`")


@dataclass(frozen=True, slots=True)
class Meaning:
    """One key in words, and a value for it as YAML; either may be empty."""

    text: str = ""
    example: str = ""


@cache
def meanings(config: type) -> dict[str, Meaning]:
    """The meaning of each option of a dataclass, in order; a docstring of its own wins over that of a base."""
    found = {field.name: Meaning() for field in fields(config)}
    key = re.compile(rf"(?:^|(?<=\s))`({'|'.join(map(re.escape, found))})`:\s+")
    for owner in reversed(config.__mro__):
        paragraphs = inspect.cleandoc(owner.__dict__.get("__doc__") or "").split("\n\n")
        for paragraph in paragraphs if found else ():
            _, *parts = key.split(paragraph)
            found |= {name: _meaning(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    return found


def _meaning(text: str) -> Meaning:
    flat = " ".join(text.split())
    example = _EXAMPLE.search(flat)
    return Meaning(_EXAMPLE.sub("", flat).rstrip(".;, "), example[1] if example else "")
