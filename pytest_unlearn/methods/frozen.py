"""What the frozen original says, for objectives that measure against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_unlearn.lazy import torch
from pytest_unlearn.methods.sampler import EncodedSet
from pytest_unlearn.methods.terms import Rows, SetName, sequence_logp
from pytest_unlearn.subjects.protocol import Opened

if TYPE_CHECKING:
    from torch import Tensor


class Frozen:
    """Outputs of the original, the weights that training starts from. Training works on a copy and never changes them.

    Log-probabilities of a set are computed once, for all its examples, when the objective first asks for one of them:
    an objective that never asks pays nothing.
    """

    def __init__(self, opened: Opened, sets: Mapping[SetName, EncodedSet], rows_at_once: int = 8) -> None:
        self._opened, self._sets, self._rows_at_once = opened, sets, rows_at_once
        self._logp: dict[SetName, Tensor] = {}

    def logp(self, rows: Rows) -> Tensor:
        """Log-probability of each answer under the original, (B,), natural log, summed over its tokens, no gradient."""
        if rows.set not in self._logp:
            self._logp[rows.set] = self._measure(self._sets[rows.set])
        known = self._logp[rows.set]  # (examples,)
        return known[torch.tensor(rows.at, device=known.device)]

    def _measure(self, examples: EncodedSet) -> Tensor:
        places = range(len(examples))
        parts = [places[i : i + self._rows_at_once] for i in range(0, len(places), self._rows_at_once)]
        with torch.no_grad():
            return torch.cat([sequence_logp(*self._opened.logits(examples.rows(at, at).batch)) for at in parts])
