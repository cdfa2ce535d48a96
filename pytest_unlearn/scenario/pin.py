"""Writing an example into a scenario: one line of YAML, and everything else in the file stays as it was typed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.scenario.nodes import Document, Where, offset


def example(question: str, accepted: Sequence[str], target: str | None = None) -> str:
    """A question as one of the `examples` of a check; with the label of its forget request where there are several."""
    names = ", ".join(map(_quoted, accepted))
    about = "" if target is None else f", target: {target}"
    return f"{{question: {_quoted(question)}, accepted: [{names}]{about}}}"


def with_example(document: Document, text: str, check: str, line: str) -> str:
    """`text`, of which `document` is what was read, with one more example, the first of those of a check.

    Raises UnlearnError where the file has no such check.
    """
    checks = document.data.get("checks") if isinstance(document.data, dict) else None
    found = checks.get(check) if isinstance(checks, dict) else None
    if not isinstance(found, dict) or not found:
        raise UnlearnError(f"{document.path}: there is no check '{check}' any more to pin a question to")
    where: Where = ("checks", check)
    there = found.get("examples")
    mark = document.marks[(*where, "examples") if there is not None else where]
    at, column = offset(text, mark), mark.column - 1
    begun, rest, end = text[:at], text[at:], "\r\n" if "\r\n" in text else "\n"
    if there is None:
        if rest.startswith("{"):
            return f"{begun}{{examples: [{line}], {rest[1:]}"
        return f"{begun}examples:{end}{' ' * (column + 2)}- {line}{end}{' ' * column}{rest}"
    if rest.startswith("["):
        return f"{begun}[{line}{', ' if there else ''}{rest[1:]}"
    return f"{begun}- {line}{end}{' ' * column}{rest}"


def _quoted(text: str) -> str:
    """As YAML reads it back, whatever it looks like."""
    told = json.dumps(text, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in told)
