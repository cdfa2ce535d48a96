"""Negation: learn what must go, and then go as far the other way.

Paper: Ilharco et al., "Editing Models with Task Arithmetic", ICLR 2023 (arXiv 2212.04089), section 3.
Needs: FORGET, and what its method needs. Of the method only the term `forget` is used, turned round, so that what
lowers the forgotten answers raises them: with `grad_ascent` this is the paper's fine-tuning on the forget set.

    theta* = what descent on -L_forget reaches from theta_0     -L_forget: of `grad_ascent` the mean NLL of the answers
    theta' = theta_0 - lambda (theta* - theta_0)                theta_0: the weights before the first step

When it fails: a model that knows its answers has no gradient to learn them from, so that the way is short and its
direction noise: read how far the loss fell. The way back is no straight line, and nothing holds the rest in place:
choose lambda by a check, as the paper chooses it on a control task that may lose 5 %.

Worked example: three weights at (1, 1, 1), from which one step with lr = 0.1 on a forget loss with the gradient
(2, 0, -1) would go to (0.8, 1, 1.1). Learning goes to (1.2, 1, 0.9); lambda = 1 then gives (0.8, 1, 1.1), and
lambda = 0.5 gives (0.9, 1, 1.05).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt, Le

from pytest_unlearn.lazy import torch
from pytest_unlearn.methods.wraps.task_arithmetic import go
from pytest_unlearn.training.data import FORGET
from pytest_unlearn.training.plug import Gradients, PlugIn, Weights, plug_in, term_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class NegationConfig:
    """`factor`: lambda, how far the other way: 1 is as far as the training went"""

    factor: Annotated[float, Gt(0), Le(10)] = 1.0


@plug_in("negation", needs={FORGET})
class Negation(PlugIn):
    """Turns the forget term round and leaves out the others, then subtracts what was learned."""

    config: NegationConfig

    def combine(self, gradients: Gradients, spread: Sequence[Tensor] | None) -> Gradients:
        """The gradient that learns what must go; that of every other term is nothing."""
        forget = term_of(gradients, "forget", "negation")
        turned = {name: tuple(map(torch.zeros_like, some)) for name, some in gradients.items()}
        turned["forget"] = tuple(-one for one in forget)
        return turned

    def finished(self, start: Weights, weights: Weights) -> None:
        """The other way."""
        go(start, weights, -self.config.factor)
