"""The optimiser of the loop: AdamW, the same with states of 8 bits, or plain gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.training.data import LoopConfig

if TYPE_CHECKING:
    from torch import Tensor


def optimiser_of(weights: Sequence[Tensor], config: LoopConfig) -> torch.optim.Optimizer:
    """What `config.optimiser` names. Raises MethodError where its package is not there."""
    options: Any = {"lr": config.lr, "weight_decay": config.weight_decay}
    if config.optimiser == "sgd":
        return torch.optim.SGD(weights, **options)
    options["betas"] = (config.momentum, 0.999)
    if config.optimiser == "adamw":
        return torch.optim.AdamW(weights, **options)
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError as error:
        raise MethodError(
            f"`optimiser: adamw_8bit` needs the package bitsandbytes ({error}): pip install bitsandbytes, or write "
            "`optimiser: adamw`"
        ) from error
    made: torch.optim.Optimizer = AdamW8bit(weights, **options)
    return made
