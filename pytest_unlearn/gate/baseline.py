"""Baselines: what came of each question once, in git beside the scenario, against which later runs are held.

`baselines/SCENARIO.json` has one line a check. Only like is compared with like: the same scenario, original, method and
environment. Then the same questions were asked, and what counts is which of them changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_unlearn.digest import digest
from pytest_unlearn.errors import GateError
from pytest_unlearn.gate.compare import Change, change, real
from pytest_unlearn.gate.decide import policy_of
from pytest_unlearn.gate.runs import Record, Run, runs_of
from pytest_unlearn.gate.verdict import BASELINE, CLOSED, Reason
from pytest_unlearn.scenario.load import SUFFIX

FOLDER, SCHEMA = "baselines", 1
UPDATE = "run pytest with --unlearn-baseline-update"
LIKE = ("scenario", "original", "method", "environment", "questions")  # what must be the same for a comparison
NUMBERS = ("estimate", "lower", "upper", "outcomes")


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update has written: the file, and how many entries are new, changed, kept and removed."""

    path: Path
    new: int
    changed: int
    kept: int
    removed: int

    def __str__(self) -> str:
        counts = {"new": self.new, "changed": self.changed, "kept": self.kept, "removed": self.removed}
        return f"{self.path}: {', '.join(f'{n} {what}' for what, n in counts.items() if n) or 'no entries'}"


def path_of(root: Path, file: str) -> Path:
    """The baseline of a scenario, which is named relative to `root`."""
    scenario = PurePosixPath(file)
    return root / scenario.parent / FOLDER / f"{scenario.name.removesuffix(SUFFIX)}.json"


def environment(run: Run) -> str:
    """Where a run was made, as far as that may move an answer."""
    host, versions = ((run.begun or {}).get(name) or {} for name in ("host", "versions"))
    names = ("pytest-unlearn", "torch", "transformers")
    return " ".join([f"{host.get('device')} {host.get('dtype')}", *(f"{name} {versions.get(name)}" for name in names)])


def entry(record: Record, run: Run) -> dict[str, Any]:
    """The line of a check."""
    digests, method = record["digests"], record.get("method")
    return {
        "scenario": digests.get("scenario", "")[:12],
        "original": digests.get("original", "")[:12],
        "method": f"{method['name']} {digest(method['config'])[:12]}" if method else "given",
        "environment": environment(run),
        "questions": f"{record.get('profile')} {(record.get('seeds') or {}).get('probe')}",
        "verdict": record["verdict"],
        "graders": {
            tally["grader"]: {name: tally[name] for name in NUMBERS if tally.get(name) is not None}
            for tally in record["tallies"]
        },
    }


