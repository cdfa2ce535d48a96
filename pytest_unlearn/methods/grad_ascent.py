"""Gradient ascent: train on the forget set with the sign of the loss turned.

Paper: Jang et al., "Knowledge Unlearning for Mitigating Privacy Risks in Language Models", ACL 2023 (arXiv 2210.01504).
Needs: FORGET.

    L(theta) = 1/n sum_{t in A} log p_theta(x_t | x_<t)         A: the n answer tokens of the forget rows of a step

When it fails: the loss has no floor, so it diverges, and takes everything else with it: the model ends in repetition or
noise, and scores as a model that has forgotten all it knew. Few steps and a small `lr` are its only brakes. The loop
stops with an error where the loss falls below -10000.

Worked example: one forgotten answer of three tokens, with probabilities 1/2, 1/4, 1/2.
log p = -4 ln 2 = -2.7726; over three tokens L = -0.9242. Halving one of the three lowers L by ln 2 / 3 = 0.2310.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, Band, Data, LoopConfig, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.terms import Pair, Term, nll_term


@dataclass(frozen=True, slots=True, kw_only=True)
class GradAscentConfig(LoopConfig):
    """The loop's options."""


def grad_ascent_terms(now: Opened, original: Frozen, pair: Pair, config: GradAscentConfig) -> dict[str, Term]:
    """`forget`: mean log-likelihood of the forget answers' tokens, to be lowered."""
    nll = nll_term(now, pair.forget)
    return {"forget": Term(-nll.total, nll.count)}


@method("grad_ascent", needs={FORGET}, band=Band(recall=(0.0, 0.2), retention=(0.0, 0.2)))
def grad_ascent(subject: Subject, data: Data, config: GradAscentConfig, seed: int) -> Subject:
    """`subject` after ascent on the forget set."""
    return train(subject, data, config, seed, grad_ascent_terms)
