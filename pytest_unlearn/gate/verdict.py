"""What a gate says: one frozen object, from which every output and the exit code are read."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from pytest_unlearn.redact import current

SCHEMA = 1
OPEN, CLOSED, UNUSABLE, NOTHING, WARNED = 0, 1, 2, 5, 6
INCONCLUSIVE, BASELINE, EXPIRED, VACUOUS = 20, 21, 22, 23
MEANINGS = {
    OPEN: "every check passed, or is excused within the policy",
    CLOSED: "a check fails, is an error or has no verdict; or something that the policy requires is missing",
    UNUSABLE: "the run was interrupted, or a file could not be used",
    3: "pytest or a plugin broke down",
    4: "the command line could not be followed",
    NOTHING: "no check was judged",
    WARNED: "there were more warnings than `--max-warnings` allows",
    INCONCLUSIVE: "a check is inconclusive",
    BASELINE: "a baseline is missing, does not fit the run, or has entries that no check uses",
    EXPIRED: "a waiver or a quarantine has expired",
    VACUOUS: "a check is vacuous, or not applicable without being declared so",
}
SEVERITY = (OPEN, INCONCLUSIVE, BASELINE, EXPIRED, VACUOUS, CLOSED, WARNED, NOTHING, 4, UNUSABLE, 3)
"""The codes, the mildest first; where several apply, the most severe is the exit code."""

LABELS = {
    CLOSED: "failed",
    NOTHING: "empty",
    WARNED: "warnings",
    INCONCLUSIVE: "inconclusive",
    BASELINE: "baseline",
    EXPIRED: "expired",
    VACUOUS: "vacuous",
}
WIDTH = 100
MOST = 200  # reasons that a terminal is told
LONGEST = 2000  # characters of one of them


class Standing(StrEnum):
    """What a check means to the gate, whatever its verdict is called."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    INCONCLUSIVE = "inconclusive"
    VACUOUS = "vacuous"
    NOT_APPLICABLE = "not applicable"
    WAIVED = "waived"
    EXPECTED = "expected to fail"
    QUARANTINED = "quarantined"
    EXPIRED = "waiver expired"
    UNJUDGED = "without a verdict"
    LEFT_OUT = "left out"


EXCUSED = frozenset({Standing.WAIVED, Standing.EXPECTED, Standing.QUARANTINED})


@dataclass(frozen=True, slots=True)
class Reason:
    """Something to be said about a run. A `code` of 0 closes no gate: it is a note.

    `check`: the id of the check that it is about, `file` and `line`: where that is written; empty and 0 where it is
    about the run.
    """

    code: int
    text: str
    check: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """One check of the plan, and what it means to the gate.

    `verdict` is that of the record, empty where there is none. `why`: its first line. `days_left`: of what excuses it;
    `owner`: who answers for that.
    """

    id: str
    file: str
    line: int
    claim: str
    standing: Standing
    verdict: str = ""
    why: str = ""
    days_left: int | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Open or closed, with every reason, the most severe first, and every check."""

    reasons: tuple[Reason, ...]
    checks: tuple[Judged, ...]

    @property
    def exit(self) -> int:
        """The exit code: the most severe code of all reasons."""
        return max((reason.code for reason in self.reasons), key=severity, default=OPEN)

    @property
    def is_open(self) -> bool:
        """Whether the release may go on."""
        return self.exit == OPEN

    @property
    def counts(self) -> dict[str, int]:
        """How many checks stand how."""
        found = Counter(check.standing.value for check in self.checks)
        return {standing.value: found[standing.value] for standing in Standing if found[standing.value]}

    def masked(self) -> GateVerdict:
        """The same without names, where they are masked."""
        mask = current().text
        reasons = tuple(replace(one, text=mask(one.text)) for one in self.reasons)
        checks = tuple(replace(one, why=mask(one.why), owner=mask(one.owner)) for one in self.checks)
        return GateVerdict(reasons, checks)

    def headline(self) -> str:
        """`gate: open`, or `gate: closed, exit code N`, with how many checks stand how."""
        state = "open" if self.is_open else f"closed, exit code {self.exit}"
        counted = ", ".join(f"{n} {standing}" for standing, n in self.counts.items())
        return f"gate: {state} ({counted or 'no checks'})"

    def terminal(self, width: int = WIDTH) -> list[str]:
        """Lines for a terminal, at most `width` columns wide where words allow it: what closes the gate, then notes."""
        lines = [self.headline()]
        for reason in self.reasons[:MOST]:
            label = LABELS.get(reason.code, f"exit {reason.code}") if reason.code else "note"
            place = f" ({reason.file}:{reason.line})" if reason.line else ""
            about = f"{reason.check}: " if reason.check else ""
            over = len(reason.text) - LONGEST
            text = reason.text if over <= 0 else f"{reason.text[:LONGEST]} ... ({over:,} more characters)"
            lines += textwrap.wrap(
                f"{about}{text}{place}",
                min(width, WIDTH),
                initial_indent=f"  {label:<14}",
                subsequent_indent=" " * 16,
                break_long_words=False,
                break_on_hyphens=False,
            )
        if len(self.reasons) > MOST:
            lines.append(f"  and {len(self.reasons) - MOST} more, which are in the summary and in the records")
        return lines

    def data(self) -> dict[str, Any]:
        """The same as plain data, ready for JSON."""
        return {
            "schema": SCHEMA,
            "exit": self.exit,
            "open": self.is_open,
            "counts": self.counts,
            "reasons": [asdict(reason) for reason in self.reasons],
            "checks": [{**asdict(check), "standing": check.standing.value} for check in self.checks],
        }


def severity(code: int) -> int:
    """Orders exit codes; those of others that are not known here are the most severe."""
    return SEVERITY.index(code) if code in SEVERITY else len(SEVERITY)


def verdict(reasons: Iterable[Reason], checks: Iterable[Judged]) -> GateVerdict:
    """With the reasons in order of their severity, each once."""
    once = dict.fromkeys(reasons)
    ordered = sorted(once, key=lambda reason: -severity(reason.code))
    return GateVerdict(tuple(ordered), tuple(checks))