def read(path: Path) -> dict[str, dict[str, Any]]:
    """The entries of a baseline by check; raises GateError where it is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GateError(f"the baseline {path} cannot be read: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        seen = data.get("schema") if isinstance(data, dict) else None
        raise GateError(f"{path} is no baseline of schema {SCHEMA}: its schema is {seen}")
    checks = data.get("checks")
    if not isinstance(checks, dict) or not all(map(_is_entry, checks.values())):
        raise GateError(f"the baseline {path} is damaged: {UPDATE}")
    return checks


def _is_entry(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and isinstance(found.get("graders"), dict)
        and all(isinstance(one, dict) for one in found["graders"].values())
    )


def update(records: Iterable[Record], root: Path, *, new_only: bool = False) -> list[Updated]:
    """Write what a run has found as the baselines of its scenarios; raises GateError.

    Entries of checks that were left out stay, those of checks that are no more go. `new_only` adds entries and
    changes none. A check without numbers (`error`, or no verdict) leaves its entry as it is.
    """
    return [_update(run, file, root, new_only) for run in runs_of(records) for file in sorted(_files(run))]


def _update(run: Run, file: str, root: Path, new_only: bool) -> Updated:
    path = path_of(root, file)
    old = read(path) if path.is_file() else {}
    known = {id for where, id in (*run.planned, *run.left_out) if where == file}
    made = {one["id"]: entry(one, run) for one in run.checks if one["file"] == file and _has_numbers(one)}
    kept = old if new_only else {id: one for id, one in old.items() if id in known}
    found = {**made, **kept} if new_only else {**kept, **made}
    if found != old:
        _write(path, found)
    return Updated(
        path.relative_to(root),
        len(found.keys() - old.keys()),
        sum(old[id] != found[id] for id in old.keys() & found.keys()),
        sum(old[id] == found[id] for id in old.keys() & found.keys()),
        len(old.keys() - found.keys()),
    )


def _write(path: Path, checks: Mapping[str, Any]) -> None:
    """One line a check, so that a review shows which of them changed."""
    lines = [f"    {json.dumps(id)}: {json.dumps(checks[id], sort_keys=True)}" for id in sorted(checks)]
    text = f'{{\n  "schema": {SCHEMA},\n  "checks": {{\n' + ",\n".join(lines) + "\n  }\n}\n"
    try:
        path.parent.mkdir(exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        raise GateError(f"the baseline {path} cannot be written: {error}") from None


def compared(records: Iterable[Record], root: Path) -> list[Reason]:
    """What there is to say about some runs by the baselines of their scenarios; raises GateError."""
    runs = runs_of(records)
    files = sorted({file for run in runs for file in _files(run)})
    return [reason for file in files for reason in _of(file, runs, root)]


def _of(file: str, runs: Sequence[Run], root: Path) -> Iterator[Reason]:
    path = path_of(root, file)
    there = path.is_file()
    entries = read(path) if there else {}
    changes: list[tuple[Record, Change]] = []
    for run in runs:
        missing = {"fail": BASELINE, "warn": 0}.get(policy_of(run, file).on_no_baseline)
        mine = [record for record in run.checks if record["file"] == file and _has_numbers(record)]
        if not there and mine and missing is not None:
            yield Reason(missing, f"there is no baseline {path.relative_to(root)}: {UPDATE}", file=file)
        for record in mine if there else []:
            old = entries.get(record["id"])
            if old is not None:
                unlike, found = _changes(record, old, entry(record, run))
                changes += [(record, one) for one in found]
                yield from unlike
            elif missing is not None:
                yield _about(missing, "it has no baseline: run pytest with --unlearn-baseline-update-new", record)
    yield from _told(changes)
    known = {id for run in runs for where, id in (*run.planned, *run.left_out) if where == file}
    for id in sorted(entries.keys() - known):
        yield Reason(BASELINE, f"{path.relative_to(root)} has an entry that no check uses: {UPDATE}", id, file)


def _changes(record: Record, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Reason], list[Change]]:
    """What keeps a check from being compared with its entry, or what changed, by grader."""
    if unlike := [name for name in LIKE if old.get(name) != new[name]]:
        text = f"its baseline has another {' and '.join(unlike)}: {UPDATE} where that is meant"
        return [_about(BASELINE, text, record)], []
    if old["graders"].keys() != new["graders"].keys():
        return [_about(BASELINE, f"its baseline has other graders: {UPDATE}", record)], []
    found = [change(name, record.get("mode", ""), old["graders"][name], one) for name, one in new["graders"].items()]
    reasons = [_about(BASELINE, f"its baseline does not fit: {one}", record) for one in found if isinstance(one, str)]
    return reasons, [one for one in found if isinstance(one, Change)]


def _told(changes: Sequence[tuple[Record, Change]]) -> Iterator[Reason]:
    """What is worse and what is better than chance explains, in all checks of a scenario together."""
    for code, word in ((CLOSED, "worse"), (0, "better")):
        sure = real([one for _, one in changes], better=word == "better")
        for (record, one), told in zip(changes, sure, strict=True):
            if told:
                yield _about(code, f"{word} than its baseline: {one}", record)


def _about(code: int, text: str, record: Record) -> Reason:
    return Reason(code, text, record["id"], record["file"], int(record.get("at", 0)))


def _files(run: Run) -> set[str]:
    return {file for file, _ in run.planned}


def _has_numbers(record: Record) -> bool:
    return bool(record["tallies"]) and record["verdict"] != "error"
