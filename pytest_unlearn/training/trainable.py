"""Which weights of a model a method may change: all of them, low-rank adapters, some layers, some modules."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_unlearn.errors import MethodError, did_you_mean
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.body import float32
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.subjects.sites import sites
from pytest_unlearn.training.data import Layers, LoopConfig, LoraConfig, Modules

if TYPE_CHECKING:
    from torch import Generator, nn


@contextmanager
def trainable(now: Opened, config: LoopConfig, generator: Generator) -> Iterator[list[nn.Parameter]]:
    """The parameters of `now.module` to train; while this is open, only what `config.trainable` names has a gradient.

    Trained parameters are in float32 whatever the model's own precision: a step of 1e-5 vanishes in bfloat16. At the
    end the module is a plain one in its own precision again, unless `config` says to keep the adapters. Raises
    MethodError where nothing matches.
    """
    module = now.module
    module.requires_grad_(False)
    with _lora(now, config.lora, generator) if config.trainable == "lora" else _own(module, config) as weights:
        yield weights
    module.requires_grad_(False)


@contextmanager
def _own(module: nn.Module, config: LoopConfig) -> Iterator[list[nn.Parameter]]:
    """Some of the module's own parameters."""
    if isinstance(config.trainable, Layers):
        weights = _layers(module, config.trainable.layers)
    elif isinstance(config.trainable, Modules):
        weights = _modules(module, config.trainable.modules)
    else:
        weights = list(module.parameters())
    with float32(module):
        for weight in weights:
            weight.requires_grad_(True)
        yield weights


@contextmanager
def _lora(now: Opened, config: LoraConfig, generator: Generator) -> Iterator[list[nn.Parameter]]:
    """Adapters on every linear layer but the head (arXiv 2106.09685), drawn from `generator`.

    At the end they are merged, or kept: then `now.module` is the model with adapters.
    """
    from peft import LoraConfig as Adapters
    from peft import get_peft_model

    plan = Adapters(r=config.rank, lora_alpha=config.alpha, lora_dropout=0.0, target_modules="all-linear")
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for names that will go
        wrapped = get_peft_model(now.module, plan)
    weights = []
    for name, weight in now.module.named_parameters():
        if not weight.requires_grad:
            continue
        if "lora_A" in name:  # (rank, inputs); peft's own draw came from the global generator
            bound = 1 / math.sqrt(weight.shape[1])
            weight.data.copy_(torch.empty(weight.shape).uniform_(-bound, bound, generator=generator))
        weights.append(weight)
    yield weights
    if config.keep:
        now.module = wrapped
    else:
        wrapped.merge_and_unload()


def _layers(module: nn.Module, span: tuple[int, ...]) -> list[nn.Parameter]:
    """Parameters of the layers from the first to the last of `span`."""
    found = sites(module)
    layers = [found[f"layer.{i}"] for i in range(len(found)) if f"layer.{i}" in found]
    first, last = min(span), max(span)
    if first < 0 or last >= len(layers):
        raise MethodError(
            f"`trainable: {{layers: {list(span)}}}` names a layer that is not there:"
            f" the model has {len(layers)}, counted from 0"
        )
    return [weight for layer in layers[first : last + 1] for weight in layer.parameters()]


def _modules(module: nn.Module, names: tuple[str, ...]) -> list[nn.Parameter]:
    """Parameters whose dotted name contains one of `names`; each name must match."""
    known = dict(module.named_parameters())
    for name in names:
        if not any(name in dotted for dotted in known):
            parts = {part for dotted in known for part in dotted.split(".") if not part.isdigit()}
            wrong = next((part for part in name.split(".") if part not in parts and not part.isdigit()), name)
            raise MethodError(
                f"`trainable: {{modules: ...}}`: no parameter has '{name}' in its name{did_you_mean(wrong, parts)}"
            )
    return [weight for dotted, weight in known.items() if any(name in dotted for name in names)]
