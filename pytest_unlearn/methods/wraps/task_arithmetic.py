"""Task arithmetic: go a part of the way that the training went, or the other way.

Paper: Ilharco et al., "Editing Models with Task Arithmetic", ICLR 2023 (arXiv 2212.04089); unlearning is
their negation, for which there is the plug-in `negation`: a negative factor here would undo a training that forgets.
Needs: nothing beside what its method needs.

    theta' = theta_0 + lambda (theta - theta_0)                 theta_0: the weights before the first step

Where adapters are trained, the second of the two matrices alone is scaled, so that the product of both is.

When it fails: what was forgotten on the way back is no straight line: at half a factor recall may be all there or all
gone, and what must stay suffers with the length of the way. Choose lambda by a check, not by eye.

Worked example: three weights that went from (1, 1, 1) to (2, 0, 1). lambda = 0.5 gives (1.5, 0.5, 1), lambda = -1 gives
(0, 2, 1), lambda = 1 the trained weights, lambda = 0 those of the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from pytest_unlearn.training.plug import PlugIn, Weights, plug_in


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskArithmeticConfig:
    """`factor`: lambda: 1 is the training as it is, 0 the original, below 0 the other way"""

    factor: Annotated[float, Ge(-10), Le(10)] = 1.0


@plug_in("task_arithmetic")
class TaskArithmetic(PlugIn):
    """Scales what the training changed."""

    config: TaskArithmeticConfig

    def finished(self, start: Weights, weights: Weights) -> None:
        """Weights on the line through the start and the end."""
        go(start, weights, self.config.factor)


def go(start: Weights, weights: Weights, factor: float) -> None:
    """Change `weights` in place: `factor` of the way from `start`."""
    adapters = any("lora_B" in name for name in weights)
    for name, weight in weights.items():
        if not adapters:
            weight.copy_(start[name] + factor * (weight - start[name]))
        elif "lora_B" in name:  # (outputs, rank), 0 at the start
            weight.mul_(factor)
