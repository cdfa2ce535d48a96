"""`summary.json`: the verdict of a gate and the numbers that it rests on, for machines.

`docs/reference/summary.schema.json` is its JSON Schema.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pytest_unlearn.gate.runs import Run
from pytest_unlearn.report.lines import Lines

SCHEMA = 1
OF_CHECK = (
    "id", "file", "scenario", "target", "check", "candidate", "claim", "kind", "mode", "verdict", "reason", "expected",
    "findings", "digests", "weights", "method", "profile", "seeds", "seconds",
)  # fmt: skip
OF_TALLY = (
    "grader", "outcome", "reason", "asked", "known", "n", "units", "leaks", "unit_leaks", "chance", "estimate", "lower",
    "upper", "limit", "alpha", "needed", "bound", "original", "reference", "unstable",
)  # fmt: skip


def summary(lines: Lines) -> dict[str, Any]:
    """All of it as plain data, ready for JSON. What a record does not say is left out."""
    return {
        "schema": SCHEMA,
        "version": version("pytest-unlearn"),
        "gate": lines.verdict.data(),
        "runs": [_of_run(run) for run in lines.runs],
        "checks": [
            {
                "run": run.name,
                **{name: record[name] for name in OF_CHECK if name in record},
                "line": record.get("at", 0),
                "tallies": [{name: one[name] for name in OF_TALLY if name in one} for one in record["tallies"]],
            }
            for run in lines.runs
            for record in run.checks
        ],
    }


def _of_run(run: Run) -> dict[str, Any]:
    begun, end = run.begun or {}, run.end or {}
    return {
        "run": run.name,
        "started": begun.get("started"),
        "finished": end.get("finished"),
        "redacted": begun.get("redacted"),
        "exit": end.get("exit"),
        "planned": len(run.planned),
        "judged": len(run.checks),
        "left_out": len(run.left_out),
        "versions": begun.get("versions") or {},
        "host": begun.get("host") or {},
        "scenarios": begun.get("scenarios") or {},
    }
