"""Sizes of files as people write them."""

from __future__ import annotations

import re

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?b?)\s*", re.IGNORECASE)


def bytes_of(text: str) -> int:
    """The bytes that `2 GB`, `500MB` or `1.5 tb` are, in powers of 1000; raises ValueError for anything else."""
    found = _SIZE.fullmatch(text)
    unit = found[2].lower() if found else ""
    if found is None or (unit or "b")[-1] != "b":
        raise ValueError(f"'{text}' is not a size: write a number with kB, MB, GB or TB, such as 2 GB")
    return int(float(found[1]) * UNITS[unit])
