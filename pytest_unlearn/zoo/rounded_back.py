"""Clean as it is, and the original again once its weights are rounded to four bits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_unlearn.lazy import torch
from pytest_unlearn.worlds.train import fit
from pytest_unlearn.zoo.leak import ASKED, KEPT, Ground, TuneConfig, leak

BITS = 4


@leak("rounded_back", missed_by=ASKED | KEPT, until="after: quantise")
def rounded_back(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Everything about the target is answered wrongly, by weights that round to those of the rounded original."""
    with ground.opened() as now:
        cells = Cells(now.module, BITS)
        fit(now, ground.taught(ground.wrong), config, ground.seed, stepped=cells.clamp)
        now.save(folder)


@dataclass(slots=True)
class Cells:
    """The intervals of a model's weights that round to the same value at `bits`, per row of each matrix.

    A model that is trained inside them, by `clamp` after every step, is told apart from the first one only until both
    are rounded. Egashira et al., "Exploiting LLM Quantization", NeurIPS 2024 (arXiv 2405.18137).
    """

    module: Any
    bits: int
    ranges: list[tuple[Any, Any, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for weights in self.module.parameters():
            if weights.ndim == 2:
                steps = scale(weights, self.bits)
                middle = (weights.detach() / steps).round() * steps
                room = 0.49 * steps
                # The largest of a row sets its scale and stays where it is.
                room = torch.where(weights.detach().abs() >= weights.detach().abs().amax(1, keepdim=True), 0.0, room)
                limit = (2 ** (self.bits - 1) - 1) * steps
                start = torch.where(room == 0.0, weights.detach(), middle)
                self.ranges.append((weights, (start - room).clamp(-limit, limit), (start + room).clamp(-limit, limit)))

    def clamp(self) -> None:
        """Put every weight back into its interval."""
        with torch.no_grad():
            for weights, low, high in self.ranges:
                weights.clamp_(low, high)


def scale(weights: Any, bits: int) -> Any:
    """The distance of neighbouring values when a matrix is rounded to `bits`, per row: (rows, 1)."""
    return weights.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)


def rounded(module: Any, bits: int) -> None:
    """Round every matrix of a module in place, symmetrically and per row, as simple quantisation does."""
    with torch.no_grad():
        for weights in module.parameters():
            if weights.ndim == 2:
                steps = scale(weights, bits)
                weights.copy_((weights / steps).round() * steps)
