"""What is to be said in place of a forgotten answer: refusals and wrong answers, as rows beside the forget rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Literal, TypeAlias

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.requests import Prompt
from pytest_unlearn.training.data import Data, Example
from pytest_unlearn.training.sampler import EncodedSet
from pytest_unlearn.training.terms import Pair

REFUSALS_EACH = 5  # another in each pass of the default number of passes

Beside: TypeAlias = Literal["refusals", "alternates"]


def partners_of(data: Data, beside: Beside, seed: int) -> list[list[Example]]:
    """For each forget example its question with other answers; an empty list where `data` holds none at all.

    Refusals: five of them, drawn for each example. Alternates: all that answer its question. Raises MethodError where
    an example has no alternate.
    """
    if beside == "refusals":
        generator = torch.Generator().manual_seed(seed_of(seed, beside))
        drawn = [torch.randperm(len(data.refusals), generator=generator)[:REFUSALS_EACH] for _ in data.forget]
        return (
            [
                [replace(example, answer=data.refusals[i]) for i in some]
                for example, some in zip(data.forget, drawn, strict=True)
            ]
            if data.refusals
            else []
        )
    answers: dict[Prompt, list[str]] = {}
    for example in data.alternates:
        answers.setdefault(example.prompt, []).append(example.answer)
    if not answers:
        return []
    without = sum(example.prompt not in answers for example in data.forget)
    if without:
        raise MethodError(
            f"{without} of {len(data.forget)} forget examples have no alternate answer: give each question some"
        )
    return [[replace(example, answer=answer) for answer in answers[example.prompt]] for example in data.forget]


def with_partners(steps: Iterator[list[Pair]], examples: EncodedSet, counts: Sequence[int]) -> Iterator[list[Pair]]:
    """The same steps, each forget row with a row of `examples` beside it.

    `examples` holds the partners of the first forget row, then those of the second, and so on: `counts` of them. A row
    that comes again gets the next of its own.
    """
    starts = [0, *accumulate(counts)]
    visits = [0] * len(counts)
    for pieces in steps:
        step = next((pair.forget.step for pair in pieces if "forget" in pair.rows), ())
        partner = {i: starts[i] + visits[i] % counts[i] for i in step}
        for i in partner:
            visits[i] += 1
        told = [partner[i] for i in step]
        yield [
            Pair({**pair.rows, examples.name: examples.rows([partner[i] for i in pair.forget.at], told)})
            if "forget" in pair.rows
            else pair
            for pair in pieces
        ]
