"""Which rows a step trains on: shuffled passes over the forget set, and as many retain rows beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_unlearn.digest import seed_of
from pytest_unlearn.lazy import torch
from pytest_unlearn.methods.data import Example
from pytest_unlearn.methods.terms import IGNORED, Pair, Rows, SetName
from pytest_unlearn.subjects.opened import TextBatch
from pytest_unlearn.subjects.protocol import Opened

if TYPE_CHECKING:
    from torch import Generator


class EncodedSet:
    """The forget or the retain set as token ids, encoded once and cut into rows as they are asked for."""

    def __init__(self, name: SetName, examples: Sequence[Example], opened: Opened) -> None:
        self.name = name
        self._all = opened.encode([(example.prompt, example.answer) for example in examples])
        self._weights = torch.tensor([example.weight for example in examples], device=self._all.ids.device)
        self._lengths: list[int] = self._all.mask.sum(1).tolist()
        self._answers: list[int] = (self._all.labels != IGNORED).sum(1).tolist()

    def __len__(self) -> int:
        return len(self._lengths)

    def tokens(self, i: int) -> int:
        """Answer tokens of the example at this place."""
        return self._answers[i]

    def size(self, at: Sequence[int]) -> int:
        """Tokens that a batch of these rows takes, padding included."""
        return len(at) * max(self._lengths[i] for i in at)

    def rows(self, at: Sequence[int], step: Sequence[int]) -> Rows:
        """The rows at these places, a piece of a step that trains on the places `step`."""
        places = torch.tensor(at, device=self._all.ids.device)
        width = max(self._lengths[i] for i in at)
        ids, mask, labels = (part[places, :width] for part in (self._all.ids, self._all.mask, self._all.labels))
        lengths = tuple(self._answers[i] for i in step)
        batch = TextBatch(ids, mask, labels)
        weights = self._weights[places]
        return Rows(self.name, batch, tuple(at), weights, len(step), sum(lengths), tuple(step), lengths)


def cyclic(n: int, size: int, generator: Generator) -> Iterator[list[int]]:
    """Endless batches of `size` places below `n`: shuffled passes, each place once before any comes again."""
    waiting: list[int] = []
    while True:
        while len(waiting) < size:
            waiting += torch.randperm(n, generator=generator).tolist()
        yield waiting[:size]
        waiting = waiting[size:]


def paired_steps(
    sets: Mapping[SetName, EncodedSet], batch: int, seed: int, tokens_at_once: int
) -> Iterator[list[Pair]]:
    """Endless steps, each a list of pieces of at most about `tokens_at_once` tokens; their gradients add up.

    A step takes `batch` rows of the forget set (of the retain set where it stands alone) and as many of the retain set;
    of a smaller set it takes all.
    """
    size = min(batch, len(sets["forget"] if "forget" in sets else sets["retain"]))
    samplers = {
        name: cyclic(len(rows), min(size, len(rows)), torch.Generator().manual_seed(seed_of(seed, name)))
        for name, rows in sets.items()
    }
    while True:
        step = {name: next(sampler) for name, sampler in samplers.items()}
        tokens = sum(sets[name].size(at) for name, at in step.items())
        pieces = min(-(-tokens // tokens_at_once), *(len(at) for at in step.values()), size)
        yield [
            Pair({name: sets[name].rows(at[piece::pieces], at) for name, at in step.items()}) for piece in range(pieces)
        ]
