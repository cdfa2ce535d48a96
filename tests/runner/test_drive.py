"""Whoever watches a run is told of every round of questions, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from pytest_unlearn.runner.drive import Round, drive
from pytest_unlearn.runner.residency import Residency
from pytest_unlearn.subjects.answers import Answer, Failed
from pytest_unlearn.subjects.ask import Ask, Asking
from pytest_unlearn.subjects.effort import Effort
from pytest_unlearn.subjects.protocol import Reach, Subject
from pytest_unlearn.subjects.requests import Prompt, Request, Score, Verb

ASKED = tuple(Score(Prompt.of(f"Question {i}?"), ("a",)) for i in range(3))


class Slow:
    """A subject whose progress is noted after every answer."""

    digest = "slow"
    can: frozenset[Verb] = frozenset({"score"})
    reach: Reach = "weights"
    base: Subject | None = None

    def __init__(self, now: list[Round | None]) -> None:
        self.effort, self._now, self.seen = Effort(answered=7), now, list[tuple[str, int, int]]()

    def answer(self, requests: Sequence[Request], *, alone: bool = False) -> Iterator[Answer]:
        for _ in requests:
            self.effort.answered += 1
            now = self._now[-1]
            assert now is not None
            self.seen.append((now.subject, now.done, now.asked))
            yield Failed("cannot", "it only counts")

    def open(self) -> AbstractContextManager[Any]:
        raise AssertionError

    def close(self) -> None: ...


def asking() -> Asking[int]:
    first = yield Ask("candidate", ASKED)
    second = yield Ask("original", ASKED[:1])
    return len(first) + len(second)


def test_a_round_counts_its_own_answers_only_and_ends() -> None:
    told: list[Round | None] = []
    subject = Slow(told)
    assert drive(asking(), {"candidate": subject, "original": subject}, Residency(), told.append) == 4
    assert subject.seen == [("candidate", 1, 3), ("candidate", 2, 3), ("candidate", 3, 3), ("original", 1, 1)]
    assert told[-1] is None
