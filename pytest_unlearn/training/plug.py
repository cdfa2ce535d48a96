"""Plug-ins of the training loop, `wrap: [...]`: what one may do, and when it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_unlearn.errors import MethodError, did_you_mean
from pytest_unlearn.lazy import torch
from pytest_unlearn.registry import PLUG_INS, Use
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.training.data import Data, Need
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.terms import Term

if TYPE_CHECKING:
    from torch import Tensor

Weights: TypeAlias = "Mapping[str, Tensor]"  # what is trained, by dotted name
Gradients: TypeAlias = "dict[str, tuple[Tensor, ...]]"  # by term: one tensor a weight, in the order of `Weights`


class PlugIn:
    """Any of five hooks; one that is not overridden does nothing. Several plug-ins act in the order they are written.

    `config` is the dataclass that its annotation names. `state` holds what must survive an interruption: tensors, plain
    numbers and lists of these, by name.
    """

    def __init__(self, config: Any, seed: int) -> None:
        self.config, self.seed = config, seed
        self.state: dict[str, Any] = {}

    def data(self, data: Data, now: Opened) -> Data:
        """Once, first: what is trained on instead of `data`. `now` is the model before its first step."""
        return data

    def original(self, frozen: Frozen, now: Opened) -> Frozen:
        """Once, before the first step: what the objective is to hear as the original."""
        return frozen

    def combine(self, gradients: Gradients, spread: Sequence[Tensor] | None) -> Gradients:
        """In every step, before clipping: the gradient of each term, to be added up with the terms' weights.

        They are those of the whole step and of all trained weights, each without its weight. `spread` is the
        optimiser's sqrt(v) + eps, by which it divides a gradient; None where it has none, as before the first step.
        """
        return gradients

    def stepped(self, weights: Weights, i: int, n: int) -> None:
        """After step `i`, from 0, of `n`."""

    def finished(self, start: Weights, weights: Weights) -> None:
        """Once, after the last step: change `weights` in place. `start` is what they were before the first."""


def plug_in(
    name: str, *, needs: frozenset[Need] | set[Need] = frozenset(), version: int = 1
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a subclass of `PlugIn` whose annotation `config` names its frozen config dataclass.

    `needs`: what of `data` it cannot do without. Raise `version` when its mathematics changes.
    """
    return PLUG_INS.register(name, needs=frozenset(needs), version=version)


def plug_ins(uses: Sequence[Use], seed: int) -> list[PlugIn]:
    """The plug-ins of a run, in order. Raises UnlearnError for a name that there is not."""
    return [PLUG_INS.get(use.name).make(use.config, seed) for use in uses]


def having(plugged: Sequence[PlugIn], hook: str) -> list[PlugIn]:
    """Those that do something at a hook."""
    return [one for one in plugged if getattr(type(one), hook) is not getattr(PlugIn, hook)]


def term_of(gradients: Gradients, name: str, who: str) -> tuple[Tensor, ...]:
    """The gradient of a term that the plug-in `who` cannot do without; raises MethodError where there is none."""
    if name not in gradients:
        raise MethodError(
            f"the plug-in '{who}' works on the term '{name}', and this method has none{did_you_mean(name, gradients)}: "
            "choose another method, or leave the plug-in out"
        )
    return gradients[name]


def add_gradients(found: Gradients, terms: Mapping[str, Term], weights: Weights) -> None:
    """Add the gradient of each term of a piece, without its weight, to those of the pieces before it."""
    some = list(weights.values())
    for name, term in terms.items():
        if term.total.requires_grad:
            more = torch.autograd.grad(term.mean, some, retain_graph=True, allow_unused=True, materialize_grads=True)
        else:
            more = tuple(map(torch.zeros_like, some))
        found[name] = tuple(a + b for a, b in zip(found[name], more, strict=True)) if name in found else more


def weigh(gradients: Gradients, shares: Mapping[str, float], weights: Weights) -> None:
    """Give each trained weight the sum of its gradients, each times the weight of its term."""
    for i, weight in enumerate(weights.values()):
        weight.grad = sum((shares[name] * of[i] for name, of in gradients.items()), torch.zeros_like(weight))


def spread_of(optimiser: torch.optim.Optimizer, weights: Weights) -> list[Tensor] | None:
    """sqrt(v) + eps of an Adam, bias corrected; None before its first step and for an optimiser without one."""
    (group,) = optimiser.param_groups
    found = []
    for weight in weights.values():
        known = optimiser.state.get(weight, {})
        if "exp_avg_sq" not in known:
            return None
        seen = 1 - group["betas"][1] ** float(known["step"])
        found.append((known["exp_avg_sq"] / seen).sqrt() + group["eps"])
    return found
