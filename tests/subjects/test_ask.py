"""Generators that ask side by side: one round, one ask a subject."""

from __future__ import annotations

import pytest

from pytest_unlearn.subjects.answers import Answer, Failed
from pytest_unlearn.subjects.ask import Ask, Asking, ahead, together
from pytest_unlearn.subjects.requests import Prompt, Score


def request(name: str) -> Score:
    return Score(Prompt.of(name), ("x",))


def part(name: str, subjects: str, *, broken: bool = False) -> Asking[list[str]]:
    """Asks one subject after the other about `name` and its number; returns what it was told."""
    told: list[str] = []
    for i, subject in enumerate(subjects):
        answers = yield Ask(subject, (request(f"{name}{i}"), request(f"{name}{i}!")))
        told += [answer.why for answer in answers if isinstance(answer, Failed)]
        if broken:
            raise RuntimeError(name)
    return told


def answered(ask: Ask) -> list[Answer]:
    return [Failed("cannot", f"{ask.subject}:{request.prompt.text}") for request in ask.requests]  # type: ignore[union-attr]


def run(asking: Asking[object]) -> tuple[list[tuple[str, int]], object]:
    asked: list[tuple[str, int]] = []
    try:
        ask = next(asking)
        while True:
            asked.append((ask.subject, len(ask.requests)))
            ask = asking.send(answered(ask))
    except StopIteration as stop:
        return asked, stop.value


def test_a_round_asks_each_subject_once_and_each_part_gets_its_own_answers() -> None:
    asked, results = run(together([part("a", "oc"), part("b", "occ"), part("c", "c"), part("d", "")]))
    assert asked == [("o", 4), ("c", 2), ("c", 4), ("c", 2)]
    assert results == [
        ["o:a0", "o:a0!", "c:a1", "c:a1!"],
        ["o:b0", "o:b0!", "c:b1", "c:b1!", "c:b2", "c:b2!"],
        ["c:c0", "c:c0!"],
        [],
    ]


def test_what_is_asked_alone_is_not_mixed_with_the_rest() -> None:
    def alone() -> Asking[None]:
        yield Ask("o", (request("z"),), alone=True)

    def open_() -> Asking[None]:
        yield Ask("o", (request("y"),))

    assert run(together([alone(), open_()]))[0] == [("o", 1), ("o", 1)]


def test_an_error_in_one_part_ends_all() -> None:
    with pytest.raises(RuntimeError, match="a"):
        run(together([part("a", "oc", broken=True), part("b", "oc")]))


def test_asking_ahead_stops_after_its_rounds_and_leaves_out_what_breaks() -> None:
    asked, result = run(ahead([part("a", "occ"), part("b", "oc", broken=True), part("c", "o")], rounds=2))
    assert asked == [("o", 6), ("c", 2)]
    assert result is None
