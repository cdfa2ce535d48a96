"""Which models stay in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.subjects.answers import Answer, Failed
from pytest_unlearn.subjects.protocol import Reach, Subject
from pytest_unlearn.subjects.requests import Request, Verb


class Sized:
    """A subject that does nothing but take room."""

    can: frozenset[Verb] = frozenset()
    reach: Reach = "weights"
    base: Subject | None = None

    def __init__(self, digest: str, size: int) -> None:
        self.digest, self.bytes, self.open_ = digest, size, True

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        return (Failed("cannot", "it only takes room") for _ in requests)

    def open(self) -> AbstractContextManager[Any]:
        raise AssertionError

    def close(self) -> None:
        self.open_ = False


def test_subjects_that_fit_together_stay() -> None:
    residency, a, b = Residency(limit=10), Sized("a", 5), Sized("b", 5)
    assert residency.admit(a) is a
    residency.admit(b)
    assert (a.open_, b.open_) == (True, True)


def test_the_subject_asked_longest_ago_makes_room() -> None:
    residency, a, b, c = Residency(limit=10), Sized("a", 4), Sized("b", 4), Sized("c", 4)
    for subject in (a, b, a, c):
        residency.admit(subject)
    assert (a.open_, b.open_, c.open_) == (True, False, True)


def test_a_subject_that_fits_nowhere_is_admitted_alone() -> None:
    residency, a, b = Residency(limit=10), Sized("a", 4), Sized("b", 99)
    residency.admit(a)
    residency.admit(b)
    assert (a.open_, b.open_) == (False, True)


def test_the_same_weights_are_held_once() -> None:
    residency, a, again = Residency(limit=10), Sized("a", 4), Sized("a", 4)
    residency.admit(a)
    residency.admit(again)
    assert (a.open_, again.open_) == (False, True)


def test_closing_closes_all() -> None:
    residency, a = Residency(limit=10), Sized("a", 4)
    residency.admit(a)
    residency.close()
    assert not a.open_
