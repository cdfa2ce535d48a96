"""Weight averaging: end at the mean of the last steps instead of at the last one.

Paper: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018 (arXiv
1803.05407): an equal mean of weights along the way.
Needs: nothing beside what its method needs.

    theta' = 1/k sum_{i = n-k}^{n-1} theta_i                    theta_i: the weights after step i of n, k = ceil(last n)

A training that `watch` ends before the first of these steps ends with its last one; after it, with the mean so far.

When it fails: a mean lies behind the last step, so that less is forgotten after as many steps; where the training runs
away, the mean lags but follows. Adapters are averaged one matrix at a time, which is not the mean of their products.

Worked example: one weight that is 1, 2, 4 after three steps. last = 1 gives 7/3, last = 2/3 gives 3, last = 1/3 gives
4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt, Le

from pytest_unlearn.training.plug import PlugIn, Weights, plug_in

ROUNDING = 1e-9  # of a number of steps: 2/3 of 3 are 2


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightAveragingConfig:
    """`last`: the share of the steps, the last ones, whose weights are averaged, e.g. `0.25`"""

    last: Annotated[float, Gt(0), Le(1)] = 0.5


@plug_in("weight_averaging")
class WeightAveraging(PlugIn):
    """Keeps a running mean and ends with it."""

    config: WeightAveragingConfig

    def stepped(self, weights: Weights, i: int, n: int) -> None:
        """Take a step into the mean, if it is one of the last."""
        taken = i - (n - math.ceil(self.config.last * n - ROUNDING))  # steps in the mean so far
        if taken == 0:
            self.state["mean"] = {name: weight.detach().clone() for name, weight in weights.items()}
        elif taken > 0:
            for name, mean in self.state["mean"].items():
                mean.add_((weights[name] - mean) / (taken + 1))

    def finished(self, start: Weights, weights: Weights) -> None:
        """The mean in place of the last step, where there is one."""
        for name, mean in self.state.get("mean", {}).items():
            weights[name].copy_(mean)
