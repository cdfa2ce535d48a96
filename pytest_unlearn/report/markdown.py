"""The verdict of a gate as a page in Markdown, such as the summary of a job on GitHub."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_unlearn.gate.verdict import LABELS, Reason, Standing
from pytest_unlearn.report.lines import Lines
from pytest_unlearn.report.plain import markdown as safe
from pytest_unlearn.report.plain import short

MOST = 200  # rows of a table: a page has to stay below 1 MiB
ROOM = 2**18  # bytes of a table, of which a page has three
LONGEST = 400  # characters of a cell


def markdown(lines: Lines) -> str:
    """Verdict, what closes the gate, what is let be, and every check with its numbers, folded away."""
    verdict = lines.verdict
    title, _, counted = verdict.headline().partition(" (")
    parts = [f"# Unlearning {safe(title)}\n", f"{safe(counted.removesuffix(')'))}\n"]
    parts += _reasons("What closes it", [reason for reason in verdict.reasons if reason.code])
    parts += _reasons("Notes", [reason for reason in verdict.reasons if not reason.code])
    if verdict.checks:
        rows = list(_checks(lines))
        parts.append(f"<details><summary>{len(rows)} check{'' if len(rows) == 1 else 's'}</summary>\n")
        parts += _table(("check", "claim", "stands", "why", "seconds"), rows)
        parts.append("</details>\n")
    return "\n".join(parts)


def _reasons(title: str, reasons: Sequence[Reason]) -> Iterator[str]:
    if reasons:
        yield f"## {title}\n"
        told = ((LABELS.get(one.code, f"exit {one.code}") if one.code else "note", one) for one in reasons)
        rows = [(label, one.check, one.text, f"{one.file}:{one.line}" if one.line else one.file) for label, one in told]
        yield from _table(("", "check", "what", "where"), rows)


def _checks(lines: Lines) -> Iterator[tuple[str, ...]]:
    for check in lines.verdict.checks:
        record = lines.record(check)
        seconds = record.get("seconds") if record else None
        took = f"{seconds:.1f}" if isinstance(seconds, int | float) else ""
        standing: Standing = check.standing
        yield check.id, check.claim, standing.value, check.why, took


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    shown, used = 0, 0
    for row in rows[:MOST]:
        told = f"| {' | '.join(_cells(row))} |"
        used += len(told.encode())
        if used > ROOM:
            break
        shown += 1
        yield told
    if len(rows) > shown:
        yield f"\n{len(rows) - shown} more are in the records."
    yield ""


def _cells(row: Iterable[str]) -> Iterator[str]:
    for text in row:
        yield safe(short(text, LONGEST))
