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
from pytest_unlearn.report.plain import markdown as safe
from pytest_unlearn.report.sarif import sarif
from pytest_unlearn.report.summary import summary

SUMMARY = "summary.json"
STEP = 2**20  # bytes of the page of a step, beyond which GitHub shows nothing of it


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
            with Path(page).open("ab") as stream:
                stream.write(_that_fits(lines, STEP - stream.tell()))
        except OSError as error:
            yield f"{page} cannot be written: {error}"


def _that_fits(lines: Lines, room: int) -> bytes:
    """The page, or as much of it as there is room for."""
    whole = f"{markdown(lines)}\n".encode()
    if len(whole) <= room:
        return whole
    told = f"{safe(lines.verdict.headline())}\n\nThe page of this step is full: the rest is in the records.\n".encode()
    return told if len(told) <= room else b""


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
