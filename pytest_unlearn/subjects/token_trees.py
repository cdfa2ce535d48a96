"""Token sequences that begin alike, read as trees: every token once, after those that it follows, without padding.

A batch has one tree a row. What a token may look at is written into its mask: the common start, and its own way down
from there (tree attention: Miao et al., "SpecInfer", arXiv 2305.09781). So a tree may be read in several goes, each of
which adds tokens below those that have been read.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.prefix import Ids, Start, common, expanded, sent

if TYPE_CHECKING:
    from torch import Tensor

TREES = (64, 128, 256)  # tokens of a tree: in small ones less is shared, in large ones there is more to look past
LOOK = 1 / 2500  # what it costs a token to look past another one, in tokens
ROOT = 0  # the node at which the common start ends


class TokenTrees:
    """Trees that are read from the root down. A node is a token at its place in a tree, numbered as it is read."""

    def __init__(self, body: Body, begun: Start, rows: int) -> None:
        """So many trees, all of which follow a common start."""
        self._body, self._before = body, len(begun.ids)
        self._cache = expanded(body, begun, rows)
        self._width = self._before  # columns of the cache
        self._ways: list[list[tuple[int, ...]]] = [[()] for _ in range(rows)]  # the columns down to each node

    def size(self, row: int) -> int:
        """How many nodes a row has: the number of the next one."""
        return len(self._ways[row])

    def read(self, new: Sequence[Sequence[tuple[int, int]]]) -> Tensor:
        """States (rows, T, D) of new nodes, (parent, token) each, in every row; a parent stands before its children."""
        import numpy

        body, width = self._body, max(map(len, new))
        ids = numpy.zeros((len(new), width), dtype=numpy.int64)
        places = numpy.zeros_like(ids)
        seen = numpy.zeros((len(new), width, self._width + width), dtype=bool)
        seen[:, :, : self._before] = True
        seen[:, range(width), range(self._width, self._width + width)] = True  # itself, what pads a row too
        for row, (nodes, ways) in enumerate(zip(new, self._ways, strict=True)):
            for at, (parent, token) in enumerate(nodes):
                way = (*ways[parent], self._width + at)
                ids[row, at], places[row, at] = token, self._before + len(way) - 1
                seen[row, at, list(way)] = True
                ways.append(way)
        self._width += width
        counts = sum(map(len, new))
        on_device = [sent(torch.from_numpy(array), body.device) for array in (ids, seen, places)]
        return body.read_trees(on_device[0], on_device[1], on_device[2], self._cache, counts)


def tree_of(rows: Sequence[Ids], nodes: int) -> tuple[list[tuple[int, int]], list[int]]:
    """A tree of several sequences, and the node at which each of them ends. `nodes` is the number of the first."""
    new: list[tuple[int, int]] = []
    below: dict[tuple[int, int], int] = {}
    ends = []
    for ids in rows:
        node = ROOT
        for token in ids:
            if (node, token) not in below:
                below[node, token] = nodes + len(new)
                new.append((node, token))
            node = below[node, token]
        ends.append(node)
    return new, ends


def divided(rows: Sequence[Ids], more: Sequence[int], before: int, room: int) -> list[list[int]]:
    """Indices of sequences in trees, so that reading these as a batch costs least.

    `more` tokens are going to be read below the end of each, and `before` stand before all of them. No tree has many
    more tokens than `room`.
    """
    options = [way(rows, more, min(tokens, room)) for way in (_neighbours, _evenly) for tokens in TREES]
    trees, _ = min(options, key=lambda option: cost(option[1], before))
    return [tree for tree in trees if tree]


def cost(sizes: Sequence[float], before: int) -> float:
    """About what a batch of trees costs, in tokens: the smaller are padded to the largest, and all is looked at."""
    return len(sizes) * max(sizes) * (1 + LOOK * (before + max(sizes)))


def _neighbours(rows: Sequence[Ids], more: Sequence[int], tokens: int) -> tuple[list[list[int]], list[float]]:
    """Trees of about as many tokens each, in which those stand together that begin alike; and how many they have."""
    order = sorted(range(len(rows)), key=lambda i: rows[i])
    new: list[int] = []
    before: Ids = ()
    for i in order:
        new.append(len(rows[i]) - len(common([before, rows[i]])) + more[i])
        before = rows[i]
    count = max(1, -(-sum(new) // tokens))
    share, done = sum(new) / count, 0.0
    trees: list[list[int]] = [[] for _ in range(count)]
    sizes = [0.0] * count
    for i, some in zip(order, new, strict=True):
        at = min(count - 1, int((done + some / 2) / share))
        sizes[at] += some if trees[at] else len(rows[i]) + more[i]
        trees[at].append(i)
        done += some
    return trees, sizes


def _evenly(rows: Sequence[Ids], more: Sequence[int], tokens: int) -> tuple[list[list[int]], list[float]]:
    """Trees of as many tokens each, where sequences have little in common: the longest first, each to the smallest."""
    wholes = [len(row) + some for row, some in zip(rows, more, strict=True)]
    trees: list[list[int]] = [[] for _ in range(max(1, -(-sum(wholes) // tokens)))]
    heap = [(0.0, at) for at in range(len(trees))]
    for i in sorted(range(len(rows)), key=lambda i: -wholes[i]):
        size, at = heapq.heappop(heap)
        trees[at].append(i)
        heapq.heappush(heap, (size + wholes[i], at))
    return trees, [size for size, _ in heap]
