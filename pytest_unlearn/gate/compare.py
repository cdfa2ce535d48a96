"""Two records of one check side by side: the same questions, paired, whole units at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unlearn.verdict import bootstrap, paired
from pytest_unlearn.verdict.outcomes import Outcomes, unpacked
from pytest_unlearn.verdict.paired import holm

LEVEL = 0.05  # that something is told as a change which is none, in all checks of a scenario together
SEED = 0  # of the interval that is shown beside a change


@dataclass(frozen=True, slots=True)
class Change:
    """What changed for one grader. `worse` and `better` are the probabilities that chance does as much.

    `lost` questions are wrong now and were not before, `gained` the reverse; `moved` units have changed. Of a measure,
    which is `apart` where its intervals do not meet, all of these are 0.
    """

    grader: str
    worse: float
    better: float
    n: int = 0
    lost: int = 0
    gained: int = 0
    net: float = 0.0
    low: float = 0.0
    high: float = 0.0
    moved: int = 0
    told: str = ""

    @property
    def apart(self) -> bool:
        """Whether it is a measure of which the intervals do not meet."""
        return bool(self.told) and self.worse != self.better

    def __str__(self) -> str:
        if self.told:
            return f"{self.grader}: {self.told}"
        return (
            f"{self.grader}: {self.lost} of {self.n} answers are worse and {self.gained} better, "
            f"net {self.net:+.1%} (between {self.low:+.1%} and {self.high:+.1%})"
        )


def change(grader: str, mode: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change | str | None:
    """What changed between two tallies of a grader; why they cannot be compared; None where there is nothing to."""
    if old.get("outcomes") is None and new.get("outcomes") is None:
        return _measured(grader, mode, old, new)
    if old.get("outcomes") is None or new.get("outcomes") is None:
        return f"{grader}: only one of the two has asked anything that counts"
    try:
        before, after = (Outcomes(**one["outcomes"]) for one in (old, new))
        first, second = unpacked(before), unpacked(after)
    except (TypeError, ValueError, AttributeError) as error:
        return f"{grader}: the outcomes are damaged: {error}"
    pairs = list(zip(first, second, strict=False))
    same_questions = before.of == after.of and (not before.of or len(first) == len(second))
    if not same_questions or any(one != other for (one, _), (other, _) in pairs):
        return f"{grader}: other questions were asked"
    return _paired(grader, pairs)


def real(changes: Sequence[Change], *, better: bool = False) -> list[bool]:
    """Which of the changes of a scenario are worse, or better, than chance explains, all of them together.

    So few units may have changed that even if all did the same way, chance would do as much: such a change is none, and
    takes no part of the level (Tarone, "A modified Bonferroni method for discrete data", Biometrics 1990).
    """
    values = [one.better if better else one.worse for one in changes]
    tested = [i for i, one in enumerate(changes) if not one.told and 0.5**one.moved <= LEVEL]
    sure = dict(zip(tested, holm([values[i] for i in tested], LEVEL), strict=True))
    return [sure.get(i, one.apart and values[i] == 0) for i, one in enumerate(changes)]


def _paired(grader: str, pairs: list[tuple[tuple[int, bool], tuple[int, bool]]]) -> Change | None:
    changes: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for (unit, before), (_, after) in pairs:
        changes[unit] = changes.get(unit, 0) + after - before
        sizes[unit] = sizes.get(unit, 0) + 1
    if not pairs:
        return None
    each = list(changes.values())
    if not any(each):
        return Change(grader, 1.0, 1.0, len(pairs))
    net, low, high = bootstrap.ratio(each, list(sizes.values()), LEVEL, SEED)
    return Change(
        grader,
        paired.worse(each),
        paired.worse([-one for one in each]),
        len(pairs),
        sum(after > before for (_, before), (_, after) in pairs),
        sum(after < before for (_, before), (_, after) in pairs),
        net,
        max(low, -1.0),
        min(high, 1.0),
        sum(one != 0 for one in each),
    )


def _measured(grader: str, mode: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Change | None:
    """A measure has no answers to pair: its intervals must lie apart."""
    numbers = [one.get(name) for one in (old, new) for name in ("estimate", "lower", "upper")]
    if mode not in ("limit", "atleast") or not all(isinstance(number, int | float) for number in numbers):
        return None
    value, low, high, now, now_low, now_high = map(float, numbers)  # type: ignore[arg-type]
    if now_low <= high and low <= now_high:
        return Change(grader, 1.0, 1.0, told=f"{now:.4g} instead of {value:.4g}")
    is_worse = (now > value) == (mode == "limit")
    told = f"{now:.4g} (between {now_low:.4g} and {now_high:.4g}) instead of {value:.4g} ({low:.4g} to {high:.4g})"
    return Change(grader, float(not is_worse), float(is_worse), told=told)
