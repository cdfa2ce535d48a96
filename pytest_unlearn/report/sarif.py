"""The verdict of a gate in SARIF 2.1.0: confirmed leaks and losses as results, the rest as notifications of the run.

A result stands at the line of YAML whose check failed; its fingerprint is that of a finding, so that it stays the same
alert from run to run. What a waiver, a quarantine or `xfail` excuses is suppressed, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from pytest_unlearn.gate.runs import Record
from pytest_unlearn.gate.verdict import EXCUSED, MEANINGS, Judged, Reason
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.report.plain import line, short
from pytest_unlearn.verdict.verdict import Outcome

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
FINGERPRINT = "unlearnFinding/v1"
MOST = 5000  # results, and notifications: GitHub shows no more results of one run
LONGEST = 2000  # characters of a text
BROKEN = frozenset({2, 3, 4})  # exit codes after which it is not known what else there would be to say


def sarif(lines: Lines) -> dict[str, Any]:
    """All of it as plain data, ready for JSON."""
    verdict = lines.verdict
    failed = [(check, record) for check in verdict.checks if (record := _failed(lines, check)) is not None]
    told = {(check.file, check.id): check.standing in EXCUSED for check, _ in failed}
    others = [one for one in verdict.reasons if not _is_in_result(one, told.get((one.file, one.check)))]
    kinds = sorted({_rule(record) for _, record in failed})
    every = (result for check, record in failed for result in _results(check, record, lines.reasons(check), kinds))
    results, cut = _most(list(every), "results")
    notifications, more = _most([_notification(reason) for reason in others], "notifications")
    invocation: dict[str, Any] = {
        "executionSuccessful": verdict.exit not in BROKEN,
        "exitCode": verdict.exit,
        "exitCodeDescription": MEANINGS.get(verdict.exit, f"pytest ended with {verdict.exit}"),
        "toolExecutionNotifications": [*cut, *more, *notifications],
    }
    driver = {
        "name": "pytest-unlearn",
        "version": version("pytest-unlearn"),
        "rules": [{"id": kind, "shortDescription": {"text": _about(kind)}} for kind in kinds],
    }
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": "pytest-unlearn/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [invocation],
                "results": results,
                "properties": {"open": verdict.is_open, "counts": verdict.counts},
            }
        ],
    }


def _most(some: list[dict[str, Any]], what: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first of them, with those that close the gate before those that are let be, and what says how many not."""
    if len(some) <= MOST:
        return some, []
    some.sort(key=lambda one: bool(one.get("suppressions")) or one["level"] != "error")
    text = f"{len(some) - MOST} more {what} are in the records: no more than {MOST} are written here"
    return some[:MOST], [{"level": "error", "message": {"text": text}}]


def _failed(lines: Lines, check: Judged) -> Record | None:
    return lines.record(check) if check.verdict == Outcome.FAIL else None


def _is_in_result(reason: Reason, excused: bool | None) -> bool:
    """Whether the result of its check says it. `excused`: whether that is suppressed, None where there is no result."""
    return excused is not None and not (excused and reason.code)


def _rule(record: Record) -> str:
    """`forget/inverse`: what is claimed, and how that was looked at."""
    return f"{record['claim']}/{record.get('kind') or 'check'}"


def _about(rule: str) -> str:
    claim, _, kind = rule.partition("/")
    said = {"forget": "must be gone and is not", "utility": "must stay and does not"}
    return f"{kind}: something {said.get(claim, 'is out of bounds')}"


def _results(check: Judged, record: Record, reasons: list[Reason], kinds: list[str]) -> Iterator[dict[str, Any]]:
    """One for each smallest leak; one where there is none, as of what was lost or measured."""
    excused = check.standing in EXCUSED
    closing = [one.text for one in reasons if one.code]
    message = "; ".join(_text(one) for one in (f"{check.id}: {check.why}", *closing[:1]))
    for finding in sorted(set(record.get("findings") or ())) or [f"{check.id}"]:
        yield {
            "ruleId": _rule(record),
            "ruleIndex": kinds.index(_rule(record)),
            "level": "error",
            "message": {"text": message},
            "locations": [_location(check.file, check.line)],
            "partialFingerprints": {FINGERPRINT: f"{check.file}:{check.id}:{finding}"},
            "suppressions": [_suppression(reasons)] if excused else [],
            "properties": {"standing": check.standing.value, "check": check.id},
        }


def _suppression(reasons: Iterable[Reason]) -> dict[str, Any]:
    why = next((one.text for one in reasons if not one.code), "")
    return {"kind": "external", "status": "accepted", "justification": _text(why)}


def _notification(reason: Reason) -> dict[str, Any]:
    text = _text(f"{reason.check}: {reason.text}" if reason.check else reason.text)
    place = {"locations": [_location(reason.file, reason.line)]} if reason.file else {}
    return {"level": "error" if reason.code else "note", "message": {"text": text}, **place}


def _text(told: str) -> str:
    return line(short(told, LONGEST))


def _location(file: str, at: int) -> dict[str, Any]:
    artifact = {"uri": quote(file), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": max(at, 1)}}}
