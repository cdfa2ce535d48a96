"""The files that a gate writes: which were asked for, and that they appear whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.report import rows
from pytest_unlearn.report.evidence import statement
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.report.markdown import markdown
from pytest_unlearn.report.sarif import sarif
from pytest_unlearn.report.summary import summary

SUMMARY = "summary.json"


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


TEXTS: Mapping[str, Callable[[Lines], str]] = {
    "summary": lambda lines: _json(summary(lines)),
    "markdown": markdown,
    "sarif": lambda lines: _json(sarif(lines)),
    "evidence": lambda lines: _json(statement(lines)),
    "csv": rows.text,
}
KINDS = (*TEXTS, "parquet")


def write(lines: Lines, wanted: Mapping[str, Path]) -> Iterator[str]:
    """Write each kind of `wanted`, and add to the page of a step where there is one; give what could not be."""
    for kind, path in wanted.items():
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "parquet":
                rows.parquet(lines, scratch)
            else:
                scratch.write_text(TEXTS[kind](lines), encoding="utf-8", newline="")
            scratch.replace(path)
        except UnlearnError as error:
            yield f"{path} is not written: {error}"
        except OSError as error:
            yield f"{path} cannot be written: {error}"
        finally:
            with contextlib.suppress(OSError):
                scratch.unlink(missing_ok=True)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(page).open("a", encoding="utf-8") as stream:
                stream.write(f"{markdown(lines)}\n")
        except OSError as error:
            yield f"{page} cannot be written: {error}"


def clear(wanted: Mapping[str, Path]) -> None:
    """Take away what earlier runs have written, so that a run that is cut off leaves no verdict of another.

    Raises UnlearnError where a file could not be written in the end.
    """
    if "parquet" in wanted:
        rows.modules()
    for path in wanted.values():
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise UnlearnError(f"{path} cannot be written: {error}") from None
