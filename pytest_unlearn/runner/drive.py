"""Runs what asks: sends its questions to the subjects it names and their answers back."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.subjects.ask import Asking, Result
from pytest_unlearn.subjects.protocol import Subject


def drive(asking: Asking[Result], subjects: Mapping[str, Subject], residency: Residency) -> Result:
    """Run it to its result."""
    try:
        ask = next(asking)
        while True:
            subject = residency.admit(subjects[ask.subject])
            ask = asking.send(list(subject.answer(ask.requests, alone=ask.alone)))
    except StopIteration as stop:
        result: Result = stop.value
        return result
