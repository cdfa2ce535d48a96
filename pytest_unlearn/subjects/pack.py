"""Batches that fit, and going on when one does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.answers import Failed
from pytest_unlearn.subjects.body import is_memory

Item = TypeVar("Item")
Made = TypeVar("Made")

ALIKE = 0.8
FULL = 128  # new tokens from which a batch is as fast as a larger one; smaller ones take in any row


@dataclass(slots=True)
class Budget:
    """How many token positions a batch may hold. Shrinks when memory runs out and stays so."""

    tokens: int


def packs(new: Sequence[int], tokens: int, before: Sequence[int], alike: float = ALIKE) -> list[list[int]]:
    """Indices in batches of similar numbers of `new` tokens, which are padded to the longest; longest first.

    `alike` is the share of the longest row that another must have to be padded to it.

    `before` counts what each row keeps in memory beside them. Rows times the longest of both is at most `tokens`, or
    the batch is one row.
    """
    found: list[list[int]] = []
    kept = 0  # the most that a row of the last batch has before its new tokens
    for i in sorted(range(len(new)), key=lambda i: (-new[i], -before[i])):
        if found:
            pack, longest = found[-1], new[found[-1][0]]
            fits = (len(pack) + 1) * (longest + max(kept, before[i])) <= tokens
            if fits and (new[i] >= alike * longest or len(pack) * longest < FULL):
                pack.append(i)
                kept = max(kept, before[i])
                continue
        found.append([i])
        kept = before[i]
    return found


def persevere(
    items: Sequence[Item], budget: Budget, work: Callable[[Sequence[Item]], Sequence[Made]]
) -> list[Made | Failed]:
    """`work(items)`, one result an item, in order. After an error the two halves are tried apart, down to single items.

    Out of memory halves `budget` too, which `work` reads; a single item goes on until the budget is one token.
    """
    try:
        return list(work(items))
    except Exception as error:  # whatever one request does to a model must not take the others with it
        memory, why = is_memory(error), f"{type(error).__name__}: {error}"
    if memory:
        budget.tokens = max(1, budget.tokens // 2)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    if len(items) > 1:
        half = len(items) // 2
        return persevere(items[:half], budget, work) + persevere(items[half:], budget, work)
    if memory and budget.tokens > 1:
        return persevere(items, budget, work)
    return [Failed("memory" if memory else "cannot", why)] if items else []
