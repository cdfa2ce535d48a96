"""Record lines of made-up runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

FILE, DIGESTS = "w.unlearn.yaml", {"scenario": "s", "original": "o", "candidate": "c", "reference": "r"}
Line = dict[str, Any]


def check(name: str, verdict: str = "pass", claim: str = "forget", **more: Any) -> Line:
    """A line about the check w/t/NAME; what leaked follows from `leaked`."""
    leaked = more.pop("leaked", ["aaaaaaaa"] if verdict == "fail" else [])
    outcome = "pass" if verdict in ("not-applicable", "error") else verdict
    return {
        "line": "check",
        "schema": 1,
        "run": "r1",
        "id": f"w/t/{name}",
        "file": FILE,
        "at": 9,
        "scenario": "w",
        "target": "t",
        "check": name,
        "candidate": None,
        "claim": claim,
        "mode": "limit",
        "verdict": verdict,
        "reason": f"because of {verdict}",
        "expected": "pass",
        "findings": leaked[:1],
        "tallies": [{"grader": "text", "outcome": outcome, "reason": f"text says {verdict}", "leaked": leaked}],
        "digests": dict(DIGESTS),
        "method": None,
        "profile": "pr",
        "seeds": {"data": 0, "method": 0, "probe": 0},
        **more,
    }


def run(*checks: Line, planned: tuple[Line, ...] = (), out: tuple[Line, ...] = (), **more: Any) -> list[Line]:
    """A whole run. `planned`: more checks of its plan, `out`: those that were left out; `gate`: its policy; `exit` and
    `others_failed` of its last line, and `end=False` where it has none."""

    def plan(lines: tuple[Line, ...]) -> list[Line]:
        return [{"id": one["id"], "file": one["file"], "line": one["at"], "claim": one["claim"]} for one in lines]

    name = more.get("run", "r1")
    first = {
        "line": "run",
        "schema": 1,
        "run": name,
        "plan": plan((*checks, *planned)),
        "left_out": plan(out),
        "deselected": len(out),
        "gate": {FILE: {"require": ["forget", "utility"], **more.get("gate", {})}},
        "scenarios": {FILE: more.get("scenario", "s")},
        "host": {"device": "cpu", "dtype": "float32", "platform": "x", "python": "3"},
        "versions": {"torch": "2", "transformers": "5", "pytest-unlearn": "0", "pytest": "9"},
    }
    bad = any(one["verdict"] not in ("pass", "not-applicable") for one in checks)
    last = {
        "line": "end",
        "schema": 1,
        "run": name,
        "exit": more.get("exit", int(bad)),
        "others_failed": more.get("others_failed", 0),
    }
    lines = [first, *({**one, "run": name} for one in checks)]
    return [*lines, last] if more.get("end", True) else lines


@pytest.fixture(name="check")
def made_check() -> Callable[..., Line]:
    return check


@pytest.fixture(name="run")
def made_run() -> Callable[..., list[Line]]:
    return run


@pytest.fixture
def same() -> Callable[[str, str], None]:
    """Hold a text against its file in `goldens/`, or write that where `UNLEARN_GOLDENS=write`."""

    def hold(name: str, text: str) -> None:
        told = text.replace(f'"{version("pytest-unlearn")}"', '"VERSION"')
        path = Path(__file__).parent / "goldens" / name
        if os.environ.get("UNLEARN_GOLDENS") == "write":
            path.write_text(told, encoding="utf-8", newline="")
        old = path.read_bytes().decode("utf-8")
        assert told == old, f"{name} is another; UNLEARN_GOLDENS=write keeps what it is now"

    return hold
