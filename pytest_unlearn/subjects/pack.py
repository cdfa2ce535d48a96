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


@dataclass(slots=True)
class Budget:
    """How many token positions a batch may hold. Shrinks when memory runs out and stays so."""

    tokens: int


def packs(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices in batches of similar lengths, longest first: rows times the longest is at most `tokens`, or one row."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    found: list[list[int]] = []
    for i in order:
        if found and (len(found[-1]) + 1) * lengths[found[-1][0]] <= tokens:
            found[-1].append(i)
        else:
            found.append([i])
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
