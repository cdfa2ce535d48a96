"""FLAT: raise the probability of a refusal against that of the forgotten answer, by a divergence between the two.

Paper: Wang et al., "LLM Unlearning via Loss Adjustment with Only Forget Data", ICLR 2025 (arXiv 2410.11143); defaults
of UCSC-REAL/FLAT.
Needs: FORGET, REFUSALS.

    L(theta) = 1/B sum_b f*(g(P(y_b))) - g(P(r_b))
    P(y)     = 1/|y| sum_{t in y} p_theta(x_t | x_<t)           a mean of probabilities, not of their logarithms
    y_b, r_b   the forget answer b, and a refusal beside it

    divergence       g(v)                       f*(g(v))
    total_variation  tanh(v) / 2                tanh(v) / 2
    kl               v                          e^(v - 1)
    jensen_shannon   ln 2 - ln(1 + e^-v)        v + ln(1 + e^-v) - ln 2
    pearson          v                          v^2 / 4 + v

How much each side counts comes from the divergence, and there is nothing to tune. P lies in [0, 1], so the loss is
bounded; with total variation it lies within tanh(1) / 2 = 0.381 of 0. The reference means P over all 499 positions of a
padded row, prompt and padding counting as 0, which makes it smaller by the share of the answer; its learning rates
(1e-5, in the README 2e-7) are tuned to that, and its batch is 64.

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
from pytest_unlearn.training.data import FORGET, REFUSALS, Data, LoopConfig, method
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

    divergence: Literal["total_variation", "kl", "jensen_shannon", "pearson"] = "total_variation"
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
    return (lambda v: v), (lambda v: v.square() / 4 + v)


@method("flat", needs={FORGET, REFUSALS})
def flat(subject: Subject, data: Data, config: FLATConfig, seed: int) -> Subject:
    """`subject` trained on the forget set alone to refuse rather than to answer."""
    return train(subject, data, config, seed, flat_terms, beside="refusals")
