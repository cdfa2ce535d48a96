"""One tree of errors. Each message says what happened, why it matters and what to do next."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LONGEST, AROUND = 2000, 200  # characters of a message, and of a source line on either side of a place
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair, which no terminal and no file can hold


class UnlearnError(Exception):
    """Base of every error that is shown to a person without a traceback."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file. Lines and columns start at 1."""

    file: Path
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where, what, and the source line it stands in."""

    mark: Mark
    message: str
    source: str = ""

    def __str__(self) -> str:
        message = _HALF.sub("\ufffd", self.message)
        message = message if len(message) <= LONGEST else f"{message[:LONGEST]} ..."
        column = self.mark.column - 1
        start = max(0, column - AROUND) if len(self.source) > 2 * AROUND else 0
        if not (text := self.source[start : start + 2 * AROUND].rstrip().expandtabs(1)).strip():
            return f"{self.mark}: {message}"
        return f"{self.mark}: {message}\n    {text}\n    {' ' * (column - start)}^"


class ScenarioError(UnlearnError):
    """A scenario or knowledge file that cannot be used; carries every problem found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SubjectError(UnlearnError):
    """A model that cannot be found, loaded or trusted."""


class MethodError(UnlearnError):
    """An unlearning method that cannot run, or whose training broke down."""


class GateError(UnlearnError):
    """Records, waivers or baselines that a gate cannot judge by."""


class TemplateWarning(UserWarning):
    """A chat template or tokenizer that other tools may read differently."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` - did you mean 'x'?` for the nearest known word, else ` (known: a, b, c)`; empty when nothing is known."""
    names = sorted(known)
    if len(word) > LONGEST:
        return ""
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f" - did you mean '{near[0]}'?"
    return f" (known: {', '.join(names)})" if names else ""
