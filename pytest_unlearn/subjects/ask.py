"""How a check or a metric reaches a model: it asks by name and is sent the answers."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from pytest_unlearn.subjects.answers import Answer
from pytest_unlearn.subjects.requests import Request

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ask:
    """Requests for the subject called `original`, `candidate` or `reference`; `alone`: one at a time, in float32."""

    subject: str
    requests: tuple[Request, ...]
    alone: bool = False


Asking: TypeAlias = Generator[Ask, list[Answer], Result]


def together(parts: Iterable[Asking[Result]]) -> Asking[list[Result]]:
    """Run several side by side and give their results in order: what they ask of one subject is asked at once."""
    running = _Running(parts)
    while running.waiting:
        yield from running.round()
    return [running.results[i] for i in sorted(running.results)]


def ahead(parts: Iterable[Asking[Result]], rounds: int) -> Asking[None]:
    """Ask what several are going to ask in their first rounds, for a memo to keep. One that raises is left out."""
    running = _Running(parts, careful=False)
    for _ in range(rounds):
        yield from running.round()


class _Running(Generic[Result]):
    """Generators, what each of them waits for, and what has come out of them."""

    def __init__(self, parts: Iterable[Asking[Result]], *, careful: bool = True) -> None:
        self.waiting: dict[int, Ask] = {}
        self.results: dict[int, Result] = {}
        self._parts, self._careful = list(parts), careful
        for i in range(len(self._parts)):
            self._go_on(i, None)

    def round(self) -> Generator[Ask, list[Answer], None]:
        """Ask each subject once, and let every part go on that was waiting."""
        groups: dict[tuple[str, bool], list[int]] = {}
        for i, ask in self.waiting.items():
            groups.setdefault((ask.subject, ask.alone), []).append(i)
        answers: dict[int, list[Answer]] = {}
        for (subject, alone), members in groups.items():
            merged = tuple(request for i in members for request in self.waiting[i].requests)
            found: Iterator[Answer] = iter((yield Ask(subject, merged, alone)))
            answers |= {i: [next(found) for _ in self.waiting[i].requests] for i in members}
        for i in sorted(answers):
            del self.waiting[i]
            self._go_on(i, answers[i])

    def _go_on(self, i: int, answers: list[Answer] | None) -> None:
        part = self._parts[i]
        try:
            self.waiting[i] = next(part) if answers is None else part.send(answers)
        except StopIteration as stop:
            self.results[i] = stop.value
        except Exception:
            if self._careful:
                raise
