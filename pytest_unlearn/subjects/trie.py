"""Token sequences that begin alike, so that what they have in common is read once."""

from __future__ import annotations

from collections.abc import Iterable

Ids = tuple[int, ...]


class Trie:
    """Targets of one prompt. Node 0 is the prompt; every other node is a token that some target has at that point.

    token     the token of each node
    children  the nodes that go on from each node, by their token
    parent    the node before each node
    paths     for each target the nodes that it walks through, the prompt left out
    """

    def __init__(self, targets: Iterable[Ids]) -> None:
        self.token: list[int] = [-1]
        self.children: list[dict[int, int]] = [{}]
        self.parent: list[int] = [0]
        self.paths = [self._walk(target) for target in targets]

    def rows(self, targets: Iterable[int], deep: int | None = None) -> list[list[int]]:
        """The fewest paths from the prompt on that a model has to read to predict every token of some targets.

        `deep`: no further than so many tokens.
        """
        inner = {node for target in targets for node in self.paths[target][:-1][:deep]}
        ends = inner - {self.parent[node] for node in inner}
        return [self._back(node) for node in sorted(ends)]

    def _walk(self, target: Ids) -> list[int]:
        node, path = 0, []
        for token in target:
            if token not in self.children[node]:
                self.children[node][token] = len(self.token)
                self.token.append(token)
                self.children.append({})
                self.parent.append(node)
            node = self.children[node][token]
            path.append(node)
        return path

    def _back(self, node: int) -> list[int]:
        path = []
        while node:
            path.append(node)
            node = self.parent[node]
        return path[::-1]
