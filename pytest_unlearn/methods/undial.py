"""UNDIAL: learn what the original says with the forgotten token's logit turned down.

Paper: Dong et al., "UNDIAL: Self-Distillation with Adjusted Logits for Robust Unlearning in Large Language Models",
NAACL 2025 (arXiv 2402.10052); defaults of open-unlearning, `configs/trainer/UNDIAL.yaml`.
Needs: FORGET, ORIGINAL; RETAIN where `retain_weight` is not 0.

    L(theta) = -gamma 1/n sum_{t in A} sum_v q_t(v) log p_theta(v | x_<t) + alpha L_retain(theta)
    q_t      = softmax(z_t - beta onehot(x_t))                  z_t: the original's logits, which never move

The target is fixed, so the loss has a floor, the entropy of q, and training longer does no more harm. The reference
averages over all positions, those of the prompt and of padding among them, and takes the label -100 that stands there
for a token, counted from the end of the vocabulary: token V - 100 is turned down at each of them. Here the mean is over
the n answer tokens, and nothing else is touched.

When it fails: the second guess of the original is often another wording of the same answer, or its first token in lower
case. A fact that is asked in other words was never in the loss, and with the default alpha = 0 nothing holds the rest.

Worked example, beta = ln 2: a forgotten answer of three tokens of a vocabulary of two, which the original and the model
give 1/2 each. q = 1/3, 2/3 at each of them, and forget = ln 2 = 0.6931, its floor being -(1/3 ln 1/3 + 2/3 ln 2/3)
= 0.6365.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from pytest_unlearn.lazy import torch
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, ORIGINAL, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import LOGITS, Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import IGNORED, Pair, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class UNDIALConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `beta`: what is taken off the logit of the forgotten token
    """

    beta: Annotated[float, Gt(0)] = 10.0
    retain_weight: Annotated[float, Ge(0)] = 0.0
    lr: Annotated[float, Gt(0)] = 1e-4


def undial_terms(now: Opened, original: Frozen, pair: Pair, config: UNDIALConfig) -> dict[str, Term]:
    """`forget`: cross-entropy to the adjusted original, a mean over the forget tokens; `retain`: only if it weighs."""
    forget = pair.forget
    values, labels = now.logits(forget.batch)  # (batch, answer, vocab), (batch, answer)
    there = labels != IGNORED
    index = labels.masked_fill(~there, 0).unsqueeze(-1)  # (batch, answer, 1)
    before = original.logits(forget)  # (batch, answer, vocab)
    aim = before.scatter_add(-1, index, torch.full_like(index, -1, dtype=before.dtype) * config.beta).softmax(-1)
    losses = -(aim * torch.log_softmax(values, -1)).sum(-1).masked_fill(~there, 0.0)  # (batch, answer)
    return {
        "forget": Term((forget.weights * losses.sum(-1)).sum(), forget.tokens, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


@method(
    "undial",
    needs={FORGET, ORIGINAL},
    more=lambda config: {RETAIN} if config.retain_weight else set(),
    band=Band(recall=(0.2, 0.7), retention=(0.6, 1.0)),
)
def undial(subject: Subject, data: Data, config: UNDIALConfig, seed: int) -> Subject:
    """`subject` taught by itself, with the forget answers turned down."""
    views = (("forget", LOGITS), *retain_views(config))
    return train(subject, data, config, seed, undial_terms, original=views)
