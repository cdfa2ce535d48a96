"""How a training passes through the model: in which precision, and whether it keeps what it needs to go back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.training.data import LoopConfig

if TYPE_CHECKING:
    from torch import nn


def precision(module: nn.Module, config: LoopConfig) -> AbstractContextManager[Any]:
    """What a pass forward runs in: where precision is mixed, matrices multiply in bfloat16 on CUDA.

    Weights that train, their gradients and the log-probabilities stay in float32. A CPU gains nothing by it.
    """
    if config.precision == "full" or next(module.parameters()).device.type != "cuda":
        return nullcontext()
    return torch.autocast("cuda", dtype=torch.bfloat16)


@contextmanager
def checkpointed(now: Opened, config: LoopConfig) -> Iterator[None]:
    """While this is open, a layer keeps what went into it alone, and works the rest out again on the way back.

    This is gradient checkpointing (arXiv 1604.06174), done to layers as they are: that of transformers needs them in
    training mode, with their dropout. Raises MethodError where no layers are known.
    """
    if not config.gradient_checkpointing:
        yield
        return
    layers = [site for name, site in now.sites.items() if name.startswith("layer.") and name.count(".") == 1]
    if not layers:
        raise MethodError("`gradient_checkpointing: true` works on layers, and this model has none that are known")
    own = [vars(layer).get("forward") for layer in layers]
    for layer in layers:
        again = partial(torch.utils.checkpoint.checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False)
        layer.forward = again
    try:
        yield
    finally:
        for layer, before in zip(layers, own, strict=True):
            del layer.forward
            if before is not None:
                layer.forward = before
