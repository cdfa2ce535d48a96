"""Alternate preference optimisation: prefer a plausible wrong answer to the forgotten one.

Paper: Mekala et al., "Alternate Preference Optimization for Unlearning Factual Knowledge in Large Language Models",
COLING 2025 (arXiv 2409.13474); open-unlearning, `community/methods/AltPO`, whose search has beta in {0.05, 0.1, 0.5},
alpha in {1, 2, 5} and lr in {1e-5, 2e-5, 5e-5} over 2 epochs: the defaults lie in it.
Needs: FORGET, RETAIN, ALTERNATES, ORIGINAL.

    L(theta) = -gamma (2 / beta) 1/B sum_b log sigmoid(beta (d(a_b) - d(y_b))) + alpha L_retain(theta)
    d(y)     = log p_theta(y | x) - log p_original(y | x)       summed over the tokens of y
    y_b, a_b   the forget answer b, and a wrong answer to the same question beside it

It is the loss of `dpo` with wrong answers as winners: the model goes on answering instead of refusing. In the paper a
language model writes five for each question. Here they come from the knowledge, five things of the answer's type that
answer nothing that must be forgotten, or from the field `alternates` of a file of questions; a forget row takes the
next of its own at each visit.

When it fails: what the model learns is false, and told with confidence; entities that are named as wrong answers get
facts that they do not have. Few or equal alternates become the new fixed answer, which gives away that something was
there. Documents have no alternates.

Worked example, beta = 0.1: a forgotten answer of three tokens had probabilities 1/2, 1/2, 1/2 and has 1/2, 1/4, 1/2; a
wrong one of one token had 1/8 and has 1/2. d(a) - d(y) = 2 ln 2 + ln 2, and forget = 20 ln(1 + 2 ** -0.3) = 11.8914,
down from 20 ln 2 = 13.8629.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Gt

from pytest_unlearn.methods.dpo import preference
from pytest_unlearn.subjects.protocol import Opened, Subject
from pytest_unlearn.training.data import ALTERNATES, FORGET, ORIGINAL, RETAIN, Band, Data, method
from pytest_unlearn.training.frozen import Frozen
from pytest_unlearn.training.loop import train
from pytest_unlearn.training.retain import RetainConfig, retain_terms, retain_views
from pytest_unlearn.training.terms import Pair, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class AltPOConfig(RetainConfig):
    """The options of the formula, beside the loop's.

    `beta`: how soon a row whose preference has moved counts less
    """

    beta: Annotated[float, Gt(0)] = 0.1
    lr: Annotated[float, Gt(0)] = 2e-5
    epochs: Annotated[float, Gt(0)] = 2.0


def altpo_terms(now: Opened, original: Frozen, pair: Pair, config: AltPOConfig) -> dict[str, Term]:
    """`forget`: the preference loss, a mean over rows; `retain`: see `training/retain.py`."""
    losses = preference(now, original, pair.alternates, pair.forget, config.beta)  # (batch,)
    return {
        "forget": Term((pair.forget.weights * losses).sum(), pair.forget.count, config.forget_weight),
        **retain_terms(now, original, pair, config),
    }


@method("altpo", needs={FORGET, RETAIN, ALTERNATES, ORIGINAL}, band=Band(recall=(0.0, 0.2), retention=(0.2, 0.7)))
def altpo(subject: Subject, data: Data, config: AltPOConfig, seed: int) -> Subject:
    """`subject` trained to prefer wrong answers to the forget answers."""
    return train(
        subject, data, config, seed, altpo_terms, ("forget", "alternates", *retain_views(config)), beside="alternates"
    )
