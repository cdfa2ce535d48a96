"""Simple negative preference optimisation: NPO on the mean loss of a token, without an original to compare with.

Paper: Fan et al., "Simplicity Prevails: Rethinking Negative Preference Optimization for LLM Unlearning", 2024 (arXiv
2410.07163); defaults of open-unlearning, `configs/trainer/SimNPO.yaml`.
Needs: FORGET, RETAIN.

    L(theta) = -gamma (2 / beta) 1/B sum_b log sigmoid(beta s_theta(b) - margin) + alpha L_retain(theta)
    s(b)     = -1/|A_b| sum_{t in A_b} log p(x_t | x_<t)        the mean loss of a token of the forget answer b

Where open-unlearning writes beta (s - delta), the paper subtracts its margin beside beta s: margin = beta delta. At the
default 0 they are the same.

When it fails: what counts is how unlikely an answer is, not how far it has moved, so an answer that the original
already found unlikely is let be, and a likely one is pushed at nearly full weight, 2 sigmoid(margin - beta s), from the
first step on. Answers that share their words with retained ones are fought over.

Worked example, beta = 4.5: a forgotten answer of three tokens has probabilities 1/2, 1/4, 1/2. s = 4 ln 2 / 3 = 0.9242,
log sigmoid(4.5 s) = -ln(1 + 2 ** -6) = -0.01550 and forget = 2/4.5 * 0.01550 = 0.006891. A retained answer at 1/2, 1/2,
1/2 adds 0.6931, L = 0.125 * 0.006891 + 0.6931 = 0.6940.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import IGNORED, Pair, Term, token_logp


@dataclass(frozen=True, slots=True, kw_only=True)
class SimNPOConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `beta`: how soon an answer that is unlikely counts less; near 0 the method is gradient ascent
    `margin`: what is taken off beta times the loss: with more an answer must be less likely before it counts less, e.g.
    `1.0`
    """

    beta: Annotated[float, Gt(0)] = 4.5
    margin: Annotated[float, Ge(0)] = 0.0
    forget_weight: Annotated[float, Ge(0)] = 0.125


def simnpo_terms(now: Opened, original: Frozen, pair: Pair, config: SimNPOConfig) -> dict[str, Term]:
    """`forget`: the preference loss, a mean over rows; `retain`: see `training/retain.py`."""
    forget = pair.forget
    values, labels = now.logits(forget.batch)  # (batch, answer, vocab), (batch, answer)
    loss = -token_logp(values, labels).sum(-1) / (labels != IGNORED).sum(-1)  # (batch,)
    losses = -(2 / config.beta) * torch.nn.functional.logsigmoid(config.beta * loss - config.margin)  # (batch,)
    return {
        "forget": Term((forget.weights * losses).sum(), forget.count, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


@method("simnpo", needs={FORGET, RETAIN}, band=Band(recall=(0.5, 0.9), retention=(0.75, 1.0)))
def simnpo(subject: Subject, data: Data, config: SimNPOConfig, seed: int) -> Subject:
    """`subject` trained to find the forget answers unlikely, token by token."""
    return train(subject, data, config, seed, simnpo_terms, original=retain_views(config))
