"""Weighted gradient ascent: ascend on a forget token by as much as it is still likely.

Paper: Wang et al., "Rethinking LLM Unlearning Objectives: A Gradient Perspective and Go Beyond", ICLR 2025 (arXiv
2502.19301); defaults of open-unlearning, `src/trainer/unlearn/wga.py`.
Needs: FORGET, RETAIN.

    L(theta) = gamma 1/n sum_{t in A} w_t log p_theta(x_t | x_<t) + alpha L_retain(theta)
    w_t      = p_theta(x_t | x_<t) ** beta                      a number: no gradient goes through it

The gradient of ascent grows without bound as a token becomes unlikely; w takes that back, and a token that is gone is
let be. The reference loads a model of the original that it never asks; here there is none.

When it fails: the tokens that are likely after any question (articles, the end of the answer) are pushed as hard as
those that carry the fact. With beta near 0 it is plain ascent again, and diverges like it.

Worked example, beta = 1: a forgotten answer of three tokens has probabilities 1/2, 1/4, 1/2.
forget = -(1/2 ln 2 + 1/4 ln 4 + 1/2 ln 2) / 3 = -(3/2) ln 2 / 3 = -0.3466.
Shuffled, the weights are 1/4, 1/2, 1/2: forget = -(1/4 ln 2 + 1/2 ln 4 + 1/2 ln 2) / 3 = -(7/4) ln 2 / 3 = -0.4043.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import IGNORED, Pair, Term, token_logp

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class WGAConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `beta`: how much less an unlikely token counts; at 0 all count alike, as in gradient ascent
    `shuffled`: a control: each token of an answer gets the weight of the next, the last that of the first, so that
    weights are as they were but stand beside other tokens
    """

    beta: Annotated[float, Ge(0)] = 1.0
    shuffled: bool = False


def wga_terms(now: Opened, original: Frozen, pair: Pair, config: WGAConfig) -> dict[str, Term]:
    """`forget`: weighted log-likelihood, a mean over the forget tokens; `retain`: see `training/retain.py`."""
    forget = pair.forget
    values, labels = now.logits(forget.batch)  # (batch, answer, vocab), (batch, answer)
    logp = token_logp(values, labels)  # (batch, answer)
    weights = (config.beta * logp.detach()).exp()  # (batch, answer)
    if config.shuffled:
        weights = shifted(weights, labels != IGNORED)
    weighted = weights * logp  # (batch, answer), 0 where there is no token
    return {
        "forget": Term((forget.weights * weighted.sum(-1)).sum(), forget.tokens, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


def shifted(values: Tensor, there: Tensor) -> Tensor:
    """Each row moved by one place to the left, round its `there` places, which come first: both (batch, answer)."""
    counts = there.sum(-1, keepdim=True)  # (batch, 1)
    places = torch.arange(values.shape[-1], device=values.device).expand_as(values)
    return values.gather(-1, torch.where(there, (places + 1) % counts, places))


@method("wga", needs={FORGET, RETAIN}, band=Band(recall=(0.0, 0.3), retention=(0.7, 1.0)))
def wga(subject: Subject, data: Data, config: WGAConfig, seed: int) -> Subject:
    """`subject` after ascent on those forget tokens that are still likely."""
    return train(subject, data, config, seed, wga_terms, original=retain_views(config))
