"""Text that may name what must be forgotten. Only `report/` unwraps it."""

from __future__ import annotations


class Private(str):
    """A string that shows itself only when asked with `.reveal()`; `str()` and `repr()` give a placeholder."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<private, {len(self)} characters>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def reveal(self) -> str:
        """The text itself."""
        return "".join(self)
