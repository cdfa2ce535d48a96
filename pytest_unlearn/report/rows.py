"""The records of a gate as one table, for notebooks and spreadsheets: a row for each grader of each check."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_unlearn.errors import UnlearnError
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.report.plain import cell

TEXTS = (
    "gate", "run", "id", "file", "scenario", "target", "check", "candidate", "claim", "kind", "mode", "standing",
    "verdict", "reason", "grader", "outcome", "bound", "method", "original", "judged", "reference", "started",
)  # fmt: skip
WHOLE = ("exit", "line", "asked", "known", "n", "units", "leaks", "unit_leaks", "unstable")
NUMBERS = ("chance", "estimate", "lower", "upper", "limit", "alpha", "reference_rate", "seconds")
COLUMNS = (*TEXTS, *WHOLE, *NUMBERS)


def rows(lines: Lines) -> Iterator[dict[str, Any]]:
    """Each with all columns; None where there is nothing to say. A check without a verdict has a row too.

    `gate` and `exit` are those of the whole, the same in every row; `original`, `judged` and `reference` are digests.
    """
    whole = {"gate": "open" if lines.verdict.is_open else "closed", "exit": lines.verdict.exit}
    for check in lines.verdict.checks:
        record = lines.record(check) or {}
        digests, method = record.get("digests") or {}, record.get("method") or {}
        about = {name: record[name] for name in COLUMNS if isinstance(record.get(name), str | int | float)}
        about |= {"id": check.id, "file": check.file, "line": check.line, "claim": check.claim, "reason": check.why}
        about |= {"standing": check.standing.value, "verdict": check.verdict or None, "method": method.get("name")}
        about |= {"original": digests.get("original"), "judged": digests.get("candidate")}
        about["reference"] = digests.get("reference")
        for tally in record.get("tallies") or [{}]:
            counted = {name: tally.get(name) for name in ("grader", "outcome", "bound", *WHOLE[2:], *NUMBERS[:6])}
            yield dict.fromkeys(COLUMNS) | whole | about | counted | {"reference_rate": tally.get("reference")}


def text(lines: Lines) -> str:
    """The table as CSV (RFC 4180) with a row of titles. A cell that a spreadsheet would work out begins with `'`."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    for row in rows(lines):
        writer.writerow(["" if row[name] is None else cell(row[name]) for name in COLUMNS])
    return stream.getvalue()


def parquet(lines: Lines, path: Path) -> None:
    """The table as a file in Parquet; raises UnlearnError without the package pyarrow."""
    arrow, files = modules()
    kinds = {**dict.fromkeys(TEXTS, arrow.string()), **dict.fromkeys(WHOLE, arrow.int64())}
    schema = arrow.schema([(name, kinds.get(name, arrow.float64())) for name in COLUMNS])
    files.write_table(arrow.Table.from_pylist(list(rows(lines)), schema=schema), path)


def modules() -> tuple[Any, Any]:
    """pyarrow and its part for Parquet; raises UnlearnError where the package is not there."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UnlearnError(
            "a table in Parquet needs the package pyarrow: pip install 'pytest-unlearn[parquet]'"
        ) from None
    return pyarrow, pyarrow.parquet
