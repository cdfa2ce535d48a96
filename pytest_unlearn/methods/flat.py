"""FLAT: raise the probability of a refusal against that of the forgotten answer, by a divergence between the two.

Paper: Wang et al., "LLM Unlearning via Loss Adjustment with Only Forget Data", ICLR 2025 (arXiv 2410.11143); defaults
of UCSC-REAL/FLAT.
Needs: FORGET, REFUSALS.

    L(theta) = 1/B sum_b f*(g(P(y_b))) - g(P(r_b))
    P(y)     = 1/|y| sum_{t in y} p_theta(x_t | x_<t)           a mean of probabilities, not of their logarithms
    y_b, r_b   the forget answer b, and a refusal beside it

    divergence         g(v)                       f*(g(v))
    total_variation    tanh(v) / 2                tanh(v) / 2
    kl                 v                          e^(v - 1)
    reverse_kl         -e^-v                      v - 1
    jeffrey            v                          w + 1/w + v - 2, where w e^w = e^(1 - v)
    squared_hellinger  1 - e^-v                   e^v - 1
    jensen_shannon     ln 2 - ln(1 + e^-v)        v + ln(1 + e^-v) - ln 2
    pearson            v                          v^2 / 4 + v
    neyman             1 - e^-v                   2 - 2 e^(-v / 2)

How much each side counts comes from the divergence, and there is nothing to tune. P lies in [0, 1], so the loss is
bounded; with total variation it lies within tanh(1) / 2 = 0.381 of 0. The reference means P over all 499 positions of a
padded row, prompt and padding counting as 0, which makes it smaller by the share of the answer; its learning rates
(1e-5, in the README 2e-7) are tuned to that, and its batch is 64.

Each g rises with v, as where the table comes from (Nowozin et al., "f-GAN", arXiv 1606.00709): only then does a step
down make the refusal likelier and the answer less likely. The reference, `get_contrastive_loss` in `dataloader.py`, has
-e^v and 1 - e^v for reverse_kl, squared_hellinger and neyman, which fall: refusals become less likely, and with the
first two the answers likelier. Its f* of neyman is taken at v rather than at g(v), and that of jeffrey is
v + v^2/4 + v^3/16, the beginning of its series, 1.3125 for 1.3304 at v = 1. Here all are as in the table.

When it fails: where both probabilities are near 0 or a model is certain to saturation, the gradient is gone. Nothing
holds the rest in place, and refusing spreads to retained questions of the same form: read over-refusal there. A refusal
hides the answer rather than removing it.

Worked example, total variation: a forgotten answer of three tokens has probabilities 1/2, 1/4, 3/4, a refusal of one
token 1/4. P = 1/2 and 1/4; L = (tanh 1/2 - tanh 1/4) / 2 = (0.46212 - 0.24492) / 2 = 0.1086.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, REFUSALS, Band, Data, LoopConfig, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.terms import IGNORED, Pair, Rows, Term, token_logp

if TYPE_CHECKING:
    from torch import Tensor

LN2 = math.log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class FLATConfig(LoopConfig):
    """The options of the formula, beside the loop's.

    `divergence`: which one stands between refusals and forget answers
    """

    divergence: Literal[
        "total_variation", "kl", "reverse_kl", "jeffrey", "squared_hellinger", "jensen_shannon", "pearson", "neyman"
    ] = "total_variation"
    weight_decay: Annotated[float, Ge(0)] = 0.01


def flat_terms(now: Opened, original: Frozen, pair: Pair, config: FLATConfig) -> dict[str, Term]:
    """`forget`: the divergence, a mean over rows."""
    wanted, gone = probability(now, pair.refusals), probability(now, pair.forget)  # (batch,) each
    g, conjugate = _divergence(config.divergence)
    losses = conjugate(gone) - g(wanted)  # (batch,)
    return {"forget": Term((pair.forget.weights * losses).sum(), pair.forget.count)}


def probability(now: Opened, rows: Rows) -> Tensor:
    """Mean probability of the tokens of each answer, (B,), in [0, 1]."""
    values, labels = now.logits(rows.batch)  # (batch, answer, vocab), (batch, answer)
    there = labels != IGNORED
    return token_logp(values, labels).exp().masked_fill(~there, 0.0).sum(-1) / there.sum(-1)


def _divergence(name: str) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """g, and f* after g."""
    if name == "total_variation":
        return (lambda v: v.tanh() / 2), (lambda v: v.tanh() / 2)
    if name == "kl":
        return (lambda v: v), (lambda v: (v - 1).exp())
    if name == "jensen_shannon":
        softplus = torch.nn.functional.softplus  # softplus(-v) = ln(1 + e^-v)
        return (lambda v: LN2 - softplus(-v)), (lambda v: v + softplus(-v) - LN2)
    if name == "reverse_kl":
        return (lambda v: -(-v).exp()), (lambda v: v - 1)
    if name == "jeffrey":
        return (lambda v: v), _jeffrey
    if name == "squared_hellinger":
        return (lambda v: 1 - (-v).exp()), (lambda v: v.exp() - 1)
    if name == "neyman":
        return (lambda v: 1 - (-v).exp()), (lambda v: 2 - 2 * (-v / 2).exp())
    return (lambda v: v), (lambda v: v.square() / 4 + v)


def _jeffrey(v: Tensor) -> Tensor:
    """max over u of v u - (u - 1) ln u, for v in [0, 1]. At the u where it is taken the slope is u itself.

    There ln u + 1 - 1/u = v, which Newton's method solves for ln u to the last digit in four steps.
    """
    with torch.no_grad():
        log = v / 2
        for _ in range(4):
            log = log - (log + 1 - (-log).exp() - v) / (1 + (-log).exp())
    u = log.exp()
    return v * u - (u - 1) * log


@method("flat", needs={FORGET, REFUSALS}, band=Band(recall=(0.0, 0.2), retention=(0.0, 0.5)))
def flat(subject: Subject, data: Data, config: FLATConfig, seed: int) -> Subject:
    """`subject` trained on the forget set alone to refuse rather than to answer."""
    return train(subject, data, config, seed, flat_terms, beside="refusals")
