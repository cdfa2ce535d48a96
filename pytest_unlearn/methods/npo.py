"""Negative preference optimisation: make the forget answers unlikely compared with what the original thought of them.

Paper: Zhang et al., "Negative Preference Optimization: From Catastrophic Collapse to Effective Unlearning", COLM 2024
(arXiv 2404.05868), its variant with a retain term; defaults of open-unlearning, `src/trainer/unlearn/npo.py`.
Needs: FORGET, RETAIN, ORIGINAL.

    L(theta) = -gamma (2 / beta) 1/B sum_b log sigmoid(beta (s_theta(b) - s_original(b))) + alpha L_retain(theta)
    s(b)     = -sum_{t in A_b} log p(x_t | x_<t)         the summed, not averaged, loss of the forget answer b

A row counts less the further it has already moved: its gradient is that of ascent, 2 sigmoid(-beta (s_theta -
s_original)) grad s_theta, which starts at weight 1 and goes to 0. As beta goes to 0 the method becomes ascent.

When it fails: at a few tens of nats the gradient is gone, and what is left is suppression rather than removal: other
ways of asking, and a few steps of relearning, bring the answer back. The sum makes long answers move, and stop, first.
If the original is not frozen the ratio is 0 throughout, and the method silently is gradient ascent.

Worked example, beta = 0.1: a forgotten answer of three tokens had probabilities 1/2, 1/2, 1/2 and has 1/2, 1/4, 1/2.
s_original = 3 ln 2, s_theta = 4 ln 2, so log sigmoid(0.1 ln 2) = -0.65909 and forget = 20 * 0.65909 = 13.1818, down
from 20 ln 2 = 13.8629. A retained answer at 1/2, 1/2, 1/2 adds 0.6931, L = 13.8749.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, ORIGINAL, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import Pair, Term, sequence_logp


@dataclass(frozen=True, slots=True, kw_only=True)
class NPOConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `beta`: how soon a row that has moved counts less; near 0 the method is gradient ascent
    """

    beta: Annotated[float, Gt(0)] = 0.1


def npo_terms(now: Opened, original: Frozen, pair: Pair, config: NPOConfig) -> dict[str, Term]:
    """`forget`: the preference loss, a mean over rows; `retain`: see `training/retain.py`."""
    forget = pair.forget
    logp = sequence_logp(*now.logits(forget.batch))  # (batch,)
    moved = original.logp(forget) - logp  # (batch,) s_theta - s_original
    losses = -(2 / config.beta) * torch.nn.functional.logsigmoid(config.beta * moved)  # (batch,)
    return {
        "forget": Term((forget.weights * losses).sum(), forget.count, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


@method("npo", needs={FORGET, RETAIN, ORIGINAL}, band=Band(recall=(0.0, 0.2), retention=(0.1, 0.7)))
def npo(subject: Subject, data: Data, config: NPOConfig, seed: int) -> Subject:
    """`subject` trained to find the forget answers less likely than it did."""
    return train(subject, data, config, seed, npo_terms, original=("forget", *retain_views(config)))
