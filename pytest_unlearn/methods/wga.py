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
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import Pair, Term, token_logp


@dataclass(frozen=True, slots=True, kw_only=True)
class WGAConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `beta`: how much less an unlikely token counts; at 0 all count alike, as in gradient ascent
    """

    beta: Annotated[float, Ge(0)] = 1.0


def wga_terms(now: Opened, original: Frozen, pair: Pair, config: WGAConfig) -> dict[str, Term]:
    """`forget`: weighted log-likelihood, a mean over the forget tokens; `retain`: see `training/retain.py`."""
    forget = pair.forget
    logp = token_logp(*now.logits(forget.batch))  # (batch, answer)
    weighted = (config.beta * logp.detach()).exp() * logp  # (batch, answer), 0 where there is no token
    return {
        "forget": Term((forget.weights * weighted.sum(-1)).sum(), forget.tokens, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


@method("wga", needs={FORGET, RETAIN}, band=Band(recall=(0.0, 0.3), retention=(0.7, 1.0)))
def wga(subject: Subject, data: Data, config: WGAConfig, seed: int) -> Subject:
    """`subject` after ascent on those forget tokens that are still likely."""
    return train(subject, data, config, seed, wga_terms, original=retain_views(config))
