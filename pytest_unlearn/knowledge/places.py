"""Mistakes in knowledge, shown at their place in a file."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_unlearn.errors import Mark, Problem, did_you_mean

_LISTED = 200  # characters of known names that a message may list


def problem(mark: Mark, message: str) -> Problem:
    """A mistake with the source line it stands in; the file is read again only now, when there is one."""
    try:
        lines = mark.file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return Problem(mark, message)
    return Problem(mark, message, lines[mark.line - 1] if 0 < mark.line <= len(lines) else "")


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion for an unknown word, or the known ones where they are few."""
    hint = did_you_mean(word, known)
    return hint if len(hint) <= _LISTED else ""
