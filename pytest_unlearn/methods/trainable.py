"""Which weights of a model a method may change: all of them, low-rank adapters, some layers, some modules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_unlearn.errors import MethodError, did_you_mean
from pytest_unlearn.lazy import torch
from pytest_unlearn.methods.data import Layers, LoopConfig, LoraConfig, Modules

if TYPE_CHECKING:
    from torch import Generator, nn


@dataclass(frozen=True, slots=True, eq=False)
class Trainable:
    """The parameters to train, and what turns the trained module back into the plain one (adapters are merged)."""

    weights: list[nn.Parameter]
    finish: Callable[[], None]


def trainable(module: nn.Module, config: LoopConfig, generator: Generator) -> Trainable:
    """Let only what `config.trainable` names require a gradient; `module` is changed in place.

    Trained weights are float32 whatever the model's own precision: an update of 1e-5 vanishes in bfloat16. `finish`
    restores the precision. Raises MethodError where nothing matches.
    """
    module.requires_grad_(False)
    if config.trainable == "lora":
        return _lora(module, config.lora, generator)
    if isinstance(config.trainable, Layers):
        weights = _layers(module, config.trainable.layers)
    elif isinstance(config.trainable, Modules):
        weights = _modules(module, config.trainable.modules)
    else:
        weights = list(module.parameters())
    dtypes = {name: tensor.dtype for name, tensor in module.state_dict().items()}
    module.float()
    for weight in weights:
        weight.requires_grad_(True)

    def finish() -> None:
        module.requires_grad_(False)
        for name, tensor in module.state_dict(keep_vars=True).items():
            tensor.data = tensor.data.to(dtypes[name])

    return Trainable(weights, finish)


def _lora(module: nn.Module, config: LoraConfig, generator: Generator) -> Trainable:
    """Adapters on every linear layer but the output head (arXiv 2106.09685), drawn from `generator`, merged by `finish`."""
    from peft import LoraConfig as Adapters
    from peft import get_peft_model

    plan = Adapters(r=config.rank, lora_alpha=config.alpha, lora_dropout=0.0, target_modules="all-linear")
    with torch.random.fork_rng():  # peft draws from the global generator; the draw is replaced below
        wrapped = get_peft_model(module, plan)
    weights = []
    for name, weight in module.named_parameters():
        if not weight.requires_grad:
            continue
        if "lora_A" in name:  # (rank, inputs), uniform as in the paper's code; lora_B starts at 0
            bound = 1 / math.sqrt(weight.shape[1])
            drawn = torch.empty(weight.shape).uniform_(-bound, bound, generator=generator)
            weight.data.copy_(drawn)
        weights.append(weight)

    def finish() -> None:
        wrapped.merge_and_unload()
        module.requires_grad_(False)

    return Trainable(weights, finish)


def _layers(module: nn.Module, span: tuple[int, ...]) -> list[nn.Parameter]:
    """Parameters of the decoder layers from the first to the last of `span`; the outermost list of modules holds them."""
    stack = next((part for part in module.modules() if isinstance(part, torch.nn.ModuleList)), None)
    if stack is None:
        raise MethodError("`trainable: {layers: ...}` needs a model with a stack of layers, and this one has none")
    first, last = min(span), max(span)
    if first < 0 or last >= len(stack):
        raise MethodError(
            f"`trainable: {{layers: {list(span)}}}` names a layer that is not there:"
            f" the model has {len(stack)}, from 0 to {len(stack) - 1}"
        )
    return [weight for layer in list(stack)[first : last + 1] for weight in layer.parameters()]


def _modules(module: nn.Module, names: tuple[str, ...]) -> list[nn.Parameter]:
    """Parameters whose dotted name contains one of `names`; each name must match."""
    known = dict(module.named_parameters())
    for name in names:
        if not any(name in dotted for dotted in known):
            parts = {part for dotted in known for part in dotted.split(".") if not part.isdigit()}
            wrong = next((part for part in name.split(".") if part not in parts and not part.isdigit()), name)
            raise MethodError(f"`trainable: {{modules: ...}}`: no parameter has '{name}' in its name{did_you_mean(wrong, parts)}")
    return [weight for dotted, weight in known.items() if any(name in dotted for name in names)]
