"""What came of each question of a check, as a few characters: enough to pair two runs that asked the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Questions in the order in which they were asked.

    `bits`: hexadecimal, four questions a digit, the first one highest: 1 where one leaks, or is not answered rightly
    although it should be
    `units`: how the questions share units: `3,1` is three about one unit, then one about the next; `2@0` two more about
    the first; `1*40` the same forty times
    `of`: a digest of the questions; empty where they are draws, of which another run may need more
    """

    bits: str
    units: str
    of: str = ""


def packed(units: Sequence[str], bad: Iterable[bool], of: str = "") -> Outcomes:
    """What came of questions about `units`, one entry each."""
    marks = "".join("1" if one else "0" for one in bad)
    if len(marks) != len(units):
        raise ValueError(f"{len(units)} units do not match {len(marks)} outcomes")
    digits = -(-len(marks) // 4)
    numbers: dict[str, int] = {}
    tokens = []
    for unit, group in groupby(units):
        size = sum(1 for _ in group)
        tokens.append(f"{size}@{numbers[unit]}" if unit in numbers else str(size))
        numbers.setdefault(unit, len(numbers))
    runs = [(token, sum(1 for _ in group)) for token, group in groupby(tokens)]
    told = ",".join(token if times == 1 else f"{token}*{times}" for token, times in runs)
    return Outcomes(f"{int(marks.ljust(4 * digits, '0') or '0', 2):0{digits}x}" if marks else "", told, of)


def unpacked(outcomes: Outcomes) -> list[tuple[int, bool]]:
    """The number of the unit of each question, and what came of it; raises ValueError where the two do not fit."""
    units: list[int] = []
    seen, most = 0, 4 * len(outcomes.bits)
    for run in filter(None, outcomes.units.split(",")):
        token, _, times = run.partition("*")
        size, _, old = token.partition("@")
        if (all_of := len(units) + int(size) * int(times or 1)) > most:
            raise ValueError(f"{all_of} questions do not fit into {len(outcomes.bits)} digits")
        for _ in range(int(times or 1)):
            units += [int(old) if old else seen] * int(size)
            seen += not old
    marks = "".join(f"{int(digit, 16):04b}" for digit in outcomes.bits)
    if -(-len(units) // 4) != len(outcomes.bits) or "1" in marks[len(units) :]:
        raise ValueError(f"{len(units)} questions do not fit into {len(outcomes.bits)} digits")
    return [(unit, mark == "1") for unit, mark in zip(units, marks, strict=False)]
