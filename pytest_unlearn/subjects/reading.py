"""Prompts and their targets in trees of tokens, read from the root down as far as somebody wants to know.

The state of a prompt's last token predicts every first token of its targets. Where only the likeliest target matters,
the most promising is read first, and of the others no more than shows that they are not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TypeAlias

from pytest_unlearn.subjects.body import Body
from pytest_unlearn.subjects.prefix import Ids
from pytest_unlearn.subjects.token_trees import TokenTrees, tree_of
from pytest_unlearn.subjects.told import Row, Told, tell
from pytest_unlearn.subjects.trie import Trie

PHASES = ("leader", "next", "rest")  # the most promising, one more token of others, what is left
AT_ONCE = 1024  # tokens of a tree that are read at once below its prompts: each looks at all that stand there
Node: TypeAlias = tuple[int, int]  # a job, and a node of its trie; node 0 is the end of its prompt


@dataclass(frozen=True, slots=True)
class Job:
    """A prompt and the token ids of its distinct targets, none of them empty; see `Score` for `field`."""

    prompt: Ids
    targets: tuple[Ids, ...]
    field: frozenset[Ids] = frozenset()


class Reading:
    """Some jobs whose prompts follow a common start of `before` tokens; `trees` are their indices, a tree of tokens
    each, that `read` reads.
    """

    def __init__(
        self,
        body: Body,
        jobs: Sequence[Job],
        trees: Sequence[Sequence[int]],
        before: int,
        read: TokenTrees,
        detail: bool,
    ) -> None:
        self._body, self._jobs, self._trees, self._tokens, self._detail = body, jobs, trees, read, detail
        self._tries = {i: Trie(jobs[i].targets) for tree in trees for i in tree}
        self._before = before
        self._number: dict[Node, int] = {}  # in its tree of tokens, of what was read
        self._told: dict[Node, Told] = {}

    def rows(self, tokens: int) -> dict[int, list[Row]]:
        """What each token of each target got, by job; at most `tokens` are read at once after the prompts."""
        prompts, ends = [], dict[int, Node]()
        for row, tree in enumerate(self._trees):
            new, nodes = tree_of([self._jobs[i].prompt[self._before :] for i in tree], self._tokens.size(row))
            self._number |= {(i, 0): node for i, node in zip(tree, nodes, strict=True)}
            ends |= {i: (row, node - self._tokens.size(row)) for i, node in zip(tree, nodes, strict=True)}
            prompts.append(new)
        step = max(1, min(AT_ONCE, tokens // len(self._trees)))
        whole = [self._unread((i for i in tree if not self._jobs[i].field), "all") for tree in self._trees]
        self._read([nodes[:step] for nodes in whole], prompts, ends)
        nothing: list[list[Node]] = [[] for _ in self._trees]
        for low in range(step, max(map(len, whole)), step):
            self._read([nodes[low : low + step] for nodes in whole], nothing, {})
        for phase in PHASES:
            wanted = [self._unread(tree, phase) for tree in self._trees]
            for low in range(0, max(map(len, wanted)), step):
                self._read([nodes[low : low + step] for nodes in wanted], nothing, {})
        return {i: [self._so_far(i, path) for path in trie.paths] for i, trie in self._tries.items()}

    def _read(self, wanted: Sequence[Sequence[Node]], prompts: Sequence[list[Node]], ends: dict[int, Node]) -> None:
        """Read nodes below what is `prompts` in each row, and note what is predicted there and where prompts end."""
        new, places = [], {(i, 0): place for i, place in ends.items()}
        for row, (nodes, before) in enumerate(zip(wanted, prompts, strict=True)):
            first = self._tokens.size(row)
            for at, (i, node) in enumerate(nodes, start=len(before)):
                self._number[i, node] = first + at
                places[i, node] = row, at
            trie_of = self._tries
            new.append([*before, *((self._number[i, trie_of[i].parent[n]], trie_of[i].token[n]) for i, n in nodes)])
        states = self._tokens.read(new)  # (rows, T, D)
        asked = {
            (i, child): (row * states.shape[1] + at, self._tries[i].token[child])
            for (i, node), (row, at) in places.items()
            for child in self._tries[i].children[node].values()
        }
        told = tell(self._body, states.flatten(0, 1), list(asked.values()), self._detail)
        self._told.update(zip(asked, told, strict=True))

    def _unread(self, jobs: Iterable[int], phase: str) -> list[Node]:
        """The nodes of some jobs that are to be read now and have not been, parents first."""
        nodes: dict[Node, None] = {}
        for i in jobs:
            chosen = range(len(self._jobs[i].targets)) if phase == "all" else self._chosen(i, phase)
            for path in self._tries[i].rows(chosen, 1 if phase == "next" else None):
                nodes |= dict.fromkeys((i, node) for node in path if (i, node) not in self._number)
        return list(nodes)

    def _chosen(self, i: int, phase: str) -> list[int]:
        """Which targets to read on now: first the likeliest of the field, then those that may still beat it."""
        job, paths = self._jobs[i], self._tries[i].paths
        if not job.field:
            return []  # all were read at once
        rows = [self._so_far(i, path) for path in paths]
        short = [t for t, row in enumerate(rows) if len(row) < len(paths[t])]
        bound = [sum(token.logp for token in row) for row in rows]
        field = [t for t in range(len(rows)) if job.targets[t] in job.field]
        floor = max((bound[t] for t in field if t not in short), default=-math.inf)
        able = [t for t in short if not bound[t] < floor]  # what is no number stays in and is told from the answer
        return able if phase != "leader" else sorted((t for t in able if t in field), key=lambda t: -bound[t])[:1]

    def _so_far(self, i: int, path: Sequence[int]) -> Row:
        """What is known of a target's tokens, from the first on."""
        return [self._told[i, node] for node in takewhile(lambda node: (i, node) in self._told, path)]
