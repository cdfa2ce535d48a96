"""Coreset: forget a share of the forget set, chosen by a rule, and see whether that forgets the rest.

Paper: the coreset effect of unlearning benchmarks: a twentieth of the forget set, drawn at random, may unlearn what all
of it does, provided that training is as long. Rules: GraNd (arXiv 2107.07075), Moderate coreset (ICLR 2023), Min-K%
Prob (arXiv 2310.16789). Its code was not read.
Needs: FORGET.

    C = the k = ceil(share n) rows of n with the largest score s_i, in their own order

    random      s_i is drawn
    gradient    s_i = |grad of the mean -log p of the answer's tokens|                        GraNd, all weights
    moderate    s_i = -| d_i - median d |,  d_i = | h_i - mean h |                           h: states of the last layer
    min_k       s_i = mean of the lowest fifth of log p of the answer's tokens                the best memorised first

Scores are those of the model before the first step; h_i is a mean over answer positions.

When it fails: a pass over a twentieth is a twentieth of the steps: compare at equal `steps`. Judge on facts outside the
coreset, else it is memorising; where facts share no words, nothing carries over to the others.

Worked example: three rows at distances 1, 2 and 6 from their centre: the median is 2, s = (-1, 0, -4), and share = 0.6
takes ceil(1.8) = 2 rows, the first and the second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Gt, Le

from pytest_unlearn.digest import seed_of
from pytest_unlearn.errors import MethodError
from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened
from pytest_unlearn.training.data import FORGET, Data, Example
from pytest_unlearn.training.plug import PlugIn, plug_in
from pytest_unlearn.training.terms import IGNORED, site_states, token_logp

if TYPE_CHECKING:
    from torch import Tensor

LOWEST = 0.2  # of an answer's tokens
ROUNDING = 1e-9  # of a number of rows: a fifth of 15 is 3


@dataclass(frozen=True, slots=True, kw_only=True)
class CoresetConfig:
    """The choice.

    `share`: how much of the forget set is trained on, e.g. `5%`
    `by`: the rule that chooses
    """

    share: Annotated[float, Gt(0), Le(1)] = 0.1
    by: Literal["random", "gradient", "moderate", "min_k"] = "random"


@plug_in("coreset", needs={FORGET})
class Coreset(PlugIn):
    """Trains on a part of the forget set."""

    config: CoresetConfig

    def data(self, data: Data, now: Opened) -> Data:
        """`data` with a smaller forget set; raises MethodError where the method does not train on one."""
        if not data.forget:
            raise MethodError("the plug-in 'coreset' chooses from the forget set, and this method does not train on it")
        if self.config.by == "random":
            generator = torch.Generator().manual_seed(seed_of(self.seed, "coreset"))
            scores = torch.rand(len(data.forget), generator=generator)
        else:
            rule = {"gradient": _gradients, "moderate": _moderate, "min_k": _memorised}[self.config.by]
            scores = rule(data.forget, now)
        wanted = math.ceil(self.config.share * len(data.forget) - ROUNDING)
        chosen = scores.argsort(descending=True, stable=True)[:wanted].tolist()
        return replace(data, forget=tuple(data.forget[i] for i in sorted(chosen)))


def _gradients(examples: tuple[Example, ...], now: Opened) -> Tensor:
    """The length of each example's gradient, (examples,)."""
    weights = list(now.module.parameters())
    asked = [weight.requires_grad for weight in weights]
    now.module.requires_grad_(True)
    found = []
    for example in examples:
        values, labels = now.logits(now.encode([(example.prompt, example.answer)]))  # (1, answer, vocab), (1, answer)
        loss = -token_logp(values, labels).mean()
        parts = torch.autograd.grad(loss, weights, allow_unused=True)
        found.append(sum(float(part.float().square().sum()) for part in parts if part is not None) ** 0.5)
    for weight, before in zip(weights, asked, strict=True):
        weight.requires_grad_(before)
    return torch.tensor(found)


def _moderate(examples: tuple[Example, ...], now: Opened) -> Tensor:
    """How near each example's distance from the centre is to the median of them, (examples,)."""
    layers = sum(name.startswith("layer.") and name.count(".") == 1 for name in now.sites)
    if not layers:
        raise MethodError("`coreset: {by: moderate}` reads the last layer, and this model has none that is known")
    found = []
    with torch.no_grad():
        for example in examples:
            batch = now.encode([(example.prompt, example.answer)])
            states, _ = site_states(now, batch, f"layer.{layers - 1}")  # (1, answer, width)
            found.append(states[0].float().mean(0))
    return moderate(torch.stack(found))


def moderate(states: Tensor) -> Tensor:
    """Scores of the rule from states (examples, width)."""
    away = (states - states.mean(0)).norm(dim=1)  # (examples,)
    scores: Tensor = -(away - away.median()).abs()
    return scores


def _memorised(examples: tuple[Example, ...], now: Opened) -> Tensor:
    """The mean of the lowest log-probabilities of each example's answer, (examples,)."""
    found = []
    with torch.no_grad():
        for example in examples:
            values, labels = now.logits(now.encode([(example.prompt, example.answer)]))
            logp = token_logp(values, labels)[labels != IGNORED]  # (answer,)
            found.append(logp.sort().values[: math.ceil(LOWEST * len(logp) - ROUNDING)].mean().item())
    return torch.tensor(found)
