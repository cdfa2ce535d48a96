"""Saturation and importance: ascend on forget tokens that are still likely, but not on those that are certain.

Paper: Yang et al., "Exploring Criteria of Loss Reweighting to Enhance LLM Unlearning", ICML 2025 (arXiv 2505.11953);
open-unlearning, `src/trainer/unlearn/satimp.py`.
Needs: FORGET, RETAIN.

    L(theta) = gamma 1/n sum_{t in A} w_t log p_theta(x_t | x_<t) + alpha L_retain(theta)
    w_t      = p_t ** beta1 (1 - p_t) ** beta2,  p_t = p_theta(x_t | x_<t)        numbers: no gradient goes through them

p ** beta1 is saturation (a token that is gone is let be), (1 - p) ** beta2 importance (a token that any context
predicts, such as an article, carries nothing). The repository contradicts itself: gamma = 0.1, alpha = 1 in
`configs/trainer/SatImp.yaml`, gamma = 1, alpha = 0.1 in the class and its README; the defaults here are the latter.

When it fails: the weight is 0 at p = 1, so that a model that is certain of an answer, as one that was trained on it for
long, hardly moves. With beta1 = 5 it is largest at p = 5/6 and there only 0.067: expect few tokens to matter.

Worked example, beta1 = 5, beta2 = 1: a forgotten answer of three tokens has probabilities 1/2, 1/4, 1/2. w = 1/64,
3/4096, 1/64, so that forget = -(1/64 ln 2 + 3/4096 ln 4 + 1/64 ln 2) / 3 = -(134/4096) ln 2 / 3 = -0.007559.
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
class SatImpConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `saturation`: beta1, how much less an unlikely token counts
    `importance`: beta2, how much less a certain token counts
    """

    saturation: Annotated[float, Ge(0)] = 5.0
    importance: Annotated[float, Ge(0)] = 1.0
    retain_weight: Annotated[float, Ge(0)] = 0.1


def satimp_terms(now: Opened, original: Frozen, pair: Pair, config: SatImpConfig) -> dict[str, Term]:
    """`forget`: weighted log-likelihood, a mean over the forget tokens; `retain`: see `training/retain.py`."""
    forget = pair.forget
    logp = token_logp(*now.logits(forget.batch))  # (batch, answer)
    likely = logp.detach().exp()
    weighted = likely**config.saturation * (1 - likely) ** config.importance * logp  # 0 where there is no token
    return {
        "forget": Term((forget.weights * weighted.sum(-1)).sum(), forget.tokens, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


@method("satimp", needs={FORGET, RETAIN}, band=Band(recall=(0.25, 0.7), retention=(0.8, 1.0)))
def satimp(subject: Subject, data: Data, config: SatImpConfig, seed: int) -> Subject:
    """`subject` after ascent on the forget tokens that are likely without being certain."""
    return train(subject, data, config, seed, satimp_terms, original=retain_views(config))
