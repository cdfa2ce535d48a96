"""How one answer is read. A grader sees one answer; judging many is the business of `checks/` and `verdict/`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_unlearn.probes.probe import Probe
from pytest_unlearn.registry import GRADERS
from pytest_unlearn.subjects.answers import Answer, Failed, Outputs
from pytest_unlearn.subjects.requests import Prompt, Request, Verb

RIGHT = 0.5  # from which value on an answer counts as right


@dataclass(frozen=True, slots=True)
class Grade:
    """`value` in [0, 1]: how right the answer is. `leak`: it reveals the target. `said`: what was answered.

    `gap`: how far its log-probabilities are from another reading. `unstable`: it is read otherwise when it is asked in
    a batch. `hits`: of several sampled answers, which reveal the target; `leak` is then whether any does.
    """

    value: float
    leak: bool
    said: str
    gap: float = math.inf
    unstable: bool = False
    hits: tuple[bool, ...] = ()

    @property
    def right(self) -> bool:
        """Whether the answer counts as right."""
        return self.value >= RIGHT

    @property
    def share(self) -> float:
        """How much of what is answered reveals the target, in [0, 1]."""
        return sum(self.hits) / len(self.hits) if self.hits else float(self.leak)

    @property
    def known(self) -> bool:
        """Whether the target is revealed by the answer; of several, by at least half of them."""
        return self.share >= RIGHT

    @property
    def often(self) -> str:
        """How many of several answers reveal the target, in words; empty for one answer."""
        return f"{sum(self.hits)} of {len(self.hits)} samples" if self.hits else ""


class Grader(Protocol):
    """One way of reading answers; made from its config and used for every subject of a check."""

    name: str
    verb: Verb  # what a subject must be able to do

    def request(self, probe: Probe) -> Request:
        """What to put to a subject for this probe."""
        ...

    def stand_in(self, probes: Sequence[Probe], prompt: Prompt) -> Request:
        """A request about an invented entity whose one answer can be graded for each of the probes of one way."""
        ...

    def grade(self, probe: Probe, request: Request, answer: Answer) -> Grade:
        """Read an answer to `request`; raises UnansweredError when it is none."""
        ...

    def chance(self, probe: Probe) -> float:
        """The chance of a leak by blind choice, in [0, 1]."""
        ...


class UnansweredError(Exception):
    """A subject gave no answer. Never counted as forgotten: the check ends in `error`.

    `silent`: it ended its answer before it said anything; nothing else went wrong. `unreadable`: it cannot read what it
    was asked, which is too long for it.
    """

    def __init__(self, why: str, *, silent: bool = False, unreadable: bool = False) -> None:
        super().__init__(why)
        self.silent, self.unreadable = silent, unreadable


def grader(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a grader: `(config) -> Grader`."""
    return GRADERS.register(name)


def spoken(answer: Answer) -> str:
    """What was generated; raises UnansweredError where nothing was."""
    if isinstance(answer, Failed):
        raise UnansweredError(answer.why, silent=answer.reason == "empty", unreadable=answer.reason == "unreadable")
    if not isinstance(answer, Outputs):
        raise UnansweredError(f"expected generated text, got {type(answer).__name__}")
    return answer.items[0].text
