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
    """Log-probabilities of the original, taken from the weights before their first step: no second model is held."""

    def __init__(self, opened: Opened, sets: Mapping[SetName, EncodedSet], rows_at_once: int = 8) -> None:
        self._logp = {name: _logp(opened, examples, rows_at_once) for name, examples in sets.items()}

    def logp(self, rows: Rows) -> Tensor:
        """Log-probability of each answer under the original, (B,), natural log, summed over its tokens, no gradient.

        Raises LookupError for a set that `train` was not asked to measure.
        """
        if rows.set not in self._logp:
            raise LookupError(
                f"this objective compares with the original on the {rows.set} set: `train` must be told so"
            )
        known = self._logp[rows.set]  # (examples,)
        return known[torch.tensor(rows.at, device=known.device)]


def _logp(opened: Opened, examples: EncodedSet, rows_at_once: int) -> Tensor:
    places = range(len(examples))
    parts = [places[i : i + rows_at_once] for i in range(0, len(places), rows_at_once)]
    with torch.no_grad():
        return torch.cat([sequence_logp(*opened.logits(examples.rows(at, at).batch)) for at in parts])
