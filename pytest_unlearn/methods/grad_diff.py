"""Gradient difference: ascend on the forget set, descend on the retain set.

Paper: Liu et al., "Continual Learning and Private Unlearning", CoLLAs 2022 (arXiv 2203.12817); as a baseline in TOFU
(arXiv 2401.06121), whose weights gamma = alpha = 1 are the defaults.
Needs: FORGET, RETAIN.

    L(theta) = gamma  1/n  sum_{t in A}   log p_theta(x_t | x_<t)       A: the n answer tokens of the forget rows
             - alpha  1/n' sum_{t in A'}  log p_theta(x_t | x_<t)       A': the n' answer tokens of the retain rows

When it fails: the forget term has no floor while the retain term has one at 0, so ascent wins in the end. A small
forget set with a large `lr` destroys the model before the retain rows can say anything; entangled facts (a neighbour
that shares its answers with the target) cancel against each other.

Worked example: a forgotten answer of three tokens with probabilities 1/2, 1/4, 1/2, a retained one with 1/2, 1/2, 1/2.
forget = -4 ln 2 / 3 = -0.9242, retain = 3 ln 2 / 3 = 0.6931, L = -0.2310.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import FORGET, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import Pair, Term, nll_term


@dataclass(frozen=True, slots=True, kw_only=True)
class GradDiffConfig(RetainConfig):
    """The options of the formula, beside the loop's."""


def grad_diff_terms(now: Opened, original: Frozen, pair: Pair, config: GradDiffConfig) -> dict[str, Term]:
    """`forget`: mean log-likelihood of the forget tokens; `retain`: see `training/retain.py`."""
    nll = nll_term(now, pair.forget)
    return {
        "forget": Term(-nll.total, nll.count, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


@method("grad_diff", needs={FORGET, RETAIN}, band=Band(recall=(0.0, 0.2), retention=(0.2, 0.8)))
def grad_diff(subject: Subject, data: Data, config: GradDiffConfig, seed: int) -> Subject:
    """`subject` after ascent on the forget set and descent on the retain set."""
    return train(subject, data, config, seed, grad_diff_terms, original=retain_views(config))
