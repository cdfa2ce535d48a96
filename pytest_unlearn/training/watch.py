"""When a training ends before its last step: what the model is asked on the way, and how little it may still recall."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from pytest_unlearn.errors import MethodError
from pytest_unlearn.subjects.answers import Scores
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.subjects.requests import Score
from pytest_unlearn.training.data import Data, Example, WatchConfig


def questions(examples: Iterable[Example]) -> tuple[Score, ...]:
    """Examples as what is asked of the model, with no other answers beside theirs."""
    return tuple(Score(example.prompt, (example.answer,), detail="tokens") for example in examples)


def recalled(request: Score, answer: Scores) -> float:
    """How much of an answer is there, in [0, 1].

    The first target is what must go. With others beside it, 1 where none of them is likelier. Alone, 1 where each of
    its tokens is the likeliest next one, so that the model would say it; of a raw text, which no model says to its end,
    the share of such tokens ("exact memorisation").
    """
    if len(request.targets) > 1:
        return float(answer.logp[0] >= max(answer.logp[1:]))
    (tokens,) = answer.tokens or ()
    return sum(tokens.hit) / len(tokens.hit) if request.prompt.raw else float(all(tokens.hit))


class Watching:
    """Looks at a model before some of its steps. What it asks is what `data.watch` says, else the forget set."""

    def __init__(self, now: Opened, data: Data, config: WatchConfig) -> None:
        """`now` is the model as it is trained, its adapters included."""
        self._config, self._requests = config, data.watch or questions(data.forget)
        if not self._requests:
            raise MethodError("`watch` looks at what must be forgotten, and the forget set is empty")
        self._subject = cast(Any, now.subject())
        self._subject.linted = False  # its template is the original's

    def enough(self, i: int) -> bool:
        """Whether the training ends before step `i`, from 0.

        Raises MethodError where it would before the first: there is nothing that could be seen to go.
        """
        if i % self._config.every:
            return False
        share = self.share()
        if i == 0 and share <= self._config.limit:
            raise MethodError(
                f"`watch` ends the training where {self._config.limit:.3g} of what must be forgotten is recalled, and "
                f"before its first step the model recalls {share:.3g}: lower `limit`, or leave `watch` out"
            )
        return share <= self._config.limit

    def share(self) -> float:
        """How much of what is asked the model recalls now, a mean over the questions, in [0, 1]."""
        found = list(self._subject.answer(self._requests))
        for answer in found:
            if not isinstance(answer, Scores):
                raise MethodError(f"`watch` could not ask the model: {answer.why}")
        return sum(map(recalled, self._requests, found)) / len(found)
