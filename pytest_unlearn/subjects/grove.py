"""Token sequences that begin alike, read as trees: every token once, after those that it follows, without padding.

A batch has one tree a row. What a token may look at is written into its mask: the common start, and its own way down
from there. So a tree may be read in several goes, each of which adds tokens below those that have been read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.prefix import Ids, Start, common, expanded, sent

if TYPE_CHECKING:
    from torch import Tensor

TREE = 256  # tokens of a tree: fewer waste the device, and each looks at all the others to leave most of them out
ROOT = 0  # the node at which the common start ends


class Grove:
    """Trees that grow. A node is a token at its place in its row's tree, numbered in the order of reading."""

    def __init__(self, body: Body, begun: Start, rows: int) -> None:
        """So many trees, all of which follow a common start."""
        self._body, self._before = body, len(begun.ids)
        self._cache = expanded(body, begun, rows)
        self._width = self._before  # columns of the cache
        self._ways: list[list[tuple[int, ...]]] = [[()] for _ in range(rows)]  # the columns down to each node

    def size(self, row: int) -> int:
        """How many nodes a row has: the number of the next one."""
        return len(self._ways[row])

    def grow(self, new: Sequence[Sequence[tuple[int, int]]]) -> Tensor:
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


def plant(rows: Sequence[Ids], nodes: int) -> tuple[list[tuple[int, int]], list[int]]:
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


def divided(rows: Sequence[Ids], more: Sequence[int], tokens: int) -> list[list[int]]:
    """Indices of sequences in trees of about as many tokens each, those that begin alike together.

    `more` tokens are going to be read below the end of each. No tree has many more than `tokens`.
    """
    order = sorted(range(len(rows)), key=lambda i: rows[i])
    costs: list[int] = []
    before: Ids = ()
    for i in order:
        costs.append(len(rows[i]) - len(common([before, rows[i]])) + more[i])
        before = rows[i]
    trees = max(1, -(-sum(costs) // tokens))
    share, done = sum(costs) / trees, 0.0
    found: list[list[int]] = [[] for _ in range(trees)]
    for i, cost in zip(order, costs, strict=True):
        found[min(trees - 1, int((done + cost / 2) / share))].append(i)
        done += cost
    return [tree for tree in found if tree]
