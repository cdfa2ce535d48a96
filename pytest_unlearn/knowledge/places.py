"""Mistakes in knowledge, shown at their place in a file."""

from __future__ import annotations

from pytest_unlearn.errors import Mark, Problem


def problem(mark: Mark, message: str) -> Problem:
    """A mistake with the source line it stands in; the file is read again only now, when there is one."""
    try:
        lines = mark.file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return Problem(mark, message)
    return Problem(mark, message, lines[mark.line - 1] if 0 < mark.line <= len(lines) else "")
