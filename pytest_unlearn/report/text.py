"""A verdict as a person reads it in a terminal: always the same lines in the same order, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from pytest_unlearn.verdict.verdict import Outcome, Tally

if TYPE_CHECKING:
    from pytest_unlearn.checks.controls import Leak
    from pytest_unlearn.runner.session import Result

WIDTH = 100
SHOWN = 3  # leaks that are spelled out
HEADLINES = {
    Outcome.FAIL: "leaks",
    Outcome.INCONCLUSIVE: "inconclusive",
    Outcome.VACUOUS: "vacuous: nothing to judge by",
    Outcome.ERROR: "error",
    Outcome.NOT_APPLICABLE: "not applicable",
    Outcome.PASS: "passes",
}
LOST = {"utility": "loses what must stay", "privacy": "is out of bounds", "robustness": "is out of bounds"}


def headline(result: Result) -> str:
    """One line: which check, and what became of it."""
    case = result.case
    word = HEADLINES[result.verdict.outcome]
    if result.verdict.outcome is Outcome.FAIL:
        word = LOST.get(case.check.claim, word)
    return f"{case.scenario.name} > {case.target.label} > {case.name}: {word}"


def block(result: Result, place: str) -> str:
    """Where, what, the counts beside each other, the effort: the text of a failed item. `place` is `file:line`."""
    case, verdict = result.case, result.verdict
    rows = [("where", place), ("why", verdict.reason)]
    if not verdict.tallies:
        return _lines(headline(result), rows)
    rows += [("graded", _counts(tally)) for tally in verdict.tallies]
    word = "lost" if case.check.verb == "keep" else "leak"
    leaks = _distinct(leak for leak in verdict.evidence)  # type: ignore[misc]
    for leak in leaks[:SHOWN]:
        rows += [(word, leak.probe.prompt.text), ("", _answers(leak))]
        if len(leak.probe.chain) > 1:
            rows.append(("", "chain: " + "; ".join(leak.probe.chain)))
    if len(leaks) > SHOWN:
        rows.append(("", f"and {len(leaks) - SHOWN} more"))
    return _lines(headline(result), [*rows, ("effort", _effort(result))])


def _distinct(leaks: Iterable[Leak]) -> list[Leak]:
    found: dict[str, Leak] = {}
    for leak in leaks:
        found.setdefault(leak.probe.id, leak)
    return list(found.values())


def _answers(leak: Leak) -> str:
    return f'answered "{_short(leak.said)}"; the original "{_short(leak.original)}" ({leak.grader})'


def _short(text: str) -> str:
    return textwrap.shorten(text, 70, placeholder=" ...")


def _counts(tally: Tally) -> str:
    parts = [f"{tally.grader}: {tally.outcome.value}"]
    if tally.estimate is not None:
        parts.append(f"value {_number(tally.estimate)}")
    if tally.lower is not None and tally.upper is not None and tally.lower != tally.upper:
        parts.append(f"between {_number(tally.lower)} and {_number(tally.upper)}")
    if tally.limit is not None:
        parts.append(f"limit {_number(tally.limit)}")
    if tally.chance:
        parts.append(f"chance {_number(tally.chance)}")
    if tally.reference is not None:
        parts.append(f"reference {_number(tally.reference)}")
    if tally.known:
        parts.append(f"known to the original: {tally.known} of {tally.asked} probes, {tally.units} facts")
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{value:.3g}"


def _effort(result: Result) -> str:
    effort = result.effort
    probes = max((tally.asked for tally in result.verdict.tallies), default=0)
    return (
        f"{probes} probes, {effort['requests']} requests ({effort['memoised']} remembered), "
        f"{effort['batches']} batches, {effort['tokens']} tokens, {result.seconds:.1f} s, "
        f"seed {result.case.scenario.seeds.probe}"
    )


def _lines(title: str, rows: Iterable[tuple[str, str]]) -> str:
    lines = [title]
    for label, text in rows:
        for number, paragraph in enumerate(text.splitlines() or [""]):
            lines += textwrap.wrap(
                paragraph,
                WIDTH,
                initial_indent=f"  {label if number == 0 else '':<8}",
                subsequent_indent=" " * 10,
                break_long_words=False,
                break_on_hyphens=False,
            )
    return "\n".join(lines)


def summary(checks: Iterable[Mapping[str, Any]], width: int) -> list[str]:
    """One line a check record, aligned and cut at `width` columns: verdict, id, reason."""
    rows = [(check["verdict"], check["id"], check["reason"].split("\n")[0]) for check in checks]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    return [f"{verdict:<{first}}  {name:<{second}}  {reason}"[:width] for verdict, name, reason in rows]
