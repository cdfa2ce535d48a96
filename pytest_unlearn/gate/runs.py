"""Record lines as runs: what was planned, what was judged, and whether a run came to its end."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from pytest_unlearn.errors import GateError
from pytest_unlearn.records import MERGED, Line, load, pending
from pytest_unlearn.verdict.verdict import Outcome

Record: TypeAlias = Mapping[str, Any]
NUMBER, TEXT = (int, float), (str, type(None))
Key: TypeAlias = tuple[str, str]  # the file of a scenario and the id of a check
_NEEDED: dict[str, dict[str, type | tuple[type, ...]]] = {
    "run": {"plan": list, "gate": dict, "scenarios": dict},
    "check": {"id": str, "file": str, "verdict": str, "claim": str, "tallies": list, "digests": dict, "reason": str},
    "end": {"exit": int},
}
_MAY_BE: dict[str, dict[str, type | tuple[type, ...]]] = {
    "run": {"versions": dict, "host": dict, "started": TEXT, "left_out": list, "redacted": bool},
    "check": {
        **dict.fromkeys(("scenario", "target", "check", "candidate", "kind", "mode", "expected", "started"), TEXT),
        "profile": TEXT,
        "at": int,
        "seconds": NUMBER,
        "steps": (int, type(None)),
        "method": (dict, type(None)),
        "weights": dict,
        "seeds": dict,
        "findings": list,
    },
    "end": {"finished": TEXT, "others_failed": int},
}
_IN_TALLY: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("asked", "known", "n", "units", "leaks", "unit_leaks", "needed", "unstable"), int),
    **dict.fromkeys(("chance", "estimate", "lower", "upper", "limit", "alpha", "original", "reference"), NUMBER),
    **dict.fromkeys(("grader", "reason", "bound"), str),
}


@dataclass(frozen=True, slots=True)
class Run:
    """The lines of one run. `begun` is None where its plan is not there, `end` where it was cut off."""

    name: str
    begun: Record | None
    checks: tuple[Record, ...]
    end: Record | None

    @property
    def planned(self) -> dict[Key, Record]:
        """The checks that were selected."""
        return {key(one): one for one in (self.begun or {}).get("plan", ())}

    @property
    def left_out(self) -> dict[Key, Record]:
        """The other checks of the same scenarios."""
        return {key(one): one for one in (self.begun or {}).get("left_out", ())}


def key(record: Record) -> Key:
    """What a check is told by, in a plan and in its own line."""
    return record["file"], record["id"]


def runs_of(records: Iterable[Record]) -> tuple[Run, ...]:
    """The runs among some lines, in the order in which they first appear."""
    lines: dict[str, list[Record]] = {}
    for record in records:
        lines.setdefault(str(record["run"]), []).append(record)
    return tuple(_run(name, some) for name, some in lines.items())


def _run(name: str, lines: Sequence[Record]) -> Run:
    first = {line: next((one for one in lines if one["line"] == line), None) for line in ("run", "end")}
    return Run(name, first["run"], tuple(one for one in lines if one["line"] == "check"), first["end"])


def read_files(paths: Iterable[Path]) -> list[Record]:
    """The lines of some files of records, or of folders that runs wrote them to; raises GateError.

    A run that was cut off leaves parts behind instead of the file that it should have replaced: parts that the run in
    the file did not find when it began are read too, so that it is not taken for the last one.
    """
    found: list[Record] = []
    for path in paths:
        file = path / MERGED if path.is_dir() else path
        mine: list[Line] = _lines(file) if file.is_file() else []
        parts = pending(file.parent, mine) if file.name == MERGED else []
        if not mine and not parts:
            raise GateError(f"there are no records at {path}: pytest writes them to .unlearn/{MERGED}")
        found += [checked(record, file) for record in mine]
        for part in parts:
            found += [checked(record, part) for record in _lines(part)]
    return found


def _lines(path: Path) -> list[Line]:
    try:
        found = load(path)
    except (OSError, ValueError) as error:
        raise GateError(f"the records {path} cannot be read: {error}") from None
    if found.damaged:
        raise GateError(f"the records {path} are damaged: line {found.damaged[0]} is none that a run writes")
    if found.torn and found.lines:
        warnings.warn(f"{path} was cut off in its last line: that check has no verdict", stacklevel=2)
    if not found.lines:
        raise GateError(f"{path} holds no records{': it was cut off in its first line' if found.torn else ''}")
    return list(found.lines)


def checked(record: Record, path: Path) -> Record:
    """The same line; raises GateError where it has not the shape that a run writes."""
    line = record.get("line")
    needed = _NEEDED.get(line) if isinstance(line, str) else None
    wrong = (
        "line"
        if needed is None
        else next((name for name, kind in needed.items() if not isinstance(record.get(name), kind)), None)
    )
    if wrong is None:
        wrong = _odd(record, _MAY_BE[record["line"]])
    if wrong is None and line == "run":
        plans = [*record["plan"], *record.get("left_out", ())]
        wrong = None if all(map(_is_plan, plans)) else "plan"
    if wrong is None and line == "run" and not all(map(_is_policy, record["gate"].values())):
        wrong = "gate"
    if wrong is None and line == "check":
        wrong = _wrong_in_check(record)
    if wrong is not None or "run" not in record:
        raise GateError(f"{path} has a line that no run writes: look at its `{wrong or 'run'}`")
    return record


def _odd(record: Record, kinds: Mapping[str, type | tuple[type, ...]]) -> str | None:
    """The first key, of those that are there, whose value is of another kind."""
    return next((name for name, kind in kinds.items() if name in record and not isinstance(record[name], kind)), None)


def _is_plan(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and all(isinstance(one.get(name), str) for name in ("id", "file", "claim"))
        and _is_file_name(one["file"])
    )


def _is_file_name(text: str) -> bool:
    """Whether a file system can hold it: it is looked for there."""
    return len(text) < 4096 and all(len(part.encode()) < 256 for part in text.split("/")) and "\0" not in text


def _is_policy(told: Any) -> bool:
    lists = ("require", "not_applicable")
    return (
        isinstance(told, dict)
        and isinstance(told.get("max_waived", 0), int)
        and all(isinstance(told.get(name, []), list) for name in lists)
        and all(isinstance(one, str) for name in lists for one in told.get(name, []))
        and all(told[name] in ("fail", "warn", "allow") for name in told if name.startswith("on_"))
    )


def _wrong_in_check(record: Record) -> str | None:
    """The key of a line about a check that no run writes so."""
    outcomes = tuple(Outcome)
    if not _is_file_name(record["file"]):
        return "file"
    if record["verdict"] not in outcomes:
        return "verdict"
    tallies = record["tallies"]
    if not all(isinstance(one, dict) and one.get("outcome", "pass") in outcomes for one in tallies):
        return "tallies"
    if odd := next(filter(None, (_odd(one, _IN_TALLY) for one in tallies)), None):
        return odd
    files = record.get("weights", {}).values()
    if not all(isinstance(some, dict) and all(isinstance(one, str) for one in some.values()) for some in files):
        return "weights"
    names = [record.get("findings", []), *(one.get("leaked", []) for one in tallies)]
    if not all(isinstance(some, list) and all(isinstance(one, str) for one in some) for some in names):
        return "findings"
    return None
