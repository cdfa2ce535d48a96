"""What the frozen original says, for objectives that measure against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.training.sampler import EncodedSet
from pytest_unlearn.training.terms import Rows, SetName, sequence_logp, site_states

if TYPE_CHECKING:
    from torch import Tensor, nn

KEEP = 1 << 30  # bytes
LOGP, LOGITS = "logp", "logits"

View: TypeAlias = tuple[SetName, str]
"""What is asked of the original about a set: `logp`, `logits`, or the name of a site whose states are wanted."""


class Frozen:
    """What the original says, taken from the weights before their first step.

    Log-probabilities of answers are always computed then and kept: a number a row. Logits and states are kept as well
    where all of them together take at most `keep` bytes. Where they take more, they are computed when they are asked
    for, with the weights as they were before the first step: of those that train, and of no others, a copy is held.
    """

    def __init__(
        self,
        opened: Opened,
        sets: Mapping[SetName, EncodedSet],
        rows_at_once: int = 8,
        views: Sequence[SetName | View] | None = None,
        keep: int = KEEP,
    ) -> None:
        """`views` are what will be asked for; a set alone stands for its `logp`, and None for those of all sets."""
        asked = sets if views is None else views
        wanted = [(view, LOGP) if isinstance(view, str) else view for view in asked]
        self.views = frozenset((name, what) for name, what in wanted if name in sets)
        self._opened = opened
        self._kept: dict[View, list[Tensor]] = {}
        self._start: list[tuple[nn.Parameter, Tensor]] = []
        large = sorted(view for view in self.views if view[1] != LOGP)
        for name, _ in self.views.difference(large):
            self._kept[name, LOGP] = self._all(sets[name], LOGP, rows_at_once)
        room = float(keep)
        for view in large:  # the first row tells how much a token takes
            rows = sets[view[0]]
            first = self._say(rows.rows([0], [0]), view[1])[0]
            room -= first[0].numel() * first.element_size() * sum(map(rows.tokens, range(len(rows))))
        self.live = room < 0
        for name, what in () if self.live else large:
            self._kept[name, what] = self._all(sets[name], what, rows_at_once)

    def hold(self, weights: Sequence[nn.Parameter]) -> None:
        """These weights are going to change: remember them as they are, where the original is to be run later."""
        if self.live:
            self._start = [(weight, weight.detach().clone()) for weight in weights]

    def logp(self, rows: Rows) -> Tensor:
        """Log-probability of each answer under the original, (B,), natural log, summed over its tokens, no gradient.

        Raises LookupError for a set that `train` was not asked to measure.
        """
        return torch.stack(self._of(rows, LOGP))

    def logits(self, rows: Rows) -> Tensor:
        """The original's logits at answer positions, (B, T, V) in float32, as `Opened.logits` gives them, no gradient.

        Raises LookupError for a set on which `train` was not asked for them, `original=((SET, "logits"),)`.
        """
        return _padded(self._of(rows, LOGITS))

    def states(self, rows: Rows, site: str) -> Tensor:
        """What leaves a site in the original, at the positions that predict the answer, (B, T, D), no gradient.

        Raises LookupError for a set on which `train` was not asked for them, `original=((SET, SITE),)`.
        """
        return _padded(self._of(rows, site))

    def _of(self, rows: Rows, what: str) -> list[Tensor]:
        """One tensor a row."""
        if (rows.set, what) not in self.views:
            raise LookupError(
                f"this objective compares with the original on the {rows.set} set: `train` must be told so"
            )
        if (known := self._kept.get((rows.set, what))) is not None:
            return [known[i] for i in rows.at]
        with self.as_it_was():
            return self._say(rows, what)

    def _all(self, examples: EncodedSet, what: str, rows_at_once: int) -> list[Tensor]:
        """One tensor an example."""
        places = range(len(examples))
        parts = [places[i : i + rows_at_once] for i in range(0, len(places), rows_at_once)]
        return [one for at in parts for one in self._say(examples.rows(at, at), what)]

    def _say(self, rows: Rows, what: str) -> list[Tensor]:
        """One tensor a row, without padding, from the weights as they are now."""
        counts = (rows.batch.labels[:, 1:] != -100).sum(1).tolist()
        with torch.no_grad():
            if what == LOGP:
                return list(sequence_logp(*self._opened.logits(rows.batch)))
            if what == LOGITS:
                values, _ = self._opened.logits(rows.batch)  # (batch, answer, vocab)
            else:
                values, _ = site_states(self._opened, rows.batch, what)  # (batch, answer, width)
            return [value[:count].clone() for value, count in zip(values, counts, strict=True)]

    @contextmanager
    def as_it_was(self) -> Iterator[None]:
        """The weights from before the first step, in place of those of now."""
        now = [weight.data for weight, _ in self._start]
        try:
            for weight, start in self._start:
                weight.data = start
            yield
        finally:
            for (weight, _), data in zip(self._start, now, strict=True):
                weight.data = data


def _padded(rows: list[Tensor]) -> Tensor:
    padded: Tensor = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return padded
