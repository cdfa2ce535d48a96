"""Changing the letters of a question, but not those of the name in it."""

from __future__ import annotations

import re
from collections.abc import Callable


def around(text: str, name: str, change: Callable[[str], str]) -> str:
    """`text` with what stands around a name changed; the name may begin with a capital there."""
    if not name:
        return change(text)
    parts = re.split(f"({re.escape(name)})", text, flags=re.IGNORECASE)  # every second part is the name
    return "".join(part if i % 2 else change(part) for i, part in enumerate(parts))
