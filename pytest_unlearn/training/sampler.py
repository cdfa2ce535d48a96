"""Which rows a step trains on, in which order, and how they are cut into pieces that fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from pytest_unlearn.digest import seed_of
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.opened import TextBatch
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.training.data import Data, Example, Sampler
from pytest_unlearn.training.terms import IGNORED, Pair, Rows, SetName

if TYPE_CHECKING:
    from torch import Generator

Places: TypeAlias = dict[SetName, list[int]]  # of a step, in each set


class EncodedSet:
    """The forget or the retain set as token ids, encoded once and cut into rows as they are asked for."""

    def __init__(self, name: SetName, examples: Sequence[Example], opened: Opened) -> None:
        self.name, self._examples = name, tuple(examples)
        self._all = opened.encode([(example.prompt, example.answer) for example in examples])
        self._weights = torch.tensor([example.weight for example in examples], device=self._all.ids.device)
        self._lengths: list[int] = self._all.mask.sum(1).tolist()
        self._answers: list[int] = (self._all.labels != IGNORED).sum(1).tolist()

    def __len__(self) -> int:
        return len(self._lengths)

    def tokens(self, i: int) -> int:
        """Answer tokens of the example at this place."""
        return self._answers[i]

    def length(self, i: int) -> int:
        """Tokens of the row at this place, its prompt included."""
        return self._lengths[i]

    def size(self, at: Sequence[int]) -> int:
        """Tokens that a batch of these rows takes, padding included."""
        return len(at) * max(self._lengths[i] for i in at)

    def rows(self, at: Sequence[int], step: Sequence[int], where: Sequence[int] | None = None) -> Rows:
        """The rows at these places, a piece of a step that trains on the places `step`.

        `where` they stand in the step: without it, where the same place is named first.
        """
        places = torch.tensor(at, device=self._all.ids.device)
        width = max(self._lengths[i] for i in at)
        ids, mask, labels = (part[places, :width] for part in (self._all.ids, self._all.mask, self._all.labels))
        lengths = tuple(self._answers[i] for i in step)
        return Rows(
            self.name,
            TextBatch(ids, mask, labels),
            tuple(at),
            self._weights[places],
            count=len(step),
            tokens=sum(lengths),
            step=tuple(step),
            lengths=lengths,
            examples=tuple(self._examples[i] for i in step),
            places=tuple(map(step.index, at) if where is None else where),
        )


def passes(n: int, size: int, generator: Generator) -> Iterator[list[int]]:
    """Endless batches of `size` places below `n`: shuffled passes, each place once before any comes again."""
    waiting: list[int] = []
    while True:
        while len(waiting) < size:
            waiting += torch.randperm(n, generator=generator).tolist()
        yield waiting[:size]
        waiting = waiting[size:]


def sampled(sampler: Sampler, data: Data, batch: int, seed: int) -> tuple[int, Iterator[Places]]:
    """How many rows a pass has, and endless steps of `batch` of them, by the name of a sampler.

    paired   a pass is one over the forget set. A step takes `batch` of its rows, and as many of the retain set, which
             is passed through on its own; of a smaller set it takes all
    cyclic   a pass is one over the larger set, whose rows are each paired with the next of the other, round and round
    modular  a pass goes through `modules`: all of both sets, with what is about the same thing side by side

    Where one of the sets is empty, all three are passes over the other.
    """
    sets: dict[SetName, tuple[Example, ...]] = {"forget": data.forget, "retain": data.retain}
    sizes = {name: len(rows) for name, rows in sets.items() if rows}
    if sampler == "paired" or len(sizes) < 2:
        return next(iter(sizes.values())), _paired(sizes, batch, seed)
    if sampler == "cyclic":
        longer = range(max(sizes.values()))
        pairs = [(i % sizes["forget"], i % sizes["retain"]) for i in longer]
    else:
        pairs = modules(data.forget, data.retain, torch.Generator().manual_seed(seed_of(seed, "modules")))
    generator = torch.Generator().manual_seed(seed_of(seed, sampler))
    steps = passes(len(pairs), min(batch, len(pairs)), generator)
    return len(pairs), ({"forget": [pairs[i][0] for i in at], "retain": [pairs[i][1] for i in at]} for at in steps)


def _paired(sizes: dict[SetName, int], batch: int, seed: int) -> Iterator[Places]:
    size = min(batch, next(iter(sizes.values())))
    ways = {
        name: passes(n, min(size, n), torch.Generator().manual_seed(seed_of(seed, name))) for name, n in sizes.items()
    }
    while True:
        yield {name: next(way) for name, way in ways.items()}


def modules(forget: Sequence[Example], retain: Sequence[Example], generator: Generator) -> list[tuple[int, int]]:
    """Pairs of places in the two sets, the pairing of MELU ("Standard vs. Modular Sampling", 2025).

    Forget rows with the same first entity are a module; a retain row that shares an entity with one belongs to the
    first such. In a module the shorter side is repeated until it is as long as the other. Every other retain row stands
    beside a forget row that is drawn. A module without a retain row, which the paper does not have, stands beside
    retain rows that are drawn, so that each row of both sets is there.
    """
    heads: dict[str, list[int]] = {}
    owner: dict[str, str] = {}
    for i, example in enumerate(forget):
        head = example.entities[0] if example.entities else ""
        heads.setdefault(head, []).append(i)
        for entity in example.entities:
            owner.setdefault(entity, head)
    about: dict[str, list[int]] = {head: [] for head in heads}
    others: list[int] = []
    for j, example in enumerate(retain):
        home = next((owner[entity] for entity in example.entities if entity in owner), None)
        (others if home is None else about[home]).append(j)

    def drawn(n: int, count: int) -> list[int]:
        places: list[int] = torch.randint(n, (count,), generator=generator).tolist()
        return places

    pairs = list(zip(drawn(len(forget), len(others)), others, strict=True))
    for head, mine in heads.items():
        kept = about[head] or drawn(len(retain), len(mine))
        pairs += [(mine[i % len(mine)], kept[i % len(kept)]) for i in range(max(len(mine), len(kept)))]
    return pairs


def in_pieces(sets: Mapping[SetName, EncodedSet], steps: Iterator[Places], tokens_at_once: int) -> Iterator[list[Pair]]:
    """The same steps as rows, each a list of pieces of at most about `tokens_at_once` tokens; their gradients add up.

    Rows are sorted by length before they are cut, so that a piece is padded little.
    """
    for step in steps:
        order = {name: _by_length(sets[name], at) for name, at in step.items()}
        ordered = {name: [at[i] for i in order[name]] for name, at in step.items()}
        most = min(map(len, ordered.values()))
        pieces = next((n for n in range(1, most) if _largest(sets, ordered, n) <= tokens_at_once), most)
        cut = {name: _cut(where, pieces) for name, where in order.items()}
        yield [
            Pair({name: sets[name].rows([at[j] for j in cut[name][i]], at, cut[name][i]) for name, at in step.items()})
            for i in range(pieces)
        ]


def _by_length(rows: EncodedSet, at: list[int]) -> list[int]:
    """Where in `at` the shortest row stands, then the next."""
    return sorted(range(len(at)), key=lambda i: rows.length(at[i]))


def _largest(sets: Mapping[SetName, EncodedSet], step: Places, pieces: int) -> int:
    """Tokens of the largest piece of a step."""
    sizes = [[sets[name].size(part) for part in _cut(at, pieces)] for name, at in step.items()]
    return max(map(sum, zip(*sizes, strict=True)))


def _cut(at: list[int], pieces: int) -> list[list[int]]:
    bounds = [-(-len(at) * i // pieces) for i in range(pieces + 1)]  # the longer pieces first, of the shorter rows
    return [at[low:high] for low, high in pairwise(bounds)]
