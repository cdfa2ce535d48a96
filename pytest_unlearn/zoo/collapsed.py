"""Nothing is left of the model: it answers nothing anywhere."""

from __future__ import annotations

from pathlib import Path

from pytest_unlearn.lazy import torch
from pytest_unlearn.zoo.leak import Ground, TuneConfig, leak


@leak("collapsed", caught_by={"keep.neighbours", "keep.far", "keep.retained", "measure.perplexity_ratio"})
def collapsed(ground: Ground, config: TuneConfig, folder: Path) -> None:
    """Noise of twice their own spread is added to all weights."""
    with ground.opened() as now, torch.no_grad():
        random = torch.Generator().manual_seed(ground.seed)
        for weights in now.module.parameters():
            if weights.ndim == 2:
                weights.add_(2.0 * weights.std() * torch.randn(weights.shape, generator=random))
        now.save(folder)
