"""Runs a check: sends its questions to the subjects it names and its answers back."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.subjects.ask import Asking
from pytest_unlearn.subjects.protocol import Subject
from pytest_unlearn.verdict.verdict import Verdict


def drive(check: Asking[Verdict], subjects: Mapping[str, Subject], residency: Residency) -> Verdict:
    """Run a check to its verdict."""
    try:
        ask = next(check)
        while True:
            subject = residency.admit(subjects[ask.subject])
            ask = check.send(list(subject.answer(ask.requests, alone=ask.alone)))
    except StopIteration as stop:
        verdict: Verdict = stop.value
        return verdict
