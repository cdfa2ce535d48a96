"""Sizes of files as people write and read them: powers of 1000."""

from __future__ import annotations

import re

from pytest_unlearn.errors import UnlearnError

_UNITS = ("B", "KB", "MB", "GB", "TB")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?B)?", re.IGNORECASE)


def shown(size: float) -> str:
    """`1.2 GB`."""
    unit = 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 99.5 else f"{size:.1f} {_UNITS[unit]}"


def bytes_of(text: str) -> int:
    """`5GB` in bytes; raises UnlearnError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise UnlearnError(f"'{text}' is no size: write 500MB or 5GB")
    unit = _UNITS.index((found[2] or "B").upper())
    return round(float(found[1]) * float(1000**unit))
