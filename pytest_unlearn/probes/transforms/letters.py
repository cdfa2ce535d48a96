"""Changing the letters of a question, but not those of the name in it."""

from __future__ import annotations

import re
from collections.abc import Callable


def parted(text: str, name: str) -> list[str]:
    """`text` cut at a name, which is every second part and may begin with a capital there.

    As a word of its own where it stands so: "Al" is cut out of "Where does Al live?" once. Else wherever it stands.
    """
    if not name:
        return [text]
    found = re.escape(name)
    parts = re.split(rf"(?<!\w)({found})(?!\w)", text, flags=re.IGNORECASE)
    return parts if len(parts) > 1 else re.split(f"({found})", text, flags=re.IGNORECASE)


def around(text: str, name: str, change: Callable[[str], str]) -> str:
    """`text` with what stands around a name changed."""
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parted(text, name)))
