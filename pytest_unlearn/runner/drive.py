"""Runs what asks: sends its questions to the subjects it names and their answers back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.subjects.ask import Asking, Result
from pytest_unlearn.subjects.effort import Effort
from pytest_unlearn.subjects.protocol import Subject


@dataclass(frozen=True, slots=True)
class Round:
    """Questions that are being put to one subject: how many, and what it had answered before."""

    subject: str
    asked: int
    of: Subject
    before: int
    started: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """How many are answered by now."""
        return min(_answered(self.of) - self.before, self.asked)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self.started


def drive(
    asking: Asking[Result],
    subjects: Mapping[str, Subject],
    residency: Residency,
    watch: Callable[[Round | None], None] = lambda now: None,
) -> Result:
    """Run it to its result; `watch` is told of every round of questions, and of None when there are no more."""
    try:
        ask = next(asking)
        while True:
            subject = residency.admit(subjects[ask.subject])
            watch(Round(ask.subject, len(ask.requests), subject, _answered(subject)))
            ask = asking.send(list(subject.answer(ask.requests, alone=ask.alone)))
    except StopIteration as stop:
        result: Result = stop.value
        return result
    finally:
        watch(None)


def _answered(subject: Subject) -> int:
    effort: Effort | None = getattr(subject, "effort", None)
    return 0 if effort is None else effort.answered
